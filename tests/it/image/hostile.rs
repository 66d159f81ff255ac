//! Images from those who mean harm: addresses that lead back to us, servers that lie, paths that lead out.

use std::net::Ipv4Addr;
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::image::cache::{Settings, Source};
use bessemer::image::checksum::{Algorithm, Checksum, Hasher, Wanted};
use bessemer::image::{ImageCache, ImageError};
use bessemer::net::Net;
use bessemer::net::http::{Client, Reach};
use tempfile::TempDir;

use crate::http::scripted::{Answer, Server, head, ok};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

/// A cache whose sources may be where `reach` says, and its directory.
async fn cache(reach: Reach) -> Result<(ImageCache, TempDir)> {
    let dir = tempfile::tempdir()?;
    std::fs::create_dir(dir.path().join("images"))?;
    let mut settings = Settings::new(dir.path().join("cache"), 1 << 20);
    settings.roots = vec![dir.path().join("images")];
    settings.retry_pause = Duration::from_millis(1);
    settings.reach = reach;
    let client = Client::new(Net::system(), Clock::system());
    Ok((ImageCache::start(settings, client, Clock::system()).await?, dir))
}

/// Everything that is routed, and one address of this machine.
fn only(address: &str) -> Reach {
    Reach::routed_and(address.parse().into_iter().collect(), vec![])
}

fn sum(bytes: &[u8]) -> Checksum {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    Checksum { algorithm: Algorithm::Sha256, hex: hasher.finish() }
}

fn source(location: impl Into<String>, bytes: &[u8]) -> Source {
    Source { location: location.into(), wanted: Wanted::Exactly(sum(bytes)) }
}

fn left(dir: &TempDir) -> Result<usize> {
    Ok(std::fs::read_dir(dir.path().join("cache"))?.count())
}

async fn refused(cache: &ImageCache, source: &Source) -> Result<String> {
    match cache.image(source, "a").await {
        Err(ImageError::Unusable(why)) => Ok(why),
        other => Err(format!("{}: {other:?}", source.location).into()),
    }
}

#[tokio::test]
async fn this_machine_is_not_asked_however_it_is_spelled() -> Result {
    let image = vec![7; 5_000];
    let server = Server::start([("/disk.raw", ok(&image))]).await?;
    let port = server.address.port();
    let (near, dir) = cache(Reach::routed()).await?;
    let hosts = [
        "127.0.0.1",
        "127.0.0.01",
        "localhost",
        "LOCALHOST",
        "2130706433",
        "0x7f000001",
        "0177.0.0.1",
        "127.1",
        "0",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[64:ff9b::7f00:1]",
        "user:word@127.0.0.1",
    ];
    for host in hosts {
        let location = format!("http://{host}:{port}/disk.raw");
        let why = match near.image(&source(location, &image), "a").await {
            Err(ImageError::Unusable(why)) => why,
            // A spelling that this system's resolver does not know.
            Err(ImageError::Unreachable(why)) if !host.contains("127.0.0.1") && !host.contains(':') => {
                assert!(!why.contains("Connection refused"), "{host}: {why}");
                continue;
            }
            other => return Err(format!("{host}: {other:?}").into()),
        };
        assert!(why.contains("images.local_networks") && !why.contains("word"), "{host}: {why}");
    }
    let listed = Source { location: "http://192.0.2.1/x".into(), wanted: Wanted::ListedAt(server.url("/SUMS")) };
    assert!(refused(&near, &listed).await?.contains("images.local_networks"));
    for metadata in ["http://169.254.169.254/latest/meta-data/", "http://[fd00:ec2::254]/", "http://[fe80::1]/"] {
        assert!(refused(&near, &source(metadata, &image)).await?.contains("images.local_networks"), "{metadata}");
        assert!(near.check(metadata).await.is_err(), "the verb refuses {metadata}");
    }
    assert_eq!((server.heads().len(), left(&dir)?), (0, 0), "nothing was asked, nothing is left");
    // The operator may allow it.
    let (allowed, _dir) = cache(only("127.0.0.0/8")).await?;
    assert_eq!(allowed.image(&source(server.url("/disk.raw"), &image), "a").await?.bytes, 5_000);
    Ok(())
}

#[tokio::test]
async fn a_redirect_goes_no_further_than_the_address_that_was_given() -> Result {
    let image = vec![7; 5_000];
    let near = Server::start_at(Ipv4Addr::new(127, 0, 0, 2), [("/disk.raw", ok(&image))]).await?;
    let to = |location: &str| head(&format!("302 Found\r\nLocation: {location}\r\nContent-Length: 0"));
    let public = Server::start([
        ("/near", to(&near.url("/disk.raw"))),
        ("/twice", to("/near")),
        ("/metadata", to("http://169.254.169.254/latest/")),
        ("/file", to("file:///etc/passwd")),
        ("/gopher", to("gopher://127.0.0.1/")),
        ("/relative", to("//127.0.0.2/disk.raw")),
        ("/nowhere", to("")),
    ])
    .await?;
    let (cache, dir) = cache(only("127.0.0.1")).await?;
    for path in ["/near", "/twice", "/metadata", "/file", "/gopher", "/relative", "/nowhere"] {
        refused(&cache, &source(public.url(path), &image)).await?;
        let listed = Source { location: public.url("/x"), wanted: Wanted::ListedAt(public.url(path)) };
        refused(&cache, &listed).await?;
    }
    assert_eq!((near.heads().len(), left(&dir)?), (0, 0));
    Ok(())
}

#[tokio::test]
async fn our_own_listeners_are_not_asked_wherever_they_are() -> Result {
    let image = vec![7; 5_000];
    let ours = Server::start([("/v1/lookup", ok(&image))]).await?;
    let reach = Reach::routed_and("127.0.0.0/8".parse().into_iter().collect(), vec![ours.address]);
    let (cache, _dir) = cache(reach).await?;
    refused(&cache, &source(ours.url("/v1/lookup?addresses=52:54:00:00:00:01"), &image)).await?;
    assert_eq!(ours.heads().len(), 0);
    Ok(())
}

#[tokio::test]
async fn answers_that_are_not_the_whole_image_are_refused_and_leave_nothing() -> Result {
    let image = vec![7; 5_000];
    let with = |head: &str, body: &[u8]| Answer::Bytes([head.as_bytes(), b"\r\n\r\n", body].concat());
    let mut chunked = b"1388\r\n".to_vec();
    chunked.extend(&image);
    let whole = [&chunked[..], b"\r\n0\r\n\r\n"].concat();
    let server = Server::start([
        (
            "/part",
            with("HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 0-4999/5000\r\nContent-Length: 5000", &image),
        ),
        ("/none", with("HTTP/1.1 204 No Content", b"")),
        ("/tail", with("HTTP/1.1 200 OK\r\nContent-Length: 4000", &image)),
        ("/both", with("HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 5000", &image)),
        ("/open", with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", &chunked)),
        ("/huge", with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", b"ffffffffffffffff\r\nx")),
        ("/whole", with("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked", &whole)),
    ])
    .await?;
    let dir = tempfile::tempdir()?;
    // Room for an image whose length is not told.
    let mut settings = Settings::new(dir.path().join("cache"), 80 << 20);
    settings.retry_pause = Duration::from_millis(1);
    settings.reach = only("127.0.0.0/8");
    let cache = ImageCache::start(settings, Client::new(Net::system(), Clock::system()), Clock::system()).await?;
    for path in ["/part", "/none", "/tail", "/both", "/open", "/huge"] {
        let found = cache.image(&source(server.url(path), &image), "a").await;
        assert!(found.is_err(), "{path}: {found:?}");
    }
    assert_eq!(left(&dir)?, 0);
    assert_eq!(cache.image(&source(server.url("/whole"), &image), "a").await?.bytes, 5_000);
    Ok(())
}

#[tokio::test]
async fn paths_in_every_disguise_stay_below_the_roots() -> Result {
    let (cache, dir) = cache(Reach::routed()).await?;
    let (base, secret) = (dir.path(), vec![9; 4_000]);
    std::fs::write(base.join("secret"), &secret)?;
    std::fs::create_dir_all(base.join("images/deep/er"))?;
    std::os::unix::fs::symlink(base, base.join("images/deep/er/up"))?;
    std::os::unix::fs::symlink("er/up/secret", base.join("images/deep/hop"))?;
    std::os::unix::fs::symlink("loop", base.join("images/loop"))?;
    std::os::unix::fs::symlink("/proc/self/environ", base.join("images/environ"))?;
    std::os::unix::fs::symlink("/dev/zero", base.join("images/zero"))?;
    let at = base.display();
    for location in [
        format!("file://{at}/images/deep/er/up/secret"),
        format!("file://{at}/images/deep/hop"),
        format!("file://{at}/images/loop"),
        format!("file://{at}/images/environ"),
        format!("file://{at}/images/zero"),
        format!("file://{at}/images/%2e%2e/secret"),
        format!("file://{at}/images/..%2fsecret"),
        format!("file://{at}/images%2f..%2fsecret"),
        format!("file://{at}/images/x%00/../../secret"),
        format!("{at}/images/../secret"),
        format!("file://{at}/images//..//secret"),
        format!("file://localhost{at}/images/../secret"),
        format!("file://other.host{at}/secret"),
        format!("file:{at}/secret"),
        format!("FILE://{at}/secret"),
        "file:///proc/self/environ".into(),
        "file:///proc/self/fd/0".into(),
        "file:///dev/zero".into(),
        "file:///dev/stdin".into(),
        "/etc/hostname".into(),
        "images/x".into(),
        "file://".into(),
        "\0".into(),
    ] {
        for wanted in [Wanted::Exactly(sum(&secret)), Wanted::OfOurFile, Wanted::Waived] {
            let why = refused(&cache, &Source { location: location.clone(), wanted }).await?;
            assert!(!why.contains("sha256"), "{why}");
        }
        assert!(cache.check(&location).await.is_err(), "the verb refuses {location:?}");
    }
    assert_eq!(left(&dir)?, 0);
    Ok(())
}

/// Whoever can write below a root may swap what lies there while it is opened. What is read is still below a root.
#[test]
fn a_directory_that_is_swapped_for_a_link_while_it_is_opened_leads_nowhere() -> Result {
    use std::sync::atomic::{AtomicBool, Ordering};
    let dir = tempfile::tempdir()?;
    let base = dir.path();
    let (root, inside, outside) = (base.join("images"), base.join("images/dir"), base.join("outside"));
    for (place, word) in [(&inside, "good"), (&outside, "evil")] {
        std::fs::create_dir_all(place)?;
        std::fs::write(place.join("disk"), word)?;
    }
    let aside = base.join("images/aside");
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| -> Result {
        let swapper = scope.spawn(|| -> std::io::Result<()> {
            while !done.load(Ordering::Relaxed) {
                std::fs::rename(&inside, &aside)?;
                std::os::unix::fs::symlink(&outside, &inside)?;
                std::fs::remove_file(&inside)?;
                std::fs::rename(&aside, &inside)?;
            }
            Ok(())
        });
        for _ in 0..5_000 {
            if let Ok((mut file, _)) = bessemer::disk::open_below(std::slice::from_ref(&root), &inside.join("disk")) {
                let mut text = String::new();
                std::io::Read::read_to_string(&mut file, &mut text)?;
                assert_eq!(text, "good");
            }
        }
        done.store(true, Ordering::Relaxed);
        Ok(swapper.join().map_err(|_| "the swapper panicked")??)
    })
}

#[tokio::test]
async fn a_waived_checksum_takes_what_comes_once_for_a_deploy_and_names_it_by_what_it_is() -> Result {
    let image = vec![7; 5_000];
    let server = Server::start([("/disk.raw", ok(&image)), ("/page", ok(b"<!DOCTYPE html>"))]).await?;
    let (cache, dir) = cache(only("127.0.0.0/8")).await?;
    let waived = |path: &str| Source { location: server.url(path), wanted: Wanted::Waived };
    cache.prefetch(&waived("/disk.raw"), "a").await?;
    let entry = cache.image(&waived("/disk.raw"), "a").await?;
    assert_eq!((&entry.checksum, entry.bytes), (&sum(&image), 5_000));
    assert_eq!(cache.image(&waived("/disk.raw"), "a").await?, entry);
    assert_eq!(server.count("/disk.raw"), 1, "one deploy sees one image");
    assert_eq!(std::fs::read(dir.path().join("cache").join(&entry.name))?, image);
    // Another deploy asks again, since the image may be another by now.
    cache.release("a");
    assert_eq!(cache.image(&waived("/disk.raw"), "b").await?, entry);
    assert_eq!((server.count("/disk.raw"), left(&dir)?), (2, 1));
    // The checksum is waived, and nothing else.
    assert!(refused(&cache, &waived("/page")).await.is_ok());
    assert_eq!(left(&dir)?, 1);
    Ok(())
}
