//! The places that a BMC keeps for sessions: waited for when there is none, and given back at whatever moment we stop. On a
//! network in memory, and in a time that passes when nothing else happens.

use std::net::SocketAddr;
use std::time::Duration;

use bessemer::bmc::ipmi::{Bmc, IpmiError, Pool, PowerControl, Settings};
use bessemer::clock::Clock;
use bessemer::net::Net;
use bessemer::net::memory::{Host, Network};
use bessemer::random::Random;
use bessemer::sim::bmc::{Chassis, Personality, Seams, SimBmc, Which};

use super::login;

type Test = Result<(), IpmiError>;

struct Bench {
    network: Network,
    sim: SimBmc,
}

impl Bench {
    fn new(personality: Personality) -> Self {
        let (clock, at) = (Clock::system(), SocketAddr::from(([127, 0, 0, 9], 623)));
        let network = Network::new(clock.clone(), Random::seeded(2));
        let net = Net::memory(network.host());
        let seams = Seams { net, clock: clock.clone(), random: Random::seeded(7) };
        let sim = SimBmc::start(seams, at, personality, Chassis::new(clock)).expect("a network of its own");
        Bench { network, sim }
    }

    /// A BMC that answers slowly enough for every moment of a conversation to be met.
    fn slow(millis: u64) -> Self {
        let bench = Bench::new(Personality::default());
        bench.sim.misbehave(|faults| faults.delay = Duration::from_millis(millis));
        bench
    }

    /// A service, and the host that it runs on.
    fn service(&self) -> (Pool, Host) {
        let host = self.network.host();
        let pool = Pool::new(Net::memory(host.clone()), Clock::system(), Random::seeded(3), Settings::default());
        (pool, host)
    }

    fn bmc(&self, pool: &Pool) -> Result<Bmc, IpmiError> {
        pool.bmc(login(self.sim.addr()))
    }
}

async fn after(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

#[tokio::test(start_paused = true)]
async fn a_bmc_without_room_is_waited_for_until_it_forgets_those_that_fell_silent_and_it_is_said_why() -> Test {
    let bench = Bench::new(Personality { max_sessions: 1, ..Personality::default() });
    let ((other, host), (ours, _)) = (bench.service(), bench.service());
    bench.bmc(&other)?.chassis_status().await?;
    host.die();
    let (clock, bmc) = (Clock::system(), bench.bmc(&ours)?);
    let begun = clock.instant();
    let (first, second, ()) = tokio::join!(bmc.chassis_status(), bmc.device_id(), async {
        after(10_000).await;
        let at = bench.sim.addr();
        let stumbling = ours.stumbling(&at.ip().to_string(), at.port());
        assert!(stumbling.is_some_and(|it| it.failures == 1 && it.reason.contains("does not open a session")));
    });
    assert!(first.is_ok() && second.is_ok(), "{first:?} {second:?}");
    let waited = (clock.instant() - begun).as_secs();
    assert!((55..=65).contains(&waited), "{waited} s");
    assert_eq!(ours.all_stumbling(), vec![]);
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn the_wait_for_a_bmc_without_room_is_bounded_and_that_of_a_poll_is_shorter() -> Test {
    let bench = Bench::new(Personality::default());
    let (pool, _) = bench.service();
    bench.sim.misbehave(|faults| faults.full = true);
    let (clock, bmc) = (Clock::system(), bench.bmc(&pool)?);
    for (bmc, longest) in [(bmc.clone().polling(), 30), (bmc, 75)] {
        let begun = clock.instant();
        let error = bmc.chassis_status().await;
        assert_eq!(error, Err(IpmiError::SessionRefused { status: 0x01 }));
        let waited = clock.instant() - begun;
        assert!(waited <= bmc.longest() && waited.as_secs() + 5 >= longest, "{waited:?}");
    }
    let failures: Vec<u32> = pool.all_stumbling().into_iter().map(|(_, it)| it.failures).collect();
    assert_eq!(failures, [2], "each command counts once");
    Ok(())
}

/// Long enough for all that is under way to have an end.
const ALL_OVER: u64 = 10_000;

#[tokio::test(start_paused = true)]
async fn a_stop_leaves_no_session_open_whatever_was_under_way() -> Test {
    let mut cut_off = 0;
    for moment in (0..400).step_by(3) {
        let bench = Bench::slow(20);
        let (pool, _) = bench.service();
        let bmc = bench.bmc(&pool)?;
        let (asked, ()) = tokio::join!(bmc.chassis_status(), async {
            after(moment).await;
            pool.shutdown().await;
        });
        cut_off += usize::from(asked == Err(IpmiError::Stopping));
        after(ALL_OVER).await;
        assert_eq!(bench.sim.sessions(), 0, "stopped after {moment} ms");
    }
    assert!(cut_off > 20, "only {cut_off} commands were under way");
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_gives_up_while_a_session_is_opened_leaves_none_behind() -> Test {
    for moment in (0..400).step_by(3) {
        let bench = Bench::slow(20);
        let (pool, _) = bench.service();
        let bmc = bench.bmc(&pool)?;
        let asked = tokio::time::timeout(Duration::from_millis(moment), bmc.chassis_status()).await;
        if moment % 2 == 0 {
            after(ALL_OVER).await;
        }
        bmc.device_id().await?;
        assert_eq!(bench.sim.sessions(), 1, "given up after {moment} ms: {asked:?}");
        pool.shutdown().await;
        assert_eq!(bench.sim.sessions(), 0);
    }
    Ok(())
}

/// Copies of an order that the network keeps are carried out whenever they arrive, unless their session is over by then.
#[tokio::test(start_paused = true)]
async fn a_stop_in_the_middle_of_an_order_ends_its_session() -> Test {
    let mut cut_off = 0;
    for moment in (0..2_000).step_by(13) {
        let bench = Bench::new(Personality::default());
        let (pool, _) = bench.service();
        let bmc = bench.bmc(&pool)?;
        bmc.chassis_status().await?;
        // The order is repeated, and so is what ends its session.
        bench.sim.misbehave(|faults| faults.lose_requests = Which::Every(3));
        bench.sim.misbehave(|faults| faults.delay = Duration::from_millis(320));
        let (ordered, ()) = tokio::join!(bmc.power_control(PowerControl::Up), async {
            after(moment).await;
            bench.sim.misbehave(|faults| faults.delay = Duration::from_millis(5));
            pool.shutdown().await;
        });
        cut_off += usize::from(ordered == Err(IpmiError::Stopping));
        after(ALL_OVER).await;
        assert_eq!(bench.sim.sessions(), 0, "stopped after {moment} ms: {ordered:?}");
    }
    assert!(cut_off > 20, "only {cut_off} orders were under way");
    Ok(())
}
