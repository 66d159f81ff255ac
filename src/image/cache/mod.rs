//! The image cache: every image that a machine writes was first fetched, verified and published here.
//!
//! An entry is one file named by its checksum (`sha256-<hex>`), and there is no index beside the directory: **a file with
//! such a name is complete, verified and synced**, because it got the name last. So a crash leaves only `.partial` files,
//! which the next start removes. One image is fetched once at a time, whoever asks meanwhile waits for that; it goes on
//! as long as somebody waits for it or holds it. Entries that nobody holds are evicted, longest unused first, before
//! the total would pass the limit.
//!
//! An image whose checksum the client waived is fetched once for each deploy, and has its name from what came.
//!
//! A *holder* is a node that deploys from the entry. Holds are in memory: after a restart every entry is free until its
//! node's step asks again, and an entry that is being sent stays readable even if it is evicted.

mod fetch;
mod index;

use std::fs::File;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use hyper::StatusCode;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::ImageError;
use super::checksum::{self, Checksum, Wanted};
use super::format::Format;
use crate::clock::Clock;
use crate::net::http::{Client, Reach, Request, Trust, Url};
use fetch::Goal;
pub use index::Held;
use index::Index;

/// How long a list of checksums may take, and be.
const LISTING: Duration = Duration::from_secs(120);
const LISTING_BYTES: u64 = 1 << 20;

const NEAR: &str = "is an address of this machine or its links, from which no image is fetched (images.local_networks)";

/// How the cache is set up.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Owned by this process alone.
    pub dir: PathBuf,
    /// Bound on the sum of all entries, also while they are fetched.
    pub max_bytes: u64,
    /// Directories below which `file://` images may lie.
    pub roots: Vec<PathBuf>,
    pub allow_md5: bool,
    /// Whom `https` sources must prove to be.
    pub trust: Trust,
    /// Where `http` and `https` sources may be.
    pub reach: Reach,
    /// Sources that deliver less are given up; 0: none is.
    pub min_bytes_per_sec: u64,
    /// Over how much waiting that rate is measured.
    pub slow_after: Duration,
    /// How long a download may take altogether.
    pub fetch_within: Duration,
    /// Before a source that broke off is asked again; doubled for the second time.
    pub retry_pause: Duration,
}

impl Settings {
    /// A cache in `dir` of at most `max_bytes`, for images from public servers only.
    pub fn new(dir: PathBuf, max_bytes: u64) -> Self {
        let (roots, trust) = (vec![], Trust::PublicRoots);
        Settings {
            dir,
            max_bytes,
            roots,
            allow_md5: false,
            trust,
            reach: Reach::routed(),
            min_bytes_per_sec: 16 << 10,
            slow_after: Duration::from_secs(60),
            fetch_within: Duration::from_secs(6 * 3600),
            retry_pause: Duration::from_secs(2),
        }
    }
}

/// What is wanted: where it is and what it must hash to.
#[derive(Clone, Debug)]
pub struct Source {
    /// `http://`, `https://`, `file:///path` or `/path`.
    pub location: String,
    pub wanted: Wanted,
}

/// An entry, held for the caller's node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Image {
    /// The entry's name, and the last part of its address: see [`ImageCache::open`].
    pub name: String,
    pub checksum: Checksum,
    pub bytes: u64,
    pub format: Format,
}

/// How far a download is.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Progress {
    pub received_bytes: u64,
    /// If the source told it.
    pub total_bytes: Option<u64>,
    /// Set once, at the end.
    pub end: Option<Result<(), ImageError>>,
}

impl Progress {
    /// The source has answered, well or badly.
    fn answered(&self) -> bool {
        self.end.is_some() || self.total_bytes.is_some() || self.received_bytes > 0
    }
}

/// See the head of this file. Cheap to clone.
#[derive(Clone)]
pub struct ImageCache(Arc<Inner>);

struct Inner {
    settings: Settings,
    client: Client,
    clock: Clock,
    index: Mutex<Index>,
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl ImageCache {
    /// Makes the directory if it is not there, removes what an earlier process left unfinished, and finds the entries.
    pub async fn start(settings: Settings, client: Client, clock: Clock) -> Result<Self, ImageError> {
        let (dir, max_bytes) = (settings.dir.clone(), settings.max_bytes);
        let index = blocking(move || Index::scan(&dir, max_bytes)).await?;
        let (index, tasks, stop) = (Mutex::new(index), TaskTracker::new(), CancellationToken::new());
        Ok(ImageCache(Arc::new(Inner { settings, client, clock, index, tasks, stop })))
    }

    /// Ends the downloads and waits for them.
    pub async fn stop(&self) {
        self.0.stop.cancel();
        self.0.tasks.close();
        self.0.tasks.wait().await;
    }

    /// The image, fetched if it is not here, held for `holder` until [`ImageCache::release`]. It takes [`ImageCache::longest`]
    /// at most, whoever else fetches it.
    pub async fn image(&self, source: &Source, holder: &str) -> Result<Image, ImageError> {
        self.in_time(source, self.obtain(source, holder)).await
    }

    /// How long asking for an image may take: a list of checksums, then the download.
    pub fn longest(&self) -> Duration {
        LISTING + self.0.settings.fetch_within
    }

    async fn in_time<T>(
        &self,
        source: &Source,
        asked: impl Future<Output = Result<T, ImageError>>,
    ) -> Result<T, ImageError> {
        let late = |_| Err(fetch::late(&source.location, self.longest()));
        tokio::time::timeout(self.longest(), asked).await.unwrap_or_else(late)
    }

    async fn obtain(&self, source: &Source, holder: &str) -> Result<Image, ImageError> {
        loop {
            let goal = self.resolve(source, holder).await?;
            let waived = goal.checksum.is_none();
            match self.begin(source, goal, holder) {
                Begun::Here(image) => return Ok(image),
                Begun::Coming { mut progress, location } => {
                    let ended = progress.wait_for(|progress| progress.end.is_some()).await;
                    match ended.ok().and_then(|progress| progress.end.clone()) {
                        Some(Ok(())) => {}
                        // Somebody else's address for the same content failed; ours has not been tried.
                        Some(Err(_)) if location != source.location => {}
                        Some(Err(error)) => return Err(error),
                        None => return Err(stopping()),
                    }
                    if waived && self.index().learned(holder, &source.location).is_none() {
                        // It was released meanwhile, so it would be fetched again and again.
                        return Err(ImageError::Unreachable("nobody waits for the image".into()));
                    }
                }
            }
        }
    }

    /// Begins to fetch the image for `holder` and returns as soon as the source has answered: what is wrong with the
    /// address shows now, and the bytes come while the machine boots.
    pub async fn prefetch(&self, source: &Source, holder: &str) -> Result<(), ImageError> {
        self.in_time(source, self.begun(source, holder)).await
    }

    async fn begun(&self, source: &Source, holder: &str) -> Result<(), ImageError> {
        let goal = self.resolve(source, holder).await?;
        let Begun::Coming { mut progress, .. } = self.begin(source, goal, holder) else { return Ok(()) };
        let answered = progress.wait_for(Progress::answered).await.map_err(|_| stopping())?;
        match &answered.end {
            Some(Err(error)) => Err(error.clone()),
            Some(Ok(())) | None => Ok(()),
        }
    }

    /// Whether `location` can be an image at all: a well-formed address, or a file below a root. Nothing is fetched.
    pub async fn check(&self, location: &str) -> Result<(), ImageError> {
        if let Ok(url) = Url::parse(location)
            && !self.0.settings.reach.allows_host(self.0.client.net(), &url.host)
        {
            return Err(ImageError::Unusable(format!("image_source: {url} {NEAR}")));
        }
        let (location, roots) = (location.to_owned(), self.0.settings.roots.clone());
        blocking(move || fetch::check(&location, &roots)).await
    }

    /// Where sources may be.
    pub fn reach(&self) -> &Reach {
        &self.0.settings.reach
    }

    /// `holder` needs its images no more.
    pub fn release(&self, holder: &str) {
        self.index().release(holder);
    }

    /// Opens an entry for reading, with its length; none if there is no entry of that name. Blocking.
    pub fn open(&self, name: &str) -> Result<Option<(File, u64)>, ImageError> {
        // Nothing but a canonical content name ever reaches the file system.
        if Checksum::from_content_name(name).is_none() || !self.index().touch(name) {
            return Ok(None);
        }
        let file = File::open(self.0.settings.dir.join(name))?;
        let bytes = file.metadata()?.len();
        Ok(Some((file, bytes)))
    }

    /// The downloads that are going on, by entry name.
    pub fn downloads(&self) -> Vec<(String, Progress)> {
        let index = self.index();
        index.downloads.iter().map(|(name, download)| (name.clone(), download.progress.borrow().clone())).collect()
    }

    /// Bytes of all entries.
    pub fn used_bytes(&self) -> u64 {
        self.index().used_bytes()
    }

    fn index(&self) -> MutexGuard<'_, Index> {
        // The index is consistent between any two statements that hold it, so a panicked holder does not spoil it.
        self.0.index.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn request(&self, url: Url) -> Request {
        let mut request = Request::get(url);
        request.trust = self.0.settings.trust.clone();
        request.reach = self.0.settings.reach.clone();
        request
    }

    async fn resolve(&self, source: &Source, holder: &str) -> Result<Goal, ImageError> {
        let checksum = match &source.wanted {
            Wanted::Exactly(checksum) => checksum.clone(),
            Wanted::ListedAt(listing) => self.listed(source, listing).await?,
            Wanted::OfOurFile => {
                let (location, roots) = (source.location.clone(), self.0.settings.roots.clone());
                blocking(move || fetch::hash(&location, &roots)).await?
            }
            Wanted::Waived => match self.index().learned(holder, &source.location) {
                Some(checksum) => checksum.clone(),
                None => return Ok(Goal::unproven(&source.location, holder)),
            },
        };
        Ok(Goal { name: checksum.content_name(), checksum: Some(checksum) })
    }

    async fn listed(&self, source: &Source, listing: &str) -> Result<Checksum, ImageError> {
        let failed = |error| ImageError::fetching(listing, &error);
        let mut request = self.request(Url::parse(listing).map_err(failed)?);
        request.limits.body_bytes = LISTING_BYTES;
        let asked = async {
            let response = self.0.client.send(request).await.map_err(failed)?;
            if response.status != StatusCode::OK {
                return Err(ImageError::Unusable(format!("image_checksum: {listing} answered {}", response.status)));
            }
            response.bytes().await.map_err(failed)
        };
        let text = tokio::time::timeout(LISTING, asked).await.unwrap_or_else(|_| {
            Err(ImageError::Unreachable(format!("image_checksum: {listing} did not end within {LISTING:?}")))
        })?;
        let file_name = match Url::parse(&source.location) {
            Ok(url) => url.file_name(),
            Err(_) => source.location.rsplit('/').next().unwrap_or_default().to_owned(),
        };
        checksum::find(&String::from_utf8_lossy(&text), &file_name, self.0.settings.allow_md5)
    }

    /// Finds the entry, joins its download or starts one; `holder` is noted in each case, in the same critical section.
    fn begin(&self, source: &Source, goal: Goal, holder: &str) -> Begun {
        let mut index = self.index();
        if let Some(checksum) = &goal.checksum
            && let Some(entry) = index.hold(&goal.name, holder)
        {
            let (bytes, format) = (entry.bytes, entry.format);
            return Begun::Here(Image { name: goal.name, checksum: checksum.clone(), bytes, format });
        }
        if let Some(download) = index.join(&goal.name, holder) {
            return Begun::Coming { progress: download.progress.subscribe(), location: download.location.clone() };
        }
        let (sender, progress) = watch::channel(Progress::default());
        let sender = Arc::new(sender);
        let location = source.location.clone();
        index.start(&goal.name, &location, holder, sender.clone());
        let download = self.clone().download(location.clone(), goal, sender);
        self.0.tasks.spawn(download);
        Begun::Coming { progress, location }
    }
}

enum Begun {
    Here(Image),
    /// `location` is where it comes from, which may be another's address for the same content.
    Coming {
        progress: watch::Receiver<Progress>,
        location: String,
    },
}

fn stopping() -> ImageError {
    ImageError::Unreachable("the service is stopping".into())
}

/// Runs file work off the runtime. A panic in it is a bug here, reported as the disk's so that the caller goes on.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, ImageError> + Send + 'static,
) -> Result<T, ImageError> {
    match crate::blocking::run(work).await {
        Ok(done) => done,
        Err(panicked) => Err(ImageError::Disk(panicked.to_string())),
    }
}
