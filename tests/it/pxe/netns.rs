//! The boot servers on a real link: two network namespaces with a cable between them, so that broadcasts are broadcasts.
//! Needs root; the server stands in one namespace and the client in the other, both threads of this process.

use std::fs::File;
use std::future::Future;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use anyhow::{Context as _, Result, anyhow, ensure};
use bessemer::clock::Clock;
use bessemer::net::{Interface, Net, UdpBind, UdpSocket};
use bessemer::pxe::{At, Parts, Settings};
use bessemer::random::Random;
use bessemer::wire::dhcp::{BROADCAST, Message, MessageType, Op};
use bessemer::wire::dhcp_options::code;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::tftp::rrq;
use super::world::{OURS, World, message, select};
use crate::lab;

const SERVER: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 1);
const SECOND: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 3);
const CLIENT: Ipv4Addr = Ipv4Addr::new(10, 78, 0, 2);

/// Two namespaces; `s0` with the server's addresses in one, `c0` with the known card in the other.
struct Link {
    server: String,
    client: String,
}

impl Link {
    /// None, with the reason printed, where this cannot be done.
    fn new() -> Result<Option<Self>> {
        if !nix::unistd::geteuid().is_root() {
            lab::need("network namespaces need root");
            return Ok(None);
        }
        if !lab::has_program("ip", "iproute2") {
            return Ok(None);
        }
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = format!("{}-{}", std::process::id(), NUMBER.fetch_add(1, Ordering::Relaxed));
        let link = Link { server: format!("bsm-s{number}"), client: format!("bsm-c{number}") };
        let (s, c) = (&link.server, &link.client);
        for command in [
            format!("netns add {s}"),
            format!("netns add {c}"),
            format!("link add s0 netns {s} type veth peer name c0 netns {c}"),
            format!("-n {c} link set c0 address {OURS}"),
            format!("-n {s} addr add {SERVER}/24 dev s0"),
            format!("-n {s} addr add {SECOND}/24 dev s0"),
            format!("-n {s} link set s0 up"),
            format!("-n {c} link set c0 up"),
        ] {
            ip(&command)?;
        }
        for (namespace, interface) in [(s, "s0"), (c, "c0")] {
            wait_for(|| link_local(namespace, interface))?;
        }
        Ok(Some(link))
    }

    /// Runs `job` on a thread in a namespace, with a runtime of its own.
    fn inside<T, F>(namespace: &str, job: impl FnOnce() -> F + Send + 'static) -> JoinHandle<Result<T>>
    where
        T: Send + 'static,
        F: Future<Output = Result<T>>,
    {
        let path = format!("/run/netns/{namespace}");
        std::thread::spawn(move || {
            nix::sched::setns(File::open(path)?, nix::sched::CloneFlags::CLONE_NEWNET)?;
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
            runtime.block_on(job())
        })
    }

    fn on_client<T: Send + 'static, F>(&self, job: impl FnOnce() -> F + Send + 'static) -> Result<T>
    where
        F: Future<Output = Result<T>>,
    {
        joined(Self::inside(&self.client, job))
    }

    /// Starts the servers; returns once they are bound, or with their error.
    fn serve(&self, edit: impl FnOnce(&mut Settings) + Send + 'static) -> Result<Servers> {
        let (ready, bound) = mpsc::channel();
        let stop = CancellationToken::new();
        let stopped = stop.clone();
        let thread = Self::inside(&self.server, move || async move {
            let world = World::new().await?;
            let mut settings = Settings {
                at: At::Interface("s0".into()),
                pool: Ipv4Addr::new(10, 78, 0, 100)..=Ipv4Addr::new(10, 78, 0, 109),
                netmask: None,
                gateway: Some(SERVER),
                dns: vec![],
                reservations: Default::default(),
                serve_unknown: false,
                lease_secs: 600,
                force: false,
                tftp_port: 69,
                url: Some(format!("http://{SERVER}:8080")),
            };
            edit(&mut settings);
            let parts = Parts {
                net: Net::system(),
                clock: Clock::system(),
                random: Random::system(),
                store: world.store.clone(),
                loaders: world.loaders()?,
                trace: Default::default(),
            };
            let mut tasks = JoinSet::new();
            let started = bessemer::pxe::start(parts, settings, &mut tasks, &stopped).await;
            let _ = ready.send(started.map(drop));
            while let Some(ended) = tasks.join_next().await {
                ended??;
            }
            Ok(())
        });
        bound.recv().context("the servers' thread ended")??;
        Ok(Servers { stop, thread: Some(thread) })
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        for namespace in [&self.server, &self.client] {
            let _ = ip(&format!("netns del {namespace}"));
        }
    }
}

struct Servers {
    stop: CancellationToken,
    thread: Option<JoinHandle<Result<()>>>,
}

impl Servers {
    fn finish(mut self) -> Result<()> {
        self.stop.cancel();
        self.thread.take().map_or(Ok(()), joined)
    }
}

impl Drop for Servers {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn joined<T>(thread: JoinHandle<Result<T>>) -> Result<T> {
    thread.join().map_err(|_| anyhow!("a thread panicked"))?
}

fn ip(arguments: &str) -> Result<String> {
    let output = Command::new("ip").args(arguments.split(' ')).output()?;
    let error = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "ip {arguments}: {error}");
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Whether the interface has a link-local address that may be used.
fn link_local(namespace: &str, interface: &str) -> Result<bool> {
    let shown = ip(&format!("-n {namespace} -6 addr show dev {interface} scope link"))?;
    Ok(shown.contains("fe80:") && !shown.contains("tentative"))
}

fn wait_for(mut done: impl FnMut() -> Result<bool>) -> Result<()> {
    for _ in 0..6000 {
        if done()? {
            return Ok(());
        }
        std::thread::sleep(Duration::from_millis(10));
    }
    Err(anyhow!("what was waited for did not come within a minute"))
}

/// The client's port, as firmware has it: no address, one interface, broadcast.
fn client_socket(address: Ipv4Addr, port: u16) -> Result<UdpSocket> {
    let bind = UdpBind { device: Some("c0".into()), broadcast: true, ..UdpBind::at(SocketAddr::from((address, port))) };
    Ok(Net::system().udp(bind)?)
}

async fn ask(socket: &UdpSocket, request: &Message, to: Ipv4Addr) -> Result<(Message, SocketAddr)> {
    socket.send_to(&request.encode(), SocketAddr::from((to, 67))).await?;
    hear(socket).await.with_context(|| format!("{:?} to {to}", request.kind()))
}

async fn hear(socket: &UdpSocket) -> Result<(Message, SocketAddr)> {
    let mut buffer = [0; 1500];
    loop {
        let received = tokio::time::timeout(Duration::from_secs(60), socket.recv(&mut buffer)).await??;
        let message = Message::decode(&buffer[..received.len])?;
        if message.op == Op::Reply {
            return Ok((message, received.peer));
        }
    }
}

#[test]
fn a_machine_without_an_address_is_answered_by_broadcast_and_renews_by_unicast() -> Result<()> {
    let Some(link) = Link::new()? else { return Ok(()) };
    let servers = link.serve(|_| {})?;
    let address = link.on_client(|| async {
        let socket = client_socket(Ipv4Addr::UNSPECIFIED, 68)?;
        for flags in [0, BROADCAST] {
            let mut discover = message(MessageType::Discover, OURS);
            discover.flags = flags;
            let (offer, from) = ask(&socket, &discover, Ipv4Addr::BROADCAST).await?;
            assert_eq!((offer.kind(), from), (Some(MessageType::Offer), SocketAddr::from((SERVER, 67))));
            assert_eq!(offer.options.address(code::SUBNET_MASK), Some(Ipv4Addr::new(255, 255, 255, 0)));
            let (ack, _) = ask(&socket, &select(&offer, OURS), Ipv4Addr::BROADCAST).await?;
            assert_eq!((ack.kind(), ack.yiaddr), (Some(MessageType::Ack), offer.yiaddr));
        }
        let mut discover = message(MessageType::Discover, OURS);
        discover.options.set(code::PARAMETER_LIST, [1, 3]);
        Ok(ask(&socket, &discover, Ipv4Addr::BROADCAST).await?.0.yiaddr)
    });
    let address = address?;
    ip(&format!("-n {} addr add {address}/24 dev c0", link.client))?;
    link.on_client(move || async move {
        let socket = client_socket(address, 68)?;
        let mut renew = message(MessageType::Request, OURS);
        renew.ciaddr = address;
        // This socket hears no broadcasts: it is bound to the address.
        let (ack, from) = ask(&socket, &renew, SERVER).await?;
        assert_eq!((ack.kind(), from.ip()), (Some(MessageType::Ack), IpAddr::V4(SERVER)));
        Ok(())
    })?;
    servers.finish()
}

#[test]
fn a_relay_is_answered_at_its_own_port_and_only_for_the_network_of_the_pool() -> Result<()> {
    let Some(link) = Link::new()? else { return Ok(()) };
    ip(&format!("-n {} addr add {CLIENT}/24 dev c0", link.client))?;
    let servers = link.serve(|_| {})?;
    link.on_client(|| async {
        let socket = client_socket(CLIENT, 67)?;
        let mut foreign = message(MessageType::Discover, OURS);
        (foreign.giaddr, foreign.hops, foreign.xid) = (Ipv4Addr::new(10, 99, 0, 1), 1, 1);
        socket.send_to(&foreign.encode(), SocketAddr::from((SERVER, 67))).await?;
        let mut relayed = message(MessageType::Discover, OURS);
        (relayed.giaddr, relayed.hops, relayed.xid) = (CLIENT, 1, 2);
        relayed.options.set(code::RELAY_AGENT, [1, 2, 7, 7]);
        let (offer, _) = ask(&socket, &relayed, SERVER).await?;
        assert_eq!((offer.xid, offer.giaddr), (2, CLIENT));
        assert_eq!(offer.options.get(code::RELAY_AGENT), Some(&[1, 2, 7, 7][..]));
        Ok(())
    })?;
    servers.finish()
}

#[test]
fn tftp_answers_from_the_address_of_the_interface_that_was_asked() -> Result<()> {
    let Some(link) = Link::new()? else { return Ok(()) };
    ip(&format!("-n {} addr add {CLIENT}/24 dev c0", link.client))?;
    let servers = link.serve(|_| {})?;
    link.on_client(|| async {
        for asked in [SERVER, SECOND] {
            let socket = client_socket(CLIENT, 0)?;
            socket.send_to(&rrq("snponly.efi", &[("tsize", "0")]), SocketAddr::from((asked, 69))).await?;
            let mut buffer = [0; 600];
            let received = tokio::time::timeout(Duration::from_secs(60), socket.recv(&mut buffer)).await??;
            assert_eq!((received.peer.ip(), buffer[1]), (IpAddr::V4(asked), 6));
        }
        Ok(())
    })?;
    servers.finish()
}

struct Dnsmasq(Child);

impl Dnsmasq {
    /// Another DHCP server on the client's side, as distributions configure it: it tests an address before it offers it.
    fn start(link: &Link) -> Result<Self> {
        ip(&format!("-n {} addr add {CLIENT}/24 dev c0", link.client))?;
        let dir = tempfile::tempdir()?;
        let leases = dir.path().join("leases");
        let child = Command::new("ip")
            .args(["netns", "exec", &link.client, "dnsmasq", "-k", "-C", "/dev/null", "--port=0", "--user=root"])
            .args(["--interface=c0", "--bind-interfaces", "--dhcp-range=10.78.0.200,10.78.0.220,1h", "--quiet-dhcp"])
            .arg(format!("--dhcp-leasefile={}", leases.display()))
            .arg("--log-facility=/dev/null")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn()?;
        let dnsmasq = Dnsmasq(child);
        let namespace = link.client.clone();
        wait_for(|| {
            let sockets = Command::new("ip").args(["netns", "exec", &namespace, "cat", "/proc/net/udp"]).output()?;
            // Port 67 in hexadecimal.
            Ok(String::from_utf8_lossy(&sockets.stdout).contains(":0043 "))
        })?;
        // The lease file is opened by now, and an unlinked one is as good.
        drop(dir);
        Ok(dnsmasq)
    }
}

impl Drop for Dnsmasq {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[test]
fn beside_another_dhcp_server_nothing_is_served_unless_it_is_forced() -> Result<()> {
    let Some(link) = Link::new()? else { return Ok(()) };
    if !lab::has_program("dnsmasq", "dnsmasq-base") {
        return Ok(());
    }
    let _other = Dnsmasq::start(&link)?;
    let refused = link.serve(|_| {}).err().map(|error| format!("{error:#}")).unwrap_or_default();
    assert!(refused.contains(&CLIENT.to_string()) && refused.contains("dhcp.force"), "{refused:?}");
    link.serve(|settings| settings.force = true)?.finish()
}

#[test]
fn the_probe_finds_nobody_and_an_interface_without_address_is_named() -> Result<()> {
    let Some(link) = Link::new()? else { return Ok(()) };
    link.serve(|_| {})?.finish()?;
    for (interface, expected) in [("lo", "no IPv4 address"), ("s9", "no network interface s9")] {
        let refused = link.serve(move |settings| settings.at = At::Interface(interface.into()));
        let refused = refused.err().map(|error| format!("{error:#}")).unwrap_or_default();
        assert!(refused.contains(expected), "{refused:?}");
    }
    Ok(())
}

/// Sends a router solicitation and waits so long for an answer.
async fn solicit(patience: Duration) -> Result<Option<Vec<u8>>> {
    let socket = Net::system().icmp6(&Interface::find("c0")?)?;
    let mut solicitation = vec![133, 0, 0, 0, 0, 0, 0, 0, 1, 1];
    solicitation.extend(OURS.0);
    socket.send_to(&solicitation, Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2)).await?;
    let mut buffer = [0; 256];
    let answer = async {
        loop {
            let (len, _) = socket.recv(&mut buffer).await?;
            if buffer[0] == 134 {
                return anyhow::Ok(buffer[..len].to_vec());
            }
        }
    };
    tokio::time::timeout(patience, answer).await.ok().transpose()
}

#[test]
fn a_known_machine_is_told_that_there_is_no_router_unless_there_may_be_one() -> Result<()> {
    let Some(link) = Link::new()? else { return Ok(()) };
    let servers = link.serve(|_| {})?;
    let answer = link.on_client(|| solicit(Duration::from_secs(60)))?.context("no answer")?;
    assert_eq!((answer.len(), answer[4], answer[5], &answer[6..8]), (16, 0, 0, &[0, 0][..]), "no flags, no lifetime");

    let forwarding = |value: &'static str| {
        joined(Link::inside(&link.server, move || async move {
            Ok(std::fs::write("/proc/sys/net/ipv6/conf/s0/forwarding", value)?)
        }))
    };
    forwarding("1")?;
    assert_eq!(link.on_client(|| solicit(Duration::from_millis(1500)))?, None, "an interface that forwards");
    forwarding("0")?;
    ip(&format!("-n {} link set c0 down", link.client))?;
    ip(&format!("-n {} link set c0 address 52:54:00:99:00:01", link.client))?;
    ip(&format!("-n {} link set c0 up", link.client))?;
    wait_for(|| link_local(&link.client, "c0"))?;
    let stranger = link.on_client(|| async {
        let socket = Net::system().icmp6(&Interface::find("c0")?)?;
        let all_routers = Ipv6Addr::new(0xff02, 0, 0, 0, 0, 0, 0, 2);
        socket.send_to(&[133, 0, 0, 0, 0, 0, 0, 0], all_routers).await?;
        let mut buffer = [0; 256];
        let answer = async {
            loop {
                socket.recv(&mut buffer).await?;
                if buffer[0] == 134 {
                    return anyhow::Ok(());
                }
            }
        };
        Ok(tokio::time::timeout(Duration::from_millis(500), answer).await.is_ok())
    });
    assert!(!stranger?, "a stranger is not answered");
    servers.finish()
}
