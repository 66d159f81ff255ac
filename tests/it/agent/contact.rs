//! Who is told what, and who is called where: lookups, heartbeats and reports of machines, of their neighbours and of those
//! who would like to be taken for them. Decided in the store, without a socket.

use std::net::{IpAddr, Ipv4Addr};

use bessemer::clock::Clock;
use bessemer::model::{FlowName, Node, Phase, Port, PowerTarget, Stage, State, Work};
use bessemer::random::Random;
use bessemer::service::agent::{Door, Found, Heartbeat, Lookup, heartbeat, lookup, refusal};
use bessemer::service::inspection::{Report, continue_inspection};
use bessemer::service::rules::Agents;
use bessemer::service::whereabouts::Peer;
use bessemer::service::{Refusal, Rules, power};
use bessemer::store::leases::{self, Lease};
use bessemer::store::{Options, Store, StoreError, nodes, ports, work};
use jiff::SignedDuration;
use tokio::task::JoinSet;
use uuid::Uuid;

type Tested<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const MAC: &str = "52:54:00:aa:bb:01";
const MACHINE: &str = "10.77.0.100";
const STRANGER: &str = "10.77.0.66";

struct Room {
    store: Store,
    node: Uuid,
    rules: Rules,
    _dir: tempfile::TempDir,
}

impl Room {
    /// One node with one card.
    async fn new(state: State, agents: Agents) -> Tested<Self> {
        let dir = tempfile::tempdir()?;
        let store = Store::open(&dir.path().join("db"), Options::new(Clock::system(), Random::system()))?;
        let node = store.write(move |tx| {
            let mut node = Node::new(tx.uuid(), "fake-hardware".into(), tx.now());
            node.provision_state = state;
            nodes::insert(tx, &node)?;
            ports::insert(tx, &Port::new(tx.uuid(), node.uuid, MAC.into(), tx.now()))?;
            Ok::<_, StoreError>(node.uuid)
        });
        let node = node.await?;
        Ok(Room { store, node, rules: Rules { agents, ..Rules::default() }, _dir: dir })
    }

    async fn lease(&self, mac: &'static str, address: Ipv4Addr, secs: i64) -> Tested {
        let leased = self.store.write(move |tx| {
            let expires_at = tx.now() + SignedDuration::from_secs(secs);
            leases::put(tx, &Lease { mac: mac.to_owned(), address, expires_at, hostname: None })
        });
        Ok::<_, StoreError>(leased.await?).map_err(Into::into)
    }

    async fn look_up(&self, peer: &str) -> Result<Found, Refusal> {
        let asked = Lookup { addresses: vec![MAC.to_owned()], node_uuid: None };
        let (peer, rules) = (peer_at(peer), self.rules.clone());
        self.store.write(move |tx| lookup(tx, &asked, peer, &rules)).await
    }

    /// The token, if this lookup gets it.
    async fn token(&self, peer: &str) -> Option<String> {
        let found = self.look_up(peer).await.ok()?;
        (found.token != "******").then_some(found.token)
    }

    async fn beat(&self, token: &str, callback: &str, peer: Peer) -> Result<(), String> {
        self.beat_with(token, callback, peer, None).await
    }

    async fn beat_with(&self, token: &str, callback: &str, peer: Peer, ca: Option<&str>) -> Result<(), String> {
        let beat = Heartbeat {
            node: self.node,
            callback_url: callback.to_owned(),
            token: Some(token.to_owned()),
            version: Some("13.0.0".to_owned()),
            verify_ca: ca.map(str::to_owned),
            ..Heartbeat::default()
        };
        let rules = self.rules.clone();
        let beaten: Result<(), Refusal> = self.store.write(move |tx| heartbeat(tx, &beat, peer, &rules)).await;
        beaten.map_err(|refusal| refusal.to_string())
    }
}

fn peer_at(address: &str) -> Peer {
    let address: IpAddr = address.parse().unwrap_or(IpAddr::V4(Ipv4Addr::UNSPECIFIED));
    Peer::new(address)
}

fn dhcp() -> Agents {
    Agents { networks: vec![], leased: true }
}

fn networks(blocks: &[&str]) -> Agents {
    Agents { networks: blocks.iter().filter_map(|block| block.parse().ok()).collect(), leased: false }
}

#[tokio::test]
async fn a_lookup_is_answered_in_the_states_of_ironic_and_in_no_other() -> Tested {
    // ironic/common/states.py: LOOKUP_ALLOWED_STATES, and what fast track adds to them.
    let working = [
        "deploying",
        "wait call-back",
        "cleaning",
        "clean wait",
        "inspecting",
        "inspect wait",
        "rescuing",
        "rescue wait",
        "service wait",
    ];
    let resting = ["enroll", "manageable", "available", "servicing", "service hold"];
    for fast_track in [false, true] {
        for state in State::ALL.iter().copied() {
            let mut room = Room::new(state, Agents::default()).await?;
            room.rules.fast_track = fast_track;
            let answered = room.token(MACHINE).await.is_some();
            let word = state.as_str();
            assert_eq!(answered, working.contains(&word) || (fast_track && resting.contains(&word)), "{word}");
        }
    }
    Ok(())
}

#[tokio::test]
async fn of_many_lookups_at_once_one_gets_the_token() -> Tested {
    let room = std::sync::Arc::new(Room::new(State::DeployWait, Agents::default()).await?);
    let mut asking = JoinSet::new();
    for _ in 0..40 {
        let room = room.clone();
        asking.spawn(async move { room.token(MACHINE).await });
    }
    let tokens: Vec<String> = asking.join_all().await.into_iter().flatten().collect();
    assert_eq!(tokens.len(), 1);
    assert_eq!(room.beat(&tokens[0], &format!("https://{MACHINE}:9999"), peer_at(MACHINE)).await, Ok(()));
    Ok(())
}

#[tokio::test]
async fn after_a_restart_only_a_token_that_nobody_used_is_made_anew_and_the_old_one_is_void() -> Tested {
    let (here, callback) = (peer_at(MACHINE), format!("https://{MACHINE}:9999"));
    let mut room = Room::new(State::DeployWait, Agents::default()).await?;
    let lost = room.token(MACHINE).await.ok_or("no token")?;
    room.rules.started_at = Clock::system().now() + SignedDuration::from_secs(1);
    let second = room.token(MACHINE).await.ok_or("a token that died with the process is made anew")?;
    assert!(room.beat(&lost, &callback, here).await.is_err());
    assert_eq!(room.beat(&second, &callback, here).await, Ok(()));
    room.rules.started_at += SignedDuration::from_secs(10);
    assert_eq!(room.token(MACHINE).await, None, "it is in use");
    Ok(())
}

#[tokio::test]
async fn a_machine_that_leased_an_address_is_told_its_token_there_and_nowhere_else() -> Tested {
    let room = Room::new(State::DeployWait, dhcp()).await?;
    room.lease(MAC, MACHINE.parse()?, 600).await?;
    for stranger in [STRANGER, "127.0.0.1", "2001:db8::7"] {
        let refused = room.look_up(stranger).await;
        assert!(refused.is_err_and(|refusal| refusal.to_string() == "Not Found"), "no more is said than to anybody");
    }
    assert!(room.token(&format!("::ffff:{MACHINE}")).await.is_some(), "a listener of both families sees this");
    Ok(())
}

/// Else whoever knows its card would have its token before it has booted.
#[tokio::test]
async fn a_machine_that_leased_nothing_yet_is_nowhere() -> Tested {
    let mut room = Room::new(State::DeployWait, dhcp()).await?;
    for early in [MACHINE, STRANGER] {
        assert!(room.look_up(early).await.is_err(), "{early}");
    }
    room.lease("52:54:00:aa:bb:02", STRANGER.parse()?, 600).await?;
    assert!(room.look_up(STRANGER).await.is_err(), "a lease of another card is nothing to it");
    // A ramdisk that never renewed its lease and has its agent restarted.
    room.lease(MAC, MACHINE.parse()?, -60).await?;
    assert!(room.look_up(STRANGER).await.is_err());
    assert!(room.token(MACHINE).await.is_some());
    // Where addresses are somebody else's business, nothing is known of them.
    room = Room::new(State::DeployWait, Agents::default()).await?;
    assert!(room.token(STRANGER).await.is_some());
    Ok(())
}

#[tokio::test]
async fn a_refusal_has_the_one_reason_that_applies() -> Tested {
    let here = Lookup { addresses: vec![MAC.to_owned()], node_uuid: None };
    let other = Lookup { addresses: vec!["52:54:00:aa:bb:99".to_owned()], node_uuid: None };
    for (state, door, asked, peer, leased, reason) in [
        (
            State::Active,
            Door::Lookup,
            &here,
            MACHINE,
            Some(MACHINE),
            "no agent is expected while the node is \"active\"",
        ),
        (
            State::DeployWait,
            Door::Lookup,
            &here,
            STRANGER,
            Some(MACHINE),
            "it came from 10.77.0.66, and the machine's address is 10.77.0.100",
        ),
        (
            State::DeployWait,
            Door::Lookup,
            &here,
            MACHINE,
            None,
            "it came from 10.77.0.100, and no address was leased to the machine's cards yet",
        ),
        (
            State::DeployWait,
            Door::Lookup,
            &here,
            MACHINE,
            Some(MACHINE),
            "it came a moment too early or too late; the node is \"wait call-back\" now",
        ),
        (
            State::DeployWait,
            Door::Lookup,
            &other,
            MACHINE,
            Some(MACHINE),
            "no port has any of its cards (52:54:00:aa:bb:99)",
        ),
        (
            State::DeployWait,
            Door::Report,
            &here,
            MACHINE,
            Some(MACHINE),
            "no report is expected while the node is \"wait call-back\"",
        ),
        (
            State::InspectWait,
            Door::Report,
            &here,
            STRANGER,
            Some(MACHINE),
            "it came from 10.77.0.66, and the machine's address is 10.77.0.100",
        ),
        (State::Active, Door::Report, &other, MACHINE, None, "no port has any of its cards (52:54:00:aa:bb:99)"),
    ] {
        let room = Room::new(state, dhcp()).await?;
        if let Some(address) = leased {
            room.lease(MAC, address.parse()?, 600).await?;
        }
        let (asked, peer, now, rules) = (asked.clone(), peer_at(peer), Clock::system().now(), room.rules.clone());
        let found = room.store.read(move |read| refusal(read, door, &asked, peer, now, &rules)).await;
        assert_eq!(found.map_err(|error| error.to_string())?.1, reason);
    }
    // By UUID, with the cards of another machine.
    let room = Room::new(State::InspectWait, Agents::default()).await?;
    let asked = Lookup { node_uuid: Some(room.node), ..other.clone() };
    let (now, rules) = (Clock::system().now(), room.rules.clone());
    let found = room.store.read(move |read| refusal(read, Door::Report, &asked, peer_at(MACHINE), now, &rules)).await;
    let reason = format!("it is of a machine with the cards 52:54:00:aa:bb:99, and the node's ports are {MAC}");
    assert_eq!(found.map_err(|error| error.to_string())?, (Some(room.node), reason));
    Ok(())
}

#[tokio::test]
async fn a_callback_goes_only_to_an_address_that_the_machine_leased() -> Tested {
    let room = Room::new(State::DeployWait, dhcp()).await?;
    let neighbour = Ipv4Addr::new(10, 77, 0, 101);
    room.lease("52:54:00:aa:bb:02", neighbour, 600).await?;
    room.lease(MAC, "10.77.0.99".parse()?, 600).await?;
    let token = room.token("10.77.0.99").await.ok_or("no token")?;
    let machine = format!("https://{MACHINE}:9999");
    assert!(room.beat(&token, &machine, peer_at(MACHINE)).await.is_err(), "that is not what was leased");
    // Long past: many a ramdisk never renews its lease.
    room.lease(MAC, MACHINE.parse()?, -60).await?;
    for at in ["10.77.0.101", STRANGER, "127.0.0.1", "169.254.169.254", "0.0.0.0", "[::1]", "[::ffff:127.0.0.1]"] {
        let refused = room.beat(&token, &format!("https://{at}:9999"), peer_at(at)).await;
        assert!(refused.as_ref().is_err_and(|why| why.starts_with("callback_url: ")), "{at}: {refused:?}");
    }
    for (token, callback) in [("guess", &machine), (&*token, &"https://agent.example:9999".to_owned())] {
        assert!(room.beat(token, callback, peer_at(MACHINE)).await.is_err());
    }
    // The heartbeat itself may come from another card of the machine.
    assert_eq!(room.beat(&token, &machine, peer_at(STRANGER)).await, Ok(()));
    Ok(())
}

#[tokio::test]
async fn networks_that_the_operator_named_take_the_place_of_leases_but_never_hold_this_server() -> Tested {
    let agents = networks(&["10.77.0.0/24", "2001:db8::/64"]);
    for (callback, accepted) in [
        ("https://10.77.0.66:9999", true),
        ("https://[2001:db8::66]:9999", true),
        ("https://10.78.0.66:9999", false),
        ("https://192.0.2.1:9999", false),
        ("https://127.0.0.1:9999", false),
        ("", true),
    ] {
        let room = Room::new(State::DeployWait, agents.clone()).await?;
        // From anywhere: there may be a translator or a proxy in between.
        let token = room.token("192.0.2.1").await.ok_or("no token")?;
        let beaten = room.beat(&token, callback, peer_at("192.0.2.1")).await;
        assert_eq!(beaten.is_ok(), accepted, "{callback}: {beaten:?}");
    }
    let room = Room::new(State::DeployWait, agents).await?;
    let token = room.token(MACHINE).await.ok_or("no token")?;
    let ours = Peer { calls_home: true, ..peer_at(MACHINE) };
    assert!(room.beat(&token, "https://10.77.0.1:6385", ours).await.is_err());
    Ok(())
}

#[tokio::test]
async fn without_dhcp_of_ours_an_agent_is_where_its_heartbeat_comes_from() -> Tested {
    for (callback, peer, accepted) in [
        ("https://10.77.0.100:9999", MACHINE, true),
        ("https://10.77.0.100:9999", "::ffff:10.77.0.100", true),
        ("https://[2001:db8::5]:9999", "2001:db8::5", true),
        ("https://10.77.0.101:9999", MACHINE, false),
        ("https://127.0.0.1:9999", "127.0.0.1", false),
        ("https://169.254.7.7:9999", "169.254.7.7", false),
        ("https://[fe80::7]:9999", "fe80::7", false),
    ] {
        let room = Room::new(State::DeployWait, Agents::default()).await?;
        let token = room.token(peer).await.ok_or("no token")?;
        let beaten = room.beat(&token, callback, peer_at(peer)).await;
        assert_eq!(beaten.is_ok(), accepted, "{callback} from {peer}: {beaten:?}");
    }
    Ok(())
}

#[tokio::test]
async fn the_address_and_the_certificate_of_an_agent_stay_what_they_were_at_first() -> Tested {
    let room = Room::new(State::DeployWait, Agents::default()).await?;
    let (here, callback) = (peer_at(MACHINE), format!("https://{MACHINE}:9999"));
    let token = room.token(MACHINE).await.ok_or("no token")?;
    assert_eq!(room.beat_with(&token, &callback, here, Some("first")).await, Ok(()));
    assert_eq!(room.beat_with(&token, &callback, here, Some("first")).await, Ok(()));
    let other = room.beat_with(&token, &callback, here, Some("second")).await;
    assert!(other.is_err_and(|why| why.contains("agent_verify_ca")));
    let moved = room.beat(&token, &format!("https://{MACHINE}:9998"), here).await;
    assert!(moved.is_err_and(|why| why.contains("callback_url")));
    Ok(())
}

/// A ramdisk that was booted for something else calls for ever, and sends no report.
#[tokio::test]
async fn a_call_puts_the_end_of_a_wait_off_except_that_of_an_inspection() -> Tested {
    for (state, flow, put_off) in
        [(State::DeployWait, FlowName::Deploy, true), (State::InspectWait, FlowName::Inspect, false)]
    {
        let room = Room::new(state, dhcp()).await?;
        room.lease(MAC, MACHINE.parse()?, 600).await?;
        let token = room.token(MACHINE).await.ok_or("no token")?;
        let node = room.node;
        let owed = room.store.write(move |tx| {
            let owed = Work::for_node(flow, node, tx.now());
            let owed = Work { phase: Phase::Waiting, deadline_at: Some(tx.now()), ..owed };
            work::insert(tx, &owed).map(|_| owed)
        });
        let owed = owed.await.map_err(|error: StoreError| error)?;
        room.beat(&token, &format!("https://{MACHINE}:9999"), peer_at(MACHINE)).await?;
        let told = room.store.read(move |read| work::of_node(read, node)).await?.ok_or("no work")?;
        assert!(told.heartbeat, "{flow:?}");
        assert_eq!(told.deadline_at > owed.deadline_at, put_off, "{flow:?}");
    }
    Ok(())
}

#[tokio::test]
async fn a_report_is_taken_from_a_machine_in_inspection_and_from_its_own_address() -> Tested {
    for (state, peer, taken) in [
        (State::InspectWait, MACHINE, true),
        (State::InspectWait, STRANGER, false),
        (State::Manageable, MACHINE, false),
        (State::DeployWait, MACHINE, false),
        (State::Active, MACHINE, false),
    ] {
        for takes_token in [true, false] {
            let room = Room::new(state, dhcp()).await?;
            room.lease(MAC, MACHINE.parse()?, 600).await?;
            let node = room.node;
            let owed = room.store.write(move |tx| {
                let owed = Work::for_node(FlowName::Inspect, node, tx.now());
                work::insert(tx, &Work { stage: Stage::Step, phase: Phase::Waiting, ..owed })
            });
            owed.await.map_err(|error: StoreError| error)?;
            let report = Report { addresses: vec![MAC.to_owned()], takes_token, ..Report::default() };
            let (peer, rules) = (peer_at(peer), room.rules.clone());
            let found = room.store.write(move |tx| continue_inspection(tx, &report, peer, &rules)).await;
            match (taken, found) {
                (true, Ok(_)) | (false, Err(Refusal::NotFound(_))) => {}
                (_, found) => return Err(format!("{state}: {found:?}").into()),
            }
        }
    }
    Ok(())
}

/// It would be told that it was accepted, and nobody would carry it out: who reports asks again, and finds it done.
#[tokio::test]
async fn a_report_waits_for_a_change_of_power_that_a_client_was_promised() -> Tested {
    let room = Room::new(State::InspectWait, dhcp()).await?;
    room.lease(MAC, MACHINE.parse()?, 600).await?;
    let (node, rules, peer) = (room.node, room.rules.clone(), peer_at(MACHINE));
    let told = room.store.write(move |tx| {
        let owed = Work::for_node(FlowName::Inspect, node, tx.now());
        work::insert(tx, &Work { phase: Phase::Waiting, ..owed })?;
        power::request(tx, node, PowerTarget::Reboot, None, &rules)?;
        let report = Report { addresses: vec![MAC.to_owned()], ..Report::default() };
        Ok::<_, Refusal>((continue_inspection(tx, &report, peer, &rules), work::of_node(tx, node)?))
    });
    let (told, owed) = told.await?;
    assert!(matches!(told, Err(Refusal::Locked(_))), "{told:?}");
    assert!(owed.is_some_and(|owed| owed.phase == Phase::Waiting && owed.has_power_change()));
    Ok(())
}

#[tokio::test]
async fn nobody_is_believed_who_was_never_told_a_token() -> Tested {
    let room = Room::new(State::DeployWait, Agents::default()).await?;
    let beat = Heartbeat {
        node: room.node,
        callback_url: format!("https://{MACHINE}:9999"),
        version: Some("13.0.0".to_owned()),
        ..Heartbeat::default()
    };
    let rules = room.rules.clone();
    let beaten = room.store.write(move |tx| heartbeat(tx, &beat, peer_at(MACHINE), &rules)).await;
    assert!(beaten.is_err_and(|refusal| refusal.to_string().contains("agent_token")));
    Ok(())
}

#[tokio::test]
async fn no_lookup_is_answered_of_two_machines_at_once_or_of_one_that_is_just_being_restarted() -> Tested {
    let room = Room::new(State::DeployWait, Agents::default()).await?;
    let node = room.node;
    let other = room.store.write(move |tx| {
        let mut node = Node::new(tx.uuid(), "fake-hardware".into(), tx.now());
        node.provision_state = State::DeployWait;
        nodes::insert(tx, &node)?;
        ports::insert(tx, &Port::new(tx.uuid(), node.uuid, "52:54:00:aa:bb:02".into(), tx.now()))
    });
    other.await.map_err(|error: StoreError| error)?;
    let both = Lookup { addresses: vec![MAC.to_owned(), "52:54:00:aa:bb:02".to_owned()], node_uuid: None };
    let rules = room.rules.clone();
    let found = room.store.write(move |tx| lookup(tx, &both, peer_at(MACHINE), &rules)).await;
    assert!(matches!(found, Err(Refusal::NotFound(_))), "{found:?}");
    let restarting = |is: bool| {
        room.store.write(move |tx| {
            let Some(before) = nodes::find(tx, node)? else { return Ok(()) };
            let mut after = before.clone();
            after.set_restarting(is);
            nodes::update(tx, &before, &after).map(drop)
        })
    };
    restarting(true).await.map_err(|error: StoreError| error)?;
    assert!(room.look_up(MACHINE).await.is_err(), "it is the ramdisk of before that asks");
    restarting(false).await.map_err(|error: StoreError| error)?;
    assert!(room.token(MACHINE).await.is_some());
    Ok(())
}
