//! The image cache: one download for many, nothing left of a bad one, bounded, and never outside its roots.

use std::path::Path;
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::image::cache::{Settings, Source};
use bessemer::image::checksum::{Algorithm, Checksum, Hasher, Wanted};
use bessemer::image::format::Format;
use bessemer::image::{ImageCache, ImageError};
use bessemer::net::Net;
use bessemer::net::http::{Client, Reach};
use tempfile::TempDir;

use crate::http::scripted::{Answer, Server, head, ok};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

struct Bench {
    dir: TempDir,
    cache: ImageCache,
}

async fn bench(max_bytes: u64) -> Result<Bench> {
    let dir = tempfile::tempdir()?;
    let cache = reopen(&dir, max_bytes).await?;
    Ok(Bench { dir, cache })
}

async fn reopen(dir: &TempDir, max_bytes: u64) -> Result<ImageCache> {
    let mut settings = Settings::new(dir.path().join("cache"), max_bytes);
    settings.roots = vec![dir.path().join("images")];
    settings.retry_pause = Duration::from_millis(1);
    settings.reach = here();
    std::fs::create_dir_all(dir.path().join("images"))?;
    Ok(ImageCache::start(settings, Client::new(Net::system(), Clock::system()), Clock::system()).await?)
}

/// The scripted servers are on loopback, so the operator of these tests allows it.
fn here() -> Reach {
    Reach::routed_and("127.0.0.0/8".parse().into_iter().collect(), vec![])
}

/// A disk image whose bytes differ by `seed`.
fn disk(seed: u8, bytes: usize) -> Vec<u8> {
    (0..bytes).map(|i| (i % 251) as u8 ^ seed).collect()
}

fn sum(bytes: &[u8]) -> Checksum {
    let mut hasher = Hasher::new(Algorithm::Sha256);
    hasher.update(bytes);
    Checksum { algorithm: Algorithm::Sha256, hex: hasher.finish() }
}

fn source(location: impl Into<String>, bytes: &[u8]) -> Source {
    Source { location: location.into(), wanted: Wanted::Exactly(sum(bytes)) }
}

/// Names of the files in the cache's directory.
fn files(dir: &TempDir) -> Result<Vec<String>> {
    let mut names = vec![];
    for entry in std::fs::read_dir(dir.path().join("cache"))? {
        names.push(entry?.file_name().to_string_lossy().into_owned());
    }
    names.sort();
    Ok(names)
}

#[tokio::test]
async fn many_who_want_one_image_cause_one_download() -> Result {
    let image = disk(1, 300_000);
    let Answer::Bytes(answer) = ok(&image) else { return Err("canned".into()) };
    let server = Server::start([("/disk.raw", Answer::Slow(answer, 50_000, Duration::from_millis(5)))]).await?;
    let bench = bench(1 << 20).await?;
    let wanted = source(server.url("/disk.raw"), &image);
    let (a, b, c) =
        tokio::join!(bench.cache.image(&wanted, "a"), bench.cache.image(&wanted, "b"), bench.cache.image(&wanted, "c"));
    let entry = a?;
    assert_eq!((&b?, &c?), (&entry, &entry));
    assert_eq!((entry.bytes, entry.format), (300_000, Format::Raw));
    assert_eq!(server.count("/disk.raw"), 1);
    assert_eq!(std::fs::read(bench.dir.path().join("cache").join(&entry.name))?, image);
    // And none for one who comes later, also after a restart.
    bench.cache.stop().await;
    let cache = reopen(&bench.dir, 1 << 20).await?;
    assert_eq!(cache.image(&wanted, "d").await?, entry);
    assert_eq!(server.count("/disk.raw"), 1);
    Ok(())
}

#[tokio::test]
async fn a_wrong_checksum_is_refused_with_both_sums_and_leaves_nothing() -> Result {
    let server = Server::start([("/disk.raw", ok(&disk(1, 5_000)))]).await?;
    let bench = bench(1 << 20).await?;
    let refused = bench.cache.image(&source(server.url("/disk.raw"), b"another"), "a").await;
    let Err(ImageError::Mismatch { expected, found, .. }) = refused else { return Err(format!("{refused:?}").into()) };
    assert_eq!((expected, found), (sum(b"another").hex, sum(&disk(1, 5_000)).hex));
    assert_eq!(files(&bench.dir)?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn lengths_that_lie_and_sources_that_break_off_leave_nothing() -> Result {
    let image = disk(1, 5_000);
    let mut short = b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n".to_vec();
    short.extend(&image);
    let mut huge = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n".to_vec();
    huge.extend(&image);
    let server = Server::start([
        ("/short", Answer::Bytes(short)),
        ("/huge", Answer::Bytes(huge)),
        ("/loop", head("302 Found\r\nLocation: /loop\r\nContent-Length: 0")),
        ("/sick", head("503 Later\r\nContent-Length: 0")),
    ])
    .await?;
    let bench = bench(1 << 20).await?;
    for (path, retryable, requests) in
        [("/short", true, 3), ("/huge", false, 1), ("/loop", false, 6), ("/sick", true, 3), ("/missing", false, 1)]
    {
        let error = bench.cache.image(&source(server.url(path), &image), "a").await.err();
        assert_eq!(error.as_ref().map(ImageError::retryable), Some(retryable), "{path}: {error:?}");
        assert_eq!(server.count(path), requests, "{path}");
    }
    assert_eq!(files(&bench.dir)?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn the_longest_unused_entry_goes_first_and_a_held_one_never() -> Result {
    let images: Vec<Vec<u8>> = (0..4).map(|seed| disk(seed, 40_000)).collect();
    let server =
        Server::start([("/0", ok(&images[0])), ("/1", ok(&images[1])), ("/2", ok(&images[2])), ("/3", ok(&images[3]))])
            .await?;
    let bench = bench(100_000).await?;
    let names: Vec<String> = images.iter().map(|image| sum(image).content_name()).collect();
    let get = async |n: usize, holder: &str| {
        bench.cache.image(&source(server.url(&format!("/{n}")), &images[n]), holder).await
    };
    get(0, "a").await?;
    get(1, "b").await?;
    let full = get(2, "c").await;
    assert!(matches!(full, Err(ImageError::NoRoom(_))), "{full:?}");
    bench.cache.release("a");
    bench.cache.release("b");
    // 0 is used again, so 1 is the one to go.
    assert!(bench.cache.open(&names[0])?.is_some());
    get(2, "c").await?;
    let mut expected = vec![names[0].clone(), names[2].clone()];
    expected.sort();
    assert_eq!(files(&bench.dir)?, expected);
    assert!(bench.cache.open(&names[1])?.is_none());
    assert_eq!(bench.cache.used_bytes(), 80_000);
    // Open files outlive their entry.
    let open = bench.cache.open(&names[0])?;
    get(3, "d").await?;
    assert!(!files(&bench.dir)?.contains(&names[0]));
    let mut read = vec![];
    std::io::Read::read_to_end(&mut open.ok_or("open")?.0, &mut read)?;
    assert_eq!(read, images[0]);
    Ok(())
}

#[tokio::test]
async fn a_local_image_is_copied_and_the_copy_does_not_follow_the_original() -> Result {
    let bench = bench(1 << 20).await?;
    let (image, path) = (disk(3, 70_000), bench.dir.path().join("images/my disk.raw"));
    std::fs::write(&path, &image)?;
    let location = format!("file://{}", path.display()).replace(' ', "%20");
    let entry = bench.cache.image(&source(location, &image), "a").await?;
    std::fs::write(&path, b"changed")?;
    assert_eq!(std::fs::read(bench.dir.path().join("cache").join(entry.name))?, image);
    Ok(())
}

/// The kernel's own files have no length, and bytes: as if they had grown since they were opened, each time.
#[tokio::test]
async fn a_local_image_that_is_longer_than_it_was_when_it_was_opened_is_refused() -> Result {
    let dir = tempfile::tempdir()?;
    let mut settings = Settings::new(dir.path().join("cache"), 1 << 20);
    settings.roots = vec!["/proc/sys/kernel".into()];
    let cache = ImageCache::start(settings, Client::new(Net::system(), Clock::system()), Clock::system()).await?;
    let location = "file:///proc/sys/kernel/ostype";
    let bytes = std::fs::read("/proc/sys/kernel/ostype")?;
    let refused = cache.image(&source(location, &bytes), "a").await;
    // Room was made for what it had, so that is all that may be written.
    let Err(ImageError::Unusable(why)) = refused else { return Err(format!("{refused:?}").into()) };
    assert!(why.contains("grows"), "{why}");
    assert_eq!((files(&dir)?, cache.used_bytes()), (vec![], 0));
    Ok(())
}

#[tokio::test]
async fn nothing_outside_the_roots_can_be_named_by_any_way() -> Result {
    let bench = bench(1 << 20).await?;
    let (base, secret) = (bench.dir.path(), disk(9, 4_000));
    std::fs::write(base.join("secret"), &secret)?;
    std::os::unix::fs::symlink(base.join("secret"), base.join("images/link"))?;
    std::os::unix::fs::symlink(base, base.join("images/up"))?;
    let fifo = base.join("images/fifo");
    nix::unistd::mkfifo(&fifo, nix::sys::stat::Mode::S_IRWXU)?;
    for path in
        ["secret", "images/link", "images/up/secret", "images/../secret", "images", "images/fifo", "images/none"]
    {
        let location = format!("file://{}", base.join(path).display());
        let refused = bench.cache.image(&source(location, &secret), "a").await;
        assert!(matches!(refused, Err(ImageError::Unusable(_))), "{path}: {refused:?}");
    }
    for location in ["file://relative", "relative", "ftp://host/x", "", "file:///"] {
        let refused = bench.cache.image(&source(location, &secret), "a").await;
        assert!(matches!(refused, Err(ImageError::Unusable(_))), "{location}: {refused:?}");
    }
    // A link that stays inside is fine.
    std::fs::write(base.join("images/real"), &secret)?;
    std::os::unix::fs::symlink("real", base.join("images/alias"))?;
    bench.cache.image(&source(base.join("images/alias").display().to_string(), &secret), "a").await?;
    Ok(())
}

#[tokio::test]
async fn a_start_removes_what_was_unfinished_and_leaves_strangers_alone() -> Result {
    let bench = bench(1 << 20).await?;
    let cache = bench.dir.path().join("cache");
    for name in ["sha256-aa.0.partial", "notes.txt"] {
        std::fs::write(cache.join(name), b"x")?;
    }
    reopen(&bench.dir, 1 << 20).await?;
    assert_eq!(files(&bench.dir)?, ["notes.txt"]);
    Ok(())
}

#[tokio::test]
async fn a_qcow2_that_leads_elsewhere_is_refused_while_it_comes() -> Result {
    let mut image = vec![0; 100_000];
    image[..8].copy_from_slice(b"QFI\xfb\0\0\0\x03");
    image[15] = 1;
    is_refused_and_not_kept(&image, "backing file").await
}

/// Whether this qcow2 is refused for that reason, and nothing is left of it.
async fn is_refused_and_not_kept(image: &[u8], why: &str) -> Result {
    let server = Server::start([("/disk.qcow2", ok(image))]).await?;
    let bench = bench(1 << 20).await?;
    let refused = bench.cache.image(&source(server.url("/disk.qcow2"), image), "a").await;
    assert!(refused.as_ref().is_err_and(|error| error.to_string().contains(why)), "{refused:?}");
    assert_eq!(files(&bench.dir)?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_checksum_file_names_the_sum() -> Result {
    let image = disk(1, 5_000);
    let listing: &'static str = format!("{}  disk.raw\n{}  other\n", sum(&image).hex, sum(b"other").hex).leak();
    let server = Server::start([("/disk.raw", ok(&image)), ("/SUMS", ok(listing.as_bytes()))]).await?;
    let bench = bench(1 << 20).await?;
    let wanted = Source { location: server.url("/disk.raw"), wanted: Wanted::ListedAt(server.url("/SUMS")) };
    assert_eq!(bench.cache.image(&wanted, "a").await?.checksum, sum(&image));
    Ok(())
}

#[tokio::test]
async fn a_prefetch_tells_of_a_bad_address_at_once_and_else_goes_on_alone() -> Result {
    let image = disk(1, 200_000);
    let Answer::Bytes(answer) = ok(&image) else { return Err("canned".into()) };
    let server = Server::start([("/slow", Answer::Slow(answer, 20_000, Duration::from_millis(3)))]).await?;
    let bench = bench(1 << 20).await?;
    assert!(bench.cache.prefetch(&source(server.url("/missing"), &image), "a").await.is_err());
    let wanted = source(server.url("/slow"), &image);
    bench.cache.prefetch(&wanted, "a").await?;
    assert_eq!(bench.cache.downloads().len(), 1);
    bench.cache.image(&wanted, "a").await?;
    assert_eq!(server.count("/slow"), 1);
    Ok(())
}

#[tokio::test]
async fn a_download_that_nobody_wants_any_more_ends_and_leaves_nothing() -> Result {
    let image = disk(1, 200_000);
    let mut stall = b"HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n".to_vec();
    stall.extend(&image[..100_000]);
    let server = Server::start([("/stall", Answer::Stall(stall))]).await?;
    let bench = bench(1 << 20).await?;
    bench.cache.prefetch(&source(server.url("/stall"), &image), "a").await?;
    bench.cache.release("a");
    while !bench.cache.downloads().is_empty() || !files(&bench.dir)?.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    // A hold on a download that goes on is one on the entry; a stop ends it in any case.
    bench.cache.prefetch(&source(server.url("/stall"), &image), "a").await?;
    bench.cache.stop().await;
    while !files(&bench.dir)?.is_empty() {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok(())
}

#[test]
fn only_canonical_names_reach_the_file_system() {
    assert!(Path::new("/etc/passwd").exists());
    for name in ["../../etc/passwd", "sha256-../../etc/passwd", ""] {
        assert_eq!(Checksum::from_content_name(name), None);
    }
}

/// A cache, and an image whose server sends a byte every few milliseconds: it is never silent for long, and would take minutes.
async fn trickling(mut settings: Settings) -> Result<(ImageCache, Source, Server)> {
    let image = disk(1, 100_000);
    let Answer::Bytes(answer) = ok(&image) else { return Err("canned".into()) };
    let server = Server::start([("/disk.raw", Answer::Slow(answer, 1, Duration::from_millis(4)))]).await?;
    settings.reach = here();
    let cache = ImageCache::start(settings, Client::new(Net::system(), Clock::system()), Clock::system()).await?;
    Ok((cache, source(server.url("/disk.raw"), &image), server))
}

#[tokio::test]
async fn a_source_that_trickles_is_given_up_in_bounded_time() -> Result {
    let dir = tempfile::tempdir()?;
    let mut settings = Settings::new(dir.path().join("cache"), 1 << 20);
    (settings.min_bytes_per_sec, settings.slow_after) = (10_000, Duration::from_millis(200));
    settings.retry_pause = Duration::from_millis(1);
    let (cache, wanted, _server) = trickling(settings).await?;
    let asked = cache.image(&wanted, "a");
    let refused = tokio::time::timeout(Duration::from_secs(60), asked).await?;
    let Err(ImageError::Unreachable(why)) = refused else { return Err(format!("{refused:?}").into()) };
    assert!(why.contains("images.min_bytes_per_sec"), "{why}");
    assert_eq!(files(&dir)?, [""; 0]);
    Ok(())
}

#[tokio::test]
async fn a_source_that_is_quick_enough_and_never_ends_is_given_up_in_time() -> Result {
    let dir = tempfile::tempdir()?;
    let mut settings = Settings::new(dir.path().join("cache"), 1 << 20);
    (settings.min_bytes_per_sec, settings.fetch_within) = (0, Duration::from_millis(300));
    let (cache, wanted, _server) = trickling(settings).await?;
    let asked = tokio::time::timeout(Duration::from_secs(60), cache.image(&wanted, "a"));
    let Err(ImageError::Unreachable(why)) = asked.await? else { return Err("it came".into()) };
    assert!(why.contains("images.fetch_secs"), "{why}");
    // Also if nobody waits for it, and a node only holds it.
    if let Err(error) = cache.prefetch(&wanted, "a").await {
        // On a busy machine it may be over before the source has answered.
        assert!(error.to_string().contains("images.fetch_secs"), "{error}");
    }
    let ended = async {
        while !cache.downloads().is_empty() || !files(&dir).is_ok_and(|files| files.is_empty()) {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), ended).await?;
    Ok(())
}

#[tokio::test]
async fn a_file_of_ours_may_come_without_a_checksum_and_nothing_else_may() -> Result {
    let bench = bench(1 << 20).await?;
    let path = bench.dir.path().join("images/disk.raw");
    std::fs::write(&path, disk(1, 5_000))?;
    let wanted = |location: String| Source { location, wanted: Wanted::OfOurFile };
    let image = bench.cache.image(&wanted(format!("file://{}", path.display())), "a").await?;
    assert_eq!(image.checksum, sum(&disk(1, 5_000)));
    for elsewhere in ["http://127.0.0.1:1/x", "file:///etc/passwd"] {
        let refused = bench.cache.image(&wanted(elsewhere.to_owned()), "a").await;
        assert!(matches!(refused, Err(ImageError::Unusable(_))), "{elsewhere}: {refused:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_qcow2_whose_tables_are_behind_its_end_is_refused_once_the_end_is_there() -> Result {
    // The head could be that of a good image, of which this is the beginning.
    let mut image = vec![0; 100_000];
    let mut put = |at: usize, bytes: &[u8]| image[at..at + bytes.len()].copy_from_slice(bytes);
    put(0, b"QFI\xfb\0\0\0\x03");
    for (at, number) in [(20, 16), (28, 5 << 20), (36, 1), (44, 0x3_0000), (52, 0x1_0000), (56, 1), (96, 4), (100, 104)]
    {
        put(at, &u32::to_be_bytes(number));
    }
    is_refused_and_not_kept(&image, "not in the file").await
}

#[tokio::test]
async fn a_checksum_file_without_an_end_is_not_read_for_ever() -> Result {
    let image = disk(1, 5_000);
    let mut listing = b"# nothing yet\n".repeat(100_000);
    listing.extend(format!("{}  disk.raw\n", sum(&image).hex).as_bytes());
    let server = Server::start([("/disk.raw", ok(&image)), ("/SUMS", ok(&listing))]).await?;
    let bench = bench(1 << 20).await?;
    let wanted = Source { location: server.url("/disk.raw"), wanted: Wanted::ListedAt(server.url("/SUMS")) };
    let refused = bench.cache.image(&wanted, "a").await;
    assert!(refused.is_err(), "{refused:?}");
    assert_eq!(server.count("/disk.raw"), 0);
    Ok(())
}
