//! The DHCP server over loopback, one conversation a test.

use std::net::Ipv4Addr;

use anyhow::Result;
use bessemer::pxe::dhcp::reservations::Reservation;
use bessemer::store::leases;
use bessemer::wire::dhcp::{BROADCAST, Message, MessageType};
use bessemer::wire::dhcp_options::{IPXE_NO_PROXY_DHCP, code};
use bessemer::wire::mac::Mac;

use super::world::{Client, OURS, SILENT, STRANGER, World, message, select};

const SERVER: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);

fn with(mut request: Message, options: &[(u8, &[u8])]) -> Message {
    for (code, value) in options {
        request.options.set(*code, *value);
    }
    request
}

#[tokio::test]
async fn a_known_card_gets_an_address_that_is_stored_before_it_is_told() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|s| s.network.gateway = Some(SERVER)).await?;
    let client = Client::new(&server)?;
    let offer = client.ask(&message(MessageType::Discover, OURS)).await?;
    assert_eq!((offer.kind(), offer.options.address(code::SERVER_ID)), (Some(MessageType::Offer), Some(SERVER)));
    assert_eq!(world.store.read(leases::all).await?, [], "an offer is not stored");

    let request = with(select(&offer, OURS), &[(12, b"node-1")]);
    let ack = client.ask(&request).await?;
    let stored = world.store.read(|read| leases::find(read, &OURS.to_string())).await?;
    let stored = stored.map(|lease| (lease.address, lease.hostname));
    assert_eq!(stored, Some((ack.yiaddr, Some("node-1".into()))));
    assert_eq!(ack.options.secs(code::LEASE_SECS), Some(3600));
    assert_eq!(ack.options.secs(code::RENEW_SECS), Some(1800));
    assert_eq!(ack.options.secs(code::REBIND_SECS), Some(3150));
    assert_eq!(ack.options.address(code::SUBNET_MASK), Some(Ipv4Addr::new(255, 255, 0, 0)));
    assert_eq!(ack.options.address(code::ROUTERS), Some(SERVER));
    assert!(ack.file.is_empty() && !ack.options.has(code::BOOT_FILE), "an operating system boots nothing");
    server.finish().await
}

#[tokio::test]
async fn each_kind_of_machine_is_told_its_loader() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let script = "http://127.77.0.1:8080/boot/52-54-00-77-00-10.ipxe";
    let http = "http://127.77.0.1:8080/boot/loader/snponly.efi";
    type Options = &'static [(u8, &'static [u8])];
    let table: [(Options, &str); 8] = [
        (&[(60, b"PXEClient:Arch:00000:UNDI:002001"), (93, &[0, 0])], "undionly.kpxe"),
        (&[(60, b"PXEClient:Arch:00007:UNDI:003016"), (93, &[0, 7])], "snponly.efi"),
        (&[(60, b"PXEClient:Arch:00009:UNDI:003016"), (93, &[0, 9])], "snponly.efi"),
        (&[(60, b"PXEClient:Arch:00011:UNDI:003016"), (93, &[0, 11])], "snponly-arm64.efi"),
        (&[(60, b"PXEClient:Arch:00006:UNDI:003016"), (93, &[0, 6])], ""),
        (&[(60, b"HTTPClient:Arch:00016:UNDI:003001"), (93, &[0, 16])], http),
        (&[(60, b"PXEClient:Arch:00000:UNDI:002001"), (93, &[0, 0]), (175, &[19, 1, 1])], script),
        (&[(77, b"iPXE")], script),
    ];
    for (options, file) in table {
        let reply = client.ask(&with(message(MessageType::Discover, OURS), options)).await?;
        assert_eq!(String::from_utf8_lossy(&reply.file), file, "{options:?}");
        let tftp = if file.is_empty() { Ipv4Addr::UNSPECIFIED } else { SERVER };
        assert_eq!(reply.siaddr, tftp);
        let class = reply.options.get(code::VENDOR_CLASS);
        assert_eq!(class, (file == http).then_some(&b"HTTPClient"[..]), "only HTTP boot is told a class");
        let hurry = reply.options.ipxe(IPXE_NO_PROXY_DHCP);
        assert_eq!(hurry, (file == script).then(|| vec![1]), "iPXE is told not to wait for a proxy");
        // Who asks for the options gets them as well as the fields.
        let asked = with(with(message(MessageType::Discover, OURS), options), &[(55, &[66, 67])]);
        let reply = client.ask(&asked).await?;
        assert_eq!(reply.options.get(code::BOOT_FILE).unwrap_or_default(), file.as_bytes());
    }
    server.finish().await
}

#[tokio::test]
async fn a_card_that_must_not_boot_from_the_network_gets_an_address_only() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let request = with(message(MessageType::Discover, SILENT), &[(60, b"PXEClient"), (93, &[0, 0])]);
    let reply = client.ask(&request).await?;
    assert!(!reply.yiaddr.is_unspecified() && reply.file.is_empty() && reply.siaddr.is_unspecified());
    server.finish().await
}

#[tokio::test]
async fn strangers_are_ignored_or_get_an_address_without_a_boot_file() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let pxe = with(message(MessageType::Discover, STRANGER), &[(60, b"PXEClient"), (93, &[0, 0])]);
    client.ignored(&pxe).await?;
    let mut grab = message(MessageType::Request, STRANGER);
    grab.options.set(code::REQUESTED_ADDRESS, [127, 77, 1, 11]);
    client.ignored(&grab).await?;
    grab.options.set(code::REQUESTED_ADDRESS, [10, 0, 0, 1]);
    client.ignored(&grab).await?;
    server.finish().await?;

    let server = world.dhcp(|s| s.serve_unknown = true).await?;
    let client = Client::new(&server)?;
    let offer = client.ask(&pxe).await?;
    assert!(offer.file.is_empty());
    assert_eq!(client.lease(STRANGER).await?, offer.yiaddr);
    server.finish().await
}

#[tokio::test]
async fn a_client_keeps_its_address_through_restarts_and_client_identifiers() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|s| s.serve_unknown = true).await?;
    let client = Client::new(&server)?;
    client.lease(STRANGER).await?;
    let address = client.lease(OURS).await?;
    server.finish().await?;

    let server = world.dhcp(|s| s.serve_unknown = true).await?;
    let client = Client::new(&server)?;
    let other = client.lease(Mac([2, 0, 0, 0, 0, 5])).await?;
    assert_ne!(other, address, "the restarted server knows what is taken");
    let again = with(message(MessageType::Discover, OURS), &[(61, b"\xff\0\0\0\x01kernel")]);
    let offer = client.ask(&again).await?;
    assert_eq!(offer.yiaddr, address);
    assert_eq!(offer.options.get(code::CLIENT_ID), Some(&b"\xff\0\0\0\x01kernel"[..]), "echoed, RFC 6842");
    server.finish().await
}

#[tokio::test]
async fn renewing_rebooting_releasing_and_informing() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let address = client.lease(OURS).await?;

    let mut renew = message(MessageType::Request, OURS);
    renew.ciaddr = address;
    let ack = client.ask(&renew).await?;
    assert_eq!((ack.kind(), ack.yiaddr, ack.ciaddr), (Some(MessageType::Ack), address, address));

    let reboot = with(message(MessageType::Request, OURS), &[(50, &address.octets())]);
    assert_eq!(client.ask(&reboot).await?.kind(), Some(MessageType::Ack));
    let moved = with(message(MessageType::Request, OURS), &[(50, &[10, 1, 1, 1])]);
    let nak = client.ask(&moved).await?;
    assert_eq!(
        (nak.kind(), nak.yiaddr, nak.options.has(code::LEASE_SECS)),
        (Some(MessageType::Nak), [0; 4].into(), false)
    );

    let mut inform = message(MessageType::Inform, OURS);
    inform.ciaddr = address;
    let ack = client.ask(&inform).await?;
    assert_eq!(
        (ack.kind(), ack.yiaddr, ack.options.has(code::LEASE_SECS)),
        (Some(MessageType::Ack), [0; 4].into(), false)
    );

    let mut release = message(MessageType::Release, OURS);
    release.ciaddr = address;
    client.ignored(&release).await?;
    // The row stays, so that the address is remembered for the next time, and ends now.
    let ended = async {
        loop {
            let lease = world.store.read(|read| leases::find(read, &OURS.to_string())).await?;
            let Some(lease) = lease else { anyhow::bail!("the lease was forgotten") };
            if lease.expires_at <= bessemer::clock::Clock::system().now() {
                return Ok(lease.address);
            }
        }
    };
    assert_eq!(tokio::time::timeout(std::time::Duration::from_secs(5), ended).await??, address);
    server.finish().await
}

#[tokio::test]
async fn nobody_gets_an_address_that_somebody_else_holds() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|s| s.serve_unknown = true).await?;
    let client = Client::new(&server)?;
    let held = client.lease(STRANGER).await?;
    for wish in [held, SERVER, Ipv4Addr::new(127, 77, 1, 99)] {
        let steal = with(message(MessageType::Request, OURS), &[(50, &wish.octets())]);
        assert_eq!(client.ask(&steal).await?.kind(), Some(MessageType::Nak), "{wish}");
    }
    // An address on offer to one client is not given to another that asks first.
    let offered = client.ask(&message(MessageType::Discover, SILENT)).await?.yiaddr;
    let steal = with(message(MessageType::Request, OURS), &[(50, &offered.octets())]);
    assert_eq!(client.ask(&steal).await?.kind(), Some(MessageType::Nak));
    server.finish().await
}

#[tokio::test]
async fn a_declined_address_is_not_given_again_soon() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let address = client.lease(OURS).await?;
    let decline = with(message(MessageType::Decline, OURS), &[(50, &address.octets())]);
    // Somebody else's address cannot be declined.
    client.ignored(&with(message(MessageType::Decline, SILENT), &[(50, &address.octets())])).await?;
    assert_eq!(client.lease(OURS).await?, address);
    client.send(&decline).await?;
    // A client waits ten seconds before it asks again; this one until the lease is gone and the pool knows.
    client.ignored(&message(MessageType::Discover, STRANGER)).await?;
    while world.store.read(|read| leases::find(read, &OURS.to_string())).await?.is_some() {
        tokio::task::yield_now().await;
    }
    client.ignored(&message(MessageType::Discover, STRANGER)).await?;
    assert_ne!(client.lease(OURS).await?, address);
    server.finish().await
}

#[tokio::test]
async fn a_reservation_is_kept_for_its_card() -> Result<()> {
    let world = World::new().await?;
    let reserved = Ipv4Addr::new(127, 77, 1, 11);
    let server = world.dhcp(|s| {
        s.serve_unknown = true;
        s.reservations.insert(STRANGER, Reservation { address: reserved, name: Some("web1".into()) });
    });
    let server = server.await?;
    let client = Client::new(&server)?;
    for n in 0..3 {
        assert_ne!(client.lease(Mac([2, 0, 0, 0, 0, n])).await?, reserved);
    }
    // The pool's four addresses are three for others and one reserved.
    assert_eq!(client.lease(STRANGER).await?, reserved);
    let offer = client.ask(&message(MessageType::Discover, STRANGER)).await?;
    assert_eq!(offer.options.get(code::HOST_NAME), Some(&b"web1"[..]), "it learns its name");
    let lease = world.store.read(|read| leases::find(read, &STRANGER.to_string())).await?;
    assert_eq!(lease.and_then(|lease| lease.hostname).as_deref(), Some("web1"));
    let other = with(message(MessageType::Request, STRANGER), &[(50, &[127, 77, 1, 10])]);
    assert_eq!(client.ask(&other).await?.kind(), Some(MessageType::Nak));
    server.finish().await
}

#[tokio::test]
async fn an_address_that_is_reserved_while_another_card_has_it_changes_hands_without_a_quarrel() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let address = Client::new(&server)?.lease(OURS).await?;
    server.finish().await?;

    let server = world.dhcp(|s| s.reservations.insert(STRANGER, Reservation { address, name: None })).await?;
    let client = Client::new(&server)?;
    let meanwhile = client.lease(STRANGER).await?;
    assert_ne!(meanwhile, address, "still its holder's");
    let mut renew = message(MessageType::Request, OURS);
    renew.ciaddr = address;
    assert_eq!(client.ask(&renew).await?.kind(), Some(MessageType::Nak), "the holder has to move");
    assert_ne!(client.lease(OURS).await?, address);
    let mut renew = message(MessageType::Request, STRANGER);
    renew.ciaddr = meanwhile;
    assert_eq!(client.ask(&renew).await?.kind(), Some(MessageType::Nak), "its own is free now");
    assert_eq!(client.lease(STRANGER).await?, address);
    server.finish().await
}

#[tokio::test]
async fn relayed_requests_return_what_the_relay_added() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let mut discover =
        with(message(MessageType::Discover, OURS), &[(82, &[1, 4, 0xde, 0xad, 0xbe, 0xef, 5, 4, 10, 0, 0, 1])]);
    (discover.giaddr, discover.hops) = (Ipv4Addr::new(127, 77, 3, 1), 1);
    let offer = client.ask(&discover).await?;
    assert_eq!(offer.giaddr, discover.giaddr);
    assert_eq!(offer.options.get(82), discover.options.get(82));
    let encoded = offer.encode();
    // Last but for the end mark: RFC 3046 section 2.1.
    let end = encoded.iter().rposition(|b| *b == 255).unwrap_or(0);
    assert_eq!(&encoded[end - 12..end], discover.options.get(82).unwrap_or_default());
    let mut wrong = with(message(MessageType::Request, OURS), &[(50, &[10, 1, 1, 1])]);
    wrong.giaddr = discover.giaddr;
    let nak = client.ask(&wrong).await?;
    assert_eq!((nak.kind(), nak.flags & BROADCAST), (Some(MessageType::Nak), BROADCAST));
    server.finish().await
}

#[tokio::test]
async fn the_machine_identifier_is_echoed_only_if_it_was_sent() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let plain = client.ask(&message(MessageType::Discover, OURS)).await?;
    assert!(!plain.options.has(code::MACHINE_ID));
    let id = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16];
    let reply = client.ask(&with(message(MessageType::Discover, OURS), &[(97, &id)])).await?;
    assert_eq!(reply.options.get(code::MACHINE_ID), Some(&id[..]));
    server.finish().await
}

#[tokio::test]
async fn a_client_that_chose_another_server_is_left_alone() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let offer = client.ask(&message(MessageType::Discover, OURS)).await?;
    client.ignored(&with(select(&offer, OURS), &[(54, &[10, 0, 0, 1])])).await?;
    assert_eq!(world.store.read(leases::all).await?, []);
    server.finish().await
}

#[tokio::test]
async fn an_exhausted_pool_is_silent_and_the_next_free_address_is_used() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|s| s.serve_unknown = true).await?;
    let client = Client::new(&server)?;
    let ours = client.lease(OURS).await?;
    let mut given = vec![ours];
    for n in 1..4 {
        given.push(client.lease(Mac([2, 0, 0, 0, 0, n])).await?);
    }
    given.sort();
    given.dedup();
    assert_eq!(given.len(), 4);
    client.ignored(&message(MessageType::Discover, STRANGER)).await?;
    let mut release = message(MessageType::Release, OURS);
    release.ciaddr = ours;
    client.send(&release).await?;
    let freed = async {
        loop {
            client.send(&message(MessageType::Discover, STRANGER)).await?;
            if let Ok(reply) = tokio::time::timeout(std::time::Duration::from_millis(100), client.hear()).await {
                return reply.map(|reply| reply.yiaddr);
            }
        }
    };
    assert_eq!(tokio::time::timeout(std::time::Duration::from_secs(5), freed).await??, ours);
    server.finish().await
}

#[tokio::test]
async fn a_full_store_gives_no_acknowledgement() -> Result<()> {
    let world = World::new().await?;
    let server = world.dhcp(|_| {}).await?;
    let client = Client::new(&server)?;
    let offer = client.ask(&message(MessageType::Discover, OURS)).await?;
    // The lease table is gone, which is the plainest way to make the store refuse.
    let path = world.store.path().to_owned();
    let sabotage = tokio::task::spawn_blocking(move || {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_WRITE;
        #[expect(clippy::disallowed_methods, reason = "sabotage from outside")]
        rusqlite::Connection::open_with_flags(path, flags)?.execute_batch("ALTER TABLE leases RENAME TO lost")
    });
    sabotage.await??;
    client.send(&select(&offer, OURS)).await?;
    let silence = tokio::time::timeout(std::time::Duration::from_millis(300), client.hear()).await;
    assert!(silence.is_err(), "no ACK without a lease on disk");
    server.finish().await
}
