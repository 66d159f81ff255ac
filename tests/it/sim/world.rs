//! A world: the service in one process after another, the rack, the clients, and what befalls them.

use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::time::Duration;

use bessemer::app::{Seams, Service};
use bessemer::clock::{Clock, Timestamp};
use bessemer::config::{Settings, Typed};
use bessemer::model::Hold;
use bessemer::net::Net;
use bessemer::net::memory::{Network, Seen};
use bessemer::random::Random;
use bessemer::sim::agent;
use bessemer::sim::bmc::{self, Action, Personality, User};
use bessemer::sim::machine::{Machine, Pace};
use bessemer::sim::netboot::{self, Firmware};
use bessemer::sim::rack::{self, Rack};
use bessemer::sim::system;
use bessemer::store::{self, Store, StoreError};
use bessemer::{blocking, wire};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::book::Book;
use super::eye::{Disk, Eye};
use super::log::Log;
use super::plan::{Plan, Trouble};
use super::rules::Rules;
use super::{chaos, machines, others, owner};

const ADMIN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 6385);
const SERVER: Ipv4Addr = Ipv4Addr::new(127, 77, 0, 1);
const DISK_BYTES: u64 = 1 << 20;
const IMAGE_BYTES: usize = 4000;
/// A sector before it.
const IMAGE_LENGTH: usize = IMAGE_BYTES + 512;
/// How long everything may take to come to rest once nothing goes wrong any more: the longest wait for an agent, twice,
/// and what a clock that was set back adds to it.
const REST: Duration = Duration::from_secs(4 * 3600);
/// How long a seed may take by the wall's clock: hundreds of times what it takes. Whoever turns round and round at one
/// virtual moment never comes to an end. It is waited for piece by piece, so that a host that was suspended costs one.
const PATIENCE: Duration = Duration::from_secs(120);
const PIECES: u32 = 12;
/// How often the clients and the end look at the world.
const LOOK: Duration = Duration::from_secs(10);

pub type Fallible<T = ()> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

/// What became of a seed.
#[derive(Default)]
pub struct Report {
    pub seed: u64,
    pub breaches: Vec<String>,
    pub faults: BTreeMap<&'static str, u64>,
    pub answers: BTreeMap<u16, u64>,
    pub passed: BTreeMap<String, u64>,
    /// The states in which the nodes ended.
    pub ends: Vec<String>,
    pub kills: u64,
    pub commits: u64,
    pub lived: Duration,
    /// Sums over all packets and all commits.
    pub sums: (u64, u64),
    troubles: String,
    tail: String,
}

impl Report {
    /// What failed, and how to see it again.
    pub fn complaint(&self) -> String {
        format!(
            "seed {} ({}) failed:\n  {}\nits last words:\n{}\nreplay it with\n  BESSEMER_SEED={} cargo test --test it sim::replay -- --nocapture",
            self.seed,
            self.troubles,
            self.breaches.join("\n  "),
            self.tail,
            self.seed
        )
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seed {}: {} commits, {} deaths, {:?} lived, ends {:?}, sums {:?}, {:?}, answers {:?}",
            self.seed, self.commits, self.kills, self.lived, self.ends, self.sums, self.faults, self.answers
        )
    }
}

/// Runs a seed in a thread of its own.
pub fn run(seed: u64, aloud: bool) -> Report {
    let log = Log::new(aloud);
    let (kept, plan) = (log.clone(), Plan::of(seed));
    let troubles = format!("{:?}", plan.troubles);
    let (done, ended) = mpsc::channel();
    std::thread::spawn(move || {
        blocking::inline_on_this_thread();
        let _logs = log.install();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let ended = runtime.map_err(Into::into).and_then(|runtime| runtime.block_on(live(plan, log)));
        let _ = done.send(ended);
    });
    let broken = |breach: String| Report { breaches: vec![breach], ..Report::default() };
    let mut pieces = (0..PIECES).map(|_| ended.recv_timeout(PATIENCE / PIECES));
    let late = Err(mpsc::RecvTimeoutError::Timeout);
    let mut report = match pieces.find(|ended| !matches!(ended, Err(mpsc::RecvTimeoutError::Timeout))).unwrap_or(late) {
        Ok(Ok(report)) => report,
        Ok(Err(error)) => broken(format!("the world could not be made: {error}")),
        Err(mpsc::RecvTimeoutError::Disconnected) => broken("something panicked; see above".to_owned()),
        // Its thread is left to itself: nobody can end it.
        Err(mpsc::RecvTimeoutError::Timeout) => {
            broken(format!("it stands still: after {PATIENCE:?} it has not come to its end"))
        }
    };
    report.seed = seed;
    report.troubles = troubles;
    if !report.breaches.is_empty() {
        report.tail = kept.tail(25);
    }
    report
}

pub struct World {
    pub plan: Plan,
    pub clock: Clock,
    pub network: Network,
    pub book: Book,
    pub disk: Disk,
    pub rack: Rack,
    pub calm: CancellationToken,
    pub dir: PathBuf,
    /// Images, and their sums.
    pub images: Vec<(PathBuf, String)>,
    pub password: String,
    random: Random,
    settings: Settings,
    stop: CancellationToken,
    current: Mutex<Current>,
}

/// The process that lives now.
#[derive(Default)]
struct Current {
    eye: Option<Arc<Eye>>,
    store: Option<Store>,
}

async fn live(plan: Plan, log: Log) -> Fallible<Report> {
    let home = ["/dev/shm", "/tmp"].into_iter().find(|dir| std::path::Path::new(dir).is_dir()).unwrap_or(".");
    let dir = tempfile::Builder::new().prefix("bessemer-sim-").tempdir_in(home)?;
    let world = Arc::new(World::build(plan, dir.path().to_owned())?);
    let started = world.clock.instant();
    let mut process = JoinSet::new();
    process.spawn(world.clone().process());
    let mut clients = JoinSet::new();
    for at in 0..world.rack.machines.len() {
        clients.spawn(owner::live(world.clone(), at));
    }
    clients.spawn(owner::meddle(world.clone()));
    clients.spawn(others::allocate(world.clone()));
    let mut trouble = JoinSet::new();
    trouble.spawn(others::keep(world.clone()));
    trouble.spawn(chaos::reign(world.clone()));

    let broken = world.book.broken();
    let whole = async {
        let _ = tokio::time::timeout(world.plan.chaos, async { while clients.join_next().await.is_some() {} }).await;
        world.calm.cancel();
        for set in [&mut clients, &mut trouble] {
            while let Some(ended) = set.join_next().await {
                ended?;
            }
        }
        chaos::end(&world);
        world.spare();
        others::tidy(&world).await;
        let ends = world.rest().await?;
        world.stop.cancel();
        while let Some(ended) = process.join_next().await {
            ended?;
        }
        Fallible::Ok(ends)
    };
    // What comes after the first breach says nothing, and may take for ever.
    let ends = match broken.run_until_cancelled(whole).await {
        Some(ends) => ends?,
        None => Vec::new(),
    };
    if let Some(eye) = world.current().eye.take() {
        eye.kill_quietly();
    }
    let lived = world.clock.instant() - started;
    let sums = (world.network.seen().sum, world.disk.rules().sum);
    let mut pages = world.book.open();
    let told = log.tells(pages.secrets.iter());
    told.into_iter().for_each(|line| pages.breach(line));
    let mut faults = pages.faults.clone();
    faults.extend(befallen(&world.network.seen()));
    Ok(Report {
        breaches: pages.breaches.clone(),
        faults,
        answers: pages.answers.clone(),
        passed: pages.passed.clone(),
        ends,
        kills: pages.kills,
        commits: pages.commits,
        lived,
        sums,
        ..Report::default()
    })
}

fn befallen(seen: &Seen) -> impl Iterator<Item = (&'static str, u64)> {
    let counts = [
        ("datagrams sent", seen.datagrams),
        ("connections made", seen.connections),
        ("datagrams lost", seen.lost),
        ("datagrams doubled", seen.doubled),
        ("datagrams and pieces late", seen.late),
        ("datagrams overtaken", seen.reordered),
        ("connections refused", seen.refused),
        ("connections ignored", seen.ignored),
        ("connections reset", seen.resets),
        ("connections stalled", seen.stalls),
    ];
    counts.into_iter().filter(|(_, count)| *count > 0)
}

impl World {
    fn build(plan: Plan, dir: PathBuf) -> Fallible<Self> {
        let clock = Clock::virtual_from("2026-01-01T00:00:00Z".parse::<Timestamp>()?);
        let stream = |salt: u64| Random::seeded(plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ salt);
        let random = stream(1);
        let network = Network::new(clock.clone(), stream(2));
        let images = props(&dir, &random)?;
        let settings = settings(&plan, &dir)?;
        let password = format!("bmc-{:012x}", random.below(1 << 48));
        let admin = User { name: "admin".into(), password: password.clone().into_bytes(), privilege: 4 };
        let seams = bmc::Seams { net: Net::memory(network.host()), clock: clock.clone(), random: stream(3) };
        let rack = Rack::install(
            &seams,
            &rack::Plan {
                machines: plan.machines,
                bmc_net: [127, 77, 2],
                bmc_port: 623,
                personality: Personality { users: vec![admin], ..Personality::default() },
                mixed_firmware: true,
                dir: dir.clone(),
                disk_bytes: DISK_BYTES,
                dhcp: SocketAddr::from((SERVER, 6767)),
                tftp_port: 6969,
                pace: Pace { agent: agent::Pace { step: plan.step, ..agent::Pace::default() }, ..Pace::default() },
            },
        )?;
        let book = Book::default();
        book.open().secrets.insert(password.clone());
        let mut rules = Rules::new(clock.clone(), book.clone(), IMAGE_LENGTH, &plan);
        for machine in &rack.machines {
            machine.agent_faults.set(|knobs| {
                (knobs.plain, knobs.even_key, knobs.pause_before_image) = (!plan.tls, true, plan.step);
            });
            rules.follow(machine);
        }
        let (full, rules) = (Arc::new(AtomicBool::new(false)), Arc::new(Mutex::new(rules)));
        let disk = Disk { clock: clock.clone(), full, book: book.clone(), rules };
        if plan.seed.is_multiple_of(2) {
            network.misbehave(|faults| faults.spared = [ADMIN].into());
        }
        let (calm, stop, current) = (CancellationToken::new(), CancellationToken::new(), Mutex::default());
        Ok(World {
            plan,
            clock,
            network,
            book,
            disk,
            rack,
            calm,
            dir,
            images,
            password,
            random,
            settings,
            stop,
            current,
        })
    }

    /// A stream of chance of one's own, so that what one client does is not changed by another.
    pub fn chance(&self, salt: u64) -> Random {
        Random::seeded(self.plan.seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) ^ (salt << 8))
    }

    pub fn admin(&self) -> SocketAddr {
        ADMIN
    }

    /// Somebody stands beside the machine.
    pub fn touch(&self, machine: &Machine, action: Action) {
        self.book.open().asked(&machine.model.name).touched = Some(self.clock.instant());
        machine.bmc.chassis().act(action);
    }

    /// The process dies where it stands.
    pub fn kill(&self) {
        if let Some(eye) = &self.current().eye {
            eye.kill();
        }
    }

    fn spare(&self) {
        if let Some(eye) = &self.current().eye {
            eye.spare();
        }
    }

    fn current(&self) -> MutexGuard<'_, Current> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One process after another, until the world ends.
    async fn process(self: Arc<Self>) {
        let chance = self.chance(4);
        let mut lives = self.plan.deaths.clone().into_iter();
        while !self.stop.is_cancelled() {
            let host = self.network.host();
            let restored = self.plan.troubles.contains(&Trouble::Restores) && !self.calm.is_cancelled();
            if restored && chance.below(2) == 0 && self.put_into_hold().await {
                self.book.count("started in hold");
            }
            let commits = if self.calm.is_cancelled() { None } else { lives.next() };
            let eye = Arc::new(Eye::new(self.disk.clone(), host.clone(), commits));
            self.current().eye = Some(eye.clone());
            let seams = Seams {
                clock: self.clock.clone(),
                net: Net::memory(host),
                random: self.random.clone(),
                witness: Some(eye.clone()),
            };
            self.one_life(&eye, seams).await;
            eye.kill_quietly();
            if let Some(store) = self.current().store.take() {
                store.abandon();
            }
            self.clock.sleep(Duration::from_millis(100 + chance.below(20_000))).await;
        }
    }

    /// As a restore does, with the difference that nothing is older than it should be.
    async fn put_into_hold(&self) -> bool {
        let options = store::Options { inline: true, ..store::Options::new(self.clock.clone(), self.chance(6)) };
        let path = self.dir.join("store.sqlite");
        if !path.exists() {
            return false;
        }
        let Ok(store) = Store::open(&path, options) else { return false };
        let since = bessemer::clock::micros(self.clock.now());
        let hold = Hold { since, taken: None, file: None };
        let put = store.write(move |tx| store::hold::put(tx, &hold)).await.is_ok();
        store.abandon();
        put
    }

    async fn one_life(&self, eye: &Eye, seams: Seams) {
        let life = async {
            let service = Service::start_in(seams, self.settings.clone(), self.stop.child_token()).await?;
            self.current().store = Some(service.store.clone());
            eye.follow(service.engine.clone());
            service.run().await
        };
        let ended = tokio::select! {
            biased;
            () = eye.died.notified() => return,
            ended = life => ended,
        };
        match ended {
            Err(error) if self.disk.full.load(Ordering::Relaxed) => {
                tracing::info!(%error, "the service gave up on a full disk");
                self.book.count("gave up on a full disk");
            }
            Err(error) => self.book.breach(format!("the service ended by itself: {error:#}")),
            Ok(()) if self.stop.is_cancelled() => {}
            Ok(()) => self.book.breach("the service ended by itself".to_owned()),
        }
    }

    /// Waits until nothing is owed any more. Returns the states in which the nodes ended.
    async fn rest(&self) -> Fallible<Vec<String>> {
        let until = self.clock.instant() + REST;
        let mut quiet = 0;
        loop {
            let store = self.current().store.clone();
            let found = match store {
                Some(store) => {
                    let disk = self.disk.clone();
                    let found = store.read(move |read| disk.rules().unsettled(read)).await?;
                    let _ = store.write(|_| Ok::<_, StoreError>(())).await;
                    found
                }
                None => vec!["the service does not run".to_owned()],
            };
            // Twice in a row: what is about to begin has begun by then.
            quiet = if found.is_empty() { quiet + 1 } else { 0 };
            if quiet == 2 {
                break;
            }
            if self.clock.instant() >= until {
                found.into_iter().for_each(|it| self.book.breach(format!("never came to rest: {it}")));
                break;
            }
            self.clock.sleep(LOOK).await;
        }
        let Some(store) = self.current().store.clone() else { return Ok(Vec::new()) };
        let nodes = store.read(bessemer::store::nodes::all).await?;
        Ok(nodes.iter().map(|node| node.provision_state.to_string()).collect())
    }
}

/// Files that stand for loaders, agent and systems. Returns the images of these.
fn props(dir: &std::path::Path, random: &Random) -> Fallible<Vec<(PathBuf, String)>> {
    std::fs::create_dir(dir.join("boot"))?;
    for (loader, firmware) in [("undionly.kpxe", Firmware::Bios), ("snponly.efi", Firmware::Uefi)] {
        std::fs::write(dir.join("boot").join(loader), netboot::loader(firmware))?;
    }
    std::fs::write(dir.join("kernel"), system::image("filling", 1000, random))?;
    std::fs::write(dir.join("ramdisk"), system::image("filling", 2000, random))?;
    let mut images = Vec::new();
    for name in ["one", "other"] {
        let (path, image) = (dir.join(format!("image-{name}")), system::image(name, IMAGE_BYTES, random));
        std::fs::write(&path, &image)?;
        images.push((path, machines::sum(&image)));
    }
    Ok(images)
}

fn settings(plan: &Plan, dir: &std::path::Path) -> Fallible<Settings> {
    let shown = dir.display();
    let text = format!(
        "db = \"{shown}/store.sqlite\"\nlisten = \"{ADMIN}\"\nhost = \"sim\"\nautomated_clean = {}\n\
         [provisioning]\nlisten = \"{SERVER}:8080\"\nurl = \"http://{SERVER}:8080\"\n\
         [dhcp]\nlisten = \"{SERVER}:6767\"\npool = \"127.77.1.10-127.77.1.60\"\nnetmask = \"255.255.0.0\"\n\
         [tftp]\nport = 6969\n[boot]\ndir = \"{shown}/boot\"\n[images]\nroots = [\"{shown}\"]\n\
         [power_sync]\ninterval_secs = {}\nforce = {}\n\
         [deploy]\nkernel = \"{shown}/kernel\"\nramdisk = \"{shown}/ramdisk\"\nfast_track = {}\n\
         [timeouts]\ndeploy_callback_secs = 900\nclean_callback_secs = 900\nservice_callback_secs = 900\n\
         rescue_callback_secs = 900\ninspect_wait_secs = 900\nheartbeat_secs = 120\n",
        plan.automated_clean,
        plan.power_sync.as_secs(),
        plan.force_power,
        plan.fast_track,
    );
    let backup = format!("[backup]\ndir = \"{shown}/backups\"\ninterval_secs = 600\nkeep = 2\n");
    let file = dir.join("bessemer.toml");
    std::fs::write(&file, if plan.backups { text + &backup } else { text })?;
    Ok(Settings::from_typed(&Typed::read(Some(&file), [], &[])?)?)
}

impl World {
    pub fn mac(&self, at: usize) -> String {
        wire::mac::Mac(self.rack.machines[at].model.mac).to_string()
    }
}
