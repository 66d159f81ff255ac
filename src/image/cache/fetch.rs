//! One download: from the source through the hash to the disk, in pieces.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use hyper::StatusCode;
use tokio::sync::{mpsc, watch};

use super::index::remove_all;
use super::{ImageCache, Progress, blocking, stopping};
use crate::disk::{self, Partial};
use crate::image::ImageError;
use crate::image::checksum::{Algorithm, Checksum, Hasher};
use crate::image::format::{self, Format, HEAD_BYTES};
use crate::net::http::{Limits, Response, Url};

/// How often a source that breaks off is asked again from the start.
const ATTEMPTS: u32 = 3;
/// Pieces between the network and the disk: what bounds memory when the disk is slower.
const PIECES: usize = 16;
/// Room is reserved in such steps if the source does not tell the length.
const STEP_BYTES: u64 = 64 << 20;

/// First part of the name of a file whose checksum will be known when it is whole.
const UNPROVEN: &str = "unproven";

/// What a download is to bring.
#[derive(Clone, Debug)]
pub(super) struct Goal {
    /// Its name in the index: the entry's, or one of its own as long as nobody knows what the entry will be called.
    pub name: String,
    /// What the bytes must hash to; none if the client waived that.
    pub checksum: Option<Checksum>,
}

impl Goal {
    /// Whatever is at `location`, for `holder` alone. The location may hold credentials, so that it is no part of the name.
    pub fn unproven(location: &str, holder: &str) -> Self {
        let mut hasher = Hasher::new(Algorithm::Sha256);
        hasher.update(location.as_bytes());
        Goal { name: format!("{UNPROVEN}-{}-for-{holder}", hasher.finish()), checksum: None }
    }
}

/// What it has brought.
#[derive(Clone, Debug)]
pub(super) struct Fetched {
    pub checksum: Checksum,
    pub bytes: u64,
    pub format: Format,
}

impl ImageCache {
    /// Fetches until done, failed, or wanted by nobody. The index learns of the end first and those who wait after it,
    /// so that they find the entry.
    pub(super) async fn download(self, location: String, goal: Goal, progress: Arc<watch::Sender<Progress>>) {
        let fetched = tokio::select! {
            biased;
            fetched = self.attempts(&location, &goal, &progress) => fetched,
            () = self.abandoned(&goal.name, &progress) => {
                Err(ImageError::Unreachable("nobody waits for the image".into()))
            }
            () = self.0.stop.cancelled() => Err(stopping()),
            () = self.0.clock.sleep(self.0.settings.fetch_within) => Err(late(&location, self.0.settings.fetch_within)),
        };
        self.index().finish(&goal.name, &location, fetched.as_ref().ok());
        match &fetched {
            Ok(Fetched { checksum, bytes, format }) => {
                let (image, format) = (checksum.content_name(), format.name());
                let unproven = goal.checksum.is_none();
                tracing::info!(image, bytes, format, unproven, source = shown(&location), "image cached");
            }
            Err(error) => tracing::warn!(image = goal.name, source = shown(&location), %error, "image not cached"),
        }
        progress.send_modify(|progress| progress.end = Some(fetched.map(|_| ())));
    }

    async fn abandoned(&self, name: &str, progress: &watch::Sender<Progress>) {
        loop {
            // Nobody waits; a node may still hold it, and then its release is what is awaited.
            progress.closed().await;
            if self.index().is_abandoned(name) {
                return;
            }
            self.0.clock.sleep(Duration::from_millis(250)).await;
        }
    }

    async fn attempts(
        &self,
        location: &str,
        goal: &Goal,
        progress: &Arc<watch::Sender<Progress>>,
    ) -> Result<Fetched, ImageError> {
        let mut attempt = 1;
        loop {
            let fetched = match file_path(location) {
                Some(path) => self.copy(path, location, goal, progress).await,
                None => self.fetch(location, goal, progress).await,
            };
            match fetched {
                Err(error @ ImageError::Unreachable(_)) if attempt < ATTEMPTS => {
                    tracing::info!(source = shown(location), attempt, %error, "image download broke off, trying again");
                    progress.send_modify(|progress| progress.received_bytes = 0);
                    self.0.clock.sleep(self.0.settings.retry_pause * attempt).await;
                    attempt += 1;
                }
                other => return other,
            }
        }
    }

    async fn fetch(
        &self,
        location: &str,
        goal: &Goal,
        progress: &Arc<watch::Sender<Progress>>,
    ) -> Result<Fetched, ImageError> {
        let shown = shown(location);
        let failed = |error| ImageError::fetching(&shown, &error);
        let url = Url::parse(location).map_err(|error| ImageError::Unusable(format!("image_source: {error}")))?;
        let mut request = self.request(url);
        request.limits = Limits { body_bytes: self.0.settings.max_bytes, ..Limits::default() };
        let response = self.0.client.send(request).await.map_err(failed)?;
        // Nothing but the whole: we asked for no part.
        if response.status != StatusCode::OK {
            let text = format!("image_source: {shown} answered {}", response.status);
            // A busy or broken server may recover; a missing file will not appear.
            let later = response.status.is_server_error() || response.status.as_u16() == 429;
            return Err(if later { ImageError::Unreachable(text) } else { ImageError::Unusable(text) });
        }
        let total = response.content_length();
        let room = self.reserve(goal, total.unwrap_or(STEP_BYTES)).await?;
        progress.send_modify(|progress| progress.total_bytes = total);
        let (pieces, queue) = mpsc::channel(PIECES);
        let writer = Writer::new(self, location, goal, room).await?;
        let writing = write(writer, queue);
        let (sent, written) = tokio::join!(self.pump(response, goal, progress, pieces, &shown), writing);
        // The disk's or the format's error ends the pump too, and says more.
        match (sent, written) {
            (Ok(()), Ok(Some(written))) => Ok(written),
            (_, Err(error)) | (Err(error), Ok(_)) => Err(error),
            (Ok(()), Ok(None)) => Err(stopping()),
        }
    }

    /// Moves the body into the queue. Ends with an explicit end mark: a queue that just closes was given up.
    async fn pump(
        &self,
        mut response: Response,
        goal: &Goal,
        progress: &watch::Sender<Progress>,
        pieces: mpsc::Sender<Option<Bytes>>,
        shown: &str,
    ) -> Result<(), ImageError> {
        let (mut received, mut reserved) = (0, response.content_length().unwrap_or(STEP_BYTES));
        let mut rate = Rate::default();
        loop {
            let asked_at = self.0.clock.instant();
            let piece = response.chunk().await.map_err(|error| ImageError::fetching(shown, &error))?;
            let Some(piece) = piece else { break };
            self.bear(rate.with(piece.len(), self.0.clock.instant() - asked_at), shown)?;
            received += piece.len() as u64;
            if received > reserved {
                reserved += STEP_BYTES;
                self.reserve(goal, reserved).await?;
            }
            progress.send_modify(|progress| progress.received_bytes = received);
            if pieces.send(Some(piece)).await.is_err() {
                return Err(ImageError::Disk("the writer stopped".into()));
            }
        }
        pieces.send(None).await.map_err(|_| ImageError::Disk("the writer stopped".into()))
    }

    /// Copies a local file. It is copied rather than served from where it is because what is served must stay what was
    /// verified, whoever edits the original.
    async fn copy(
        &self,
        path: PathBuf,
        location: &str,
        goal: &Goal,
        progress: &Arc<watch::Sender<Progress>>,
    ) -> Result<Fetched, ImageError> {
        let roots = self.0.settings.roots.clone();
        let (mut file, bytes) = blocking(move || open(&roots, &path)).await?;
        let room = self.reserve(goal, bytes).await?;
        progress.send_modify(|progress| progress.total_bytes = Some(bytes));
        let mut writer = Writer::new(self, location, goal, room).await?;
        let (name, cache, progress) = (goal.name.clone(), self.clone(), progress.clone());
        blocking(move || {
            disk::read_pieces(&mut file, 256 << 10, |piece| {
                if cache.0.stop.is_cancelled() || !cache.index().is_current(&name, &progress) {
                    return Err(stopping());
                }
                writer.push(piece)?;
                if writer.bytes > bytes {
                    return Err(ImageError::Unusable("the image file grows while it is read".into()));
                }
                progress.send_modify(|progress| progress.received_bytes = writer.bytes);
                Ok(())
            })?;
            writer.finish()
        })
        .await
    }

    /// Whether the source is quick enough. Each piece may come in time and all of them never.
    fn bear(&self, rate: &mut Rate, shown: &str) -> Result<(), ImageError> {
        let (floor, slow_after) = (self.0.settings.min_bytes_per_sec, self.0.settings.slow_after);
        if rate.waited < slow_after {
            return Ok(());
        }
        let found = (rate.bytes as f64 / rate.waited.as_secs_f64()) as u64;
        *rate = Rate::default();
        if found >= floor {
            return Ok(());
        }
        Err(ImageError::Unreachable(format!(
            "image_source: {shown} delivers {found} bytes a second; expected {floor} or more (images.min_bytes_per_sec)"
        )))
    }

    /// Makes room and removes what had to go.
    async fn reserve(&self, goal: &Goal, bytes: u64) -> Result<Room, ImageError> {
        let gone = self.index().reserve(&goal.name, bytes)?;
        if !gone.is_empty() {
            blocking(move || {
                remove_all(&gone);
                Ok(())
            })
            .await?;
        }
        Ok(Room(()))
    }
}

/// What a source has delivered lately, and how long it was waited for: our own disk's slowness is not its fault.
#[derive(Default)]
struct Rate {
    bytes: u64,
    waited: Duration,
}

impl Rate {
    fn with(&mut self, bytes: usize, waited: Duration) -> &mut Self {
        self.bytes += bytes as u64;
        self.waited += waited;
        self
    }
}

/// Proof that room was reserved before anything is written.
struct Room(());

/// Writes the queue to the disk, whatever is in it at once; `None` if the sender gave up.
async fn write(mut writer: Writer, mut queue: mpsc::Receiver<Option<Bytes>>) -> Result<Option<Fetched>, ImageError> {
    loop {
        let mut pieces = Vec::with_capacity(PIECES);
        if queue.recv_many(&mut pieces, PIECES).await == 0 {
            return Ok(None);
        }
        let ended = pieces.last().is_some_and(Option::is_none);
        writer = blocking(move || {
            pieces.iter().flatten().try_for_each(|piece| writer.push(piece))?;
            Ok(writer)
        })
        .await?;
        if ended {
            return blocking(move || writer.finish()).await.map(Some);
        }
    }
}

/// Hashes, looks at the head, and writes.
struct Writer {
    partial: Partial,
    hasher: Hasher,
    head: Vec<u8>,
    bytes: u64,
    expected: Option<Checksum>,
    dir: PathBuf,
    location: String,
}

impl Writer {
    async fn new(cache: &ImageCache, location: &str, goal: &Goal, _room: Room) -> Result<Self, ImageError> {
        let dir = cache.0.settings.dir.clone();
        let target = dir.join(goal.checksum.as_ref().map_or_else(|| UNPROVEN.to_owned(), Checksum::content_name));
        let partial = blocking(move || Ok(Partial::create(&target)?)).await?;
        let algorithm = goal.checksum.as_ref().map_or(Algorithm::Sha256, |checksum| checksum.algorithm);
        Ok(Writer {
            partial,
            hasher: Hasher::new(algorithm),
            head: Vec::with_capacity(HEAD_BYTES),
            bytes: 0,
            expected: goal.checksum.clone(),
            dir,
            location: shown(location),
        })
    }

    fn push(&mut self, piece: &[u8]) -> Result<(), ImageError> {
        let missing = HEAD_BYTES - self.head.len();
        if missing > 0 {
            self.head.extend_from_slice(&piece[..piece.len().min(missing)]);
            if self.head.len() == HEAD_BYTES {
                // What is no image is not waited for.
                format::detect(&self.head)?;
            }
        }
        self.hasher.update(piece);
        self.partial.write(piece)?;
        self.bytes += piece.len() as u64;
        Ok(())
    }

    /// Publishes if the hash is the expected one, or any will do. Otherwise nothing stays.
    fn finish(self) -> Result<Fetched, ImageError> {
        let found = self.hasher.finish();
        let checksum = match self.expected {
            Some(expected) if expected.hex == found => expected,
            Some(Checksum { algorithm, hex: expected }) => {
                let (location, algorithm) = (self.location, algorithm.name());
                return Err(ImageError::Mismatch { location, algorithm, expected, found });
            }
            None => Checksum { algorithm: Algorithm::Sha256, hex: found },
        };
        let format = format::of_file(&self.head, self.bytes)?;
        self.partial.publish_as(&self.dir.join(checksum.content_name()))?;
        Ok(Fetched { checksum, bytes: self.bytes, format })
    }
}

fn open(roots: &[PathBuf], path: &Path) -> Result<(File, u64), ImageError> {
    disk::open_below(roots, path).map_err(|error| ImageError::Unusable(format!("image_source: {error}")))
}

/// Whether a location is usable as far as can be told without asking anybody. Blocking.
pub(super) fn check(location: &str, roots: &[PathBuf]) -> Result<(), ImageError> {
    match file_path(location) {
        Some(path) => open(roots, &path).map(drop),
        None => Url::parse(location).map(drop).map_err(|error| ImageError::Unusable(format!("image_source: {error}"))),
    }
}

/// What a file below a root hashes to. Blocking.
pub(super) fn hash(location: &str, roots: &[PathBuf]) -> Result<Checksum, ImageError> {
    let path = file_path(location).ok_or_else(|| {
        ImageError::Unusable("image_checksum: missing, as are image_os_hash_algo and image_os_hash_value".to_owned())
    })?;
    let (mut file, _) = open(roots, &path)?;
    let mut hasher = Hasher::new(Algorithm::Sha256);
    disk::read_pieces(&mut file, 256 << 10, |piece| {
        hasher.update(piece);
        Ok::<_, ImageError>(())
    })?;
    Ok(Checksum { algorithm: Algorithm::Sha256, hex: hasher.finish() })
}

/// However steadily it comes.
pub(super) fn late(location: &str, within: Duration) -> ImageError {
    let secs = within.as_secs();
    ImageError::Unreachable(format!(
        "image_source: {} was not here within {secs} s (images.fetch_secs)",
        shown(location)
    ))
}

/// The path if the location is a file's.
fn file_path(location: &str) -> Option<PathBuf> {
    let path = location.strip_prefix("file://").or_else(|| location.starts_with('/').then_some(location))?;
    let decoded = percent_encoding::percent_decode_str(path).decode_utf8_lossy().into_owned();
    Some(PathBuf::from(if location.starts_with('/') { path.to_owned() } else { decoded }))
}

/// The location without credentials and query, for errors and logs.
fn shown(location: &str) -> String {
    match Url::parse(location) {
        Ok(url) => url.to_string(),
        Err(_) => location.chars().take(200).collect(),
    }
}
