//! Names that mean another address each time that they are looked up. The network is in memory, so no resolver is asked.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bessemer::clock::Clock;
use bessemer::image::cache::{Settings, Source};
use bessemer::image::checksum::{Algorithm, Checksum, Hasher, Wanted};
use bessemer::image::{ImageCache, ImageError};
use bessemer::net::Net;
use bessemer::net::http::Client;
use bessemer::net::memory::Network;
use bessemer::random::Random;

use crate::http::scripted::{Answer, Server, head, ok};

type Result<T = ()> = std::result::Result<T, Box<dyn std::error::Error>>;

const FAR: &str = "10.0.0.9";
const NEAR: &str = "127.0.0.1";

struct World {
    network: Network,
    cache: ImageCache,
    image: Vec<u8>,
    far: Server,
    near: Server,
    dir: tempfile::TempDir,
}

impl World {
    /// The same image at a public address and at one of this machine's.
    async fn new() -> Result<Self> {
        let network = Network::new(Clock::system(), Random::system());
        let (net, image) = (Net::memory(network.host()), vec![7; 5_000]);
        let broken = [&b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n"[..], &image[..100]].concat();
        let serve = async |at: &str| {
            let answers = [
                ("/disk.raw", ok(&image)),
                ("/breaks", Answer::Bytes(broken.clone())),
                ("/moved", head("302 Found\r\nLocation: /disk.raw\r\nContent-Length: 0")),
            ];
            Server::start_on(&net, SocketAddr::new(at.parse()?, 80), answers)
                .await
                .map_err(Box::<dyn std::error::Error>::from)
        };
        let (far, near) = (serve(FAR).await?, serve(NEAR).await?);
        let dir = tempfile::tempdir()?;
        let mut settings = Settings::new(dir.path().join("cache"), 1 << 20);
        settings.retry_pause = Duration::from_millis(1);
        let client = Client::new(Net::memory(network.host()), Clock::system());
        let cache = ImageCache::start(settings, client, Clock::system()).await?;
        Ok(World { network, cache, image, far, near, dir })
    }

    /// Asks for an image at a name that means these addresses, one answer after the other.
    async fn ask(&self, path: &str, answers: &[&[&str]]) -> Result<std::result::Result<u64, ImageError>> {
        let mut meant = vec![];
        for answer in answers {
            meant.push(answer.iter().map(|ip| ip.parse()).collect::<std::result::Result<Vec<IpAddr>, _>>()?);
        }
        self.network.name("images.example.org", meant);
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(&self.image);
        let wanted = Wanted::Exactly(Checksum { algorithm: Algorithm::Sha256, hex: hasher.finish() });
        let source = Source { location: format!("http://images.example.org{path}"), wanted };
        self.cache.check(&source.location).await?;
        let found = self.cache.image(&source, "a").await.map(|image| image.bytes);
        self.cache.release("a");
        Ok(found)
    }

    fn is_barred(&self, found: &std::result::Result<u64, ImageError>, what: &str) {
        let barred = matches!(found, Err(ImageError::Unusable(why)) if why.contains("images.local_networks"));
        assert!(barred, "{what}: {found:?}");
        assert_eq!(self.near.heads().len(), 0, "{what}");
    }
}

#[tokio::test]
async fn the_address_that_is_judged_is_the_one_that_is_connected_to() -> Result {
    let world = World::new().await?;
    // Whoever looked it up to judge it and again to connect would connect to this machine.
    assert_eq!(world.ask("/disk.raw", &[&[FAR], &[NEAR]]).await?, Ok(5_000));
    assert_eq!((world.far.heads().len(), world.near.heads().len()), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_name_is_judged_anew_for_each_redirect_and_each_attempt() -> Result {
    let world = World::new().await?;
    world.is_barred(&world.ask("/disk.raw", &[&[NEAR], &[FAR]]).await?, "at once");
    world.is_barred(&world.ask("/moved", &[&[FAR], &[NEAR]]).await?, "a redirect to the same name");
    world.is_barred(&world.ask("/breaks", &[&[FAR], &[NEAR]]).await?, "a second attempt");
    assert_eq!(world.far.heads().len(), 2);
    assert_eq!(std::fs::read_dir(world.dir.path().join("cache"))?.count(), 0);
    Ok(())
}

#[tokio::test]
async fn of_several_addresses_only_those_that_are_allowed_are_tried() -> Result {
    let world = World::new().await?;
    assert_eq!(world.ask("/disk.raw", &[&["169.254.169.254", NEAR, "::1", FAR]]).await?, Ok(5_000));
    assert_eq!((world.far.heads().len(), world.near.heads().len()), (1, 0));
    Ok(())
}

#[tokio::test]
async fn a_name_may_mean_this_machine_in_no_spelling() -> Result {
    let world = World::new().await?;
    for address in [
        "127.0.0.1",
        "0.0.0.0",
        "0.0.0.1",
        "::",
        "::1",
        "::127.0.0.1",
        "::ffff:127.0.0.1",
        "::ffff:0.0.0.0",
        "::ffff:169.254.169.254",
        "64:ff9b::127.0.0.1",
        "64:ff9b:1::169.254.169.254",
        "2002:7f00:1::",
        "2002:a9fe:a9fe::",
        "fe80::1",
        "169.254.169.254",
        "255.255.255.255",
    ] {
        world.is_barred(&world.ask("/disk.raw", &[&[address]]).await?, address);
    }
    assert_eq!(world.network.seen().connections, 0, "nobody was connected to");
    Ok(())
}
