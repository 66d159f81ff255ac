//! What machines fetch: the image cache, and the handler of the provisioning listener.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;

use crate::api::server;
use crate::clock::Clock;
use crate::config::{Settings, settings};
use crate::image::ImageCache;
use crate::image::cache;
use crate::net::{Net, http};
use crate::pxe::http::{Handler, Inner};
use crate::pxe::loaders::Loaders;
use crate::store::Store;
use crate::trace::Trace;

/// The cache, if there is a listener over which machines could fetch anything.
pub async fn images(
    settings: &Settings,
    net: &Net,
    clock: &Clock,
    listeners: Vec<SocketAddr>,
) -> anyhow::Result<Option<ImageCache>> {
    if settings.provisioning.is_none() {
        return Ok(None);
    }
    let settings::Images { roots, cache_dir, cache_bytes, min_bytes_per_sec, fetch_within, local_networks } =
        settings.images.clone();
    let reach = http::Reach::routed_and(local_networks, listeners);
    let usual = cache::Settings::new(cache_dir.clone(), cache_bytes);
    let cache = cache::Settings { roots, min_bytes_per_sec, fetch_within, reach, ..usual };
    let client = http::Client::new(net.clone(), clock.clone());
    let cache = ImageCache::start(cache, client, clock.clone()).await;
    Ok(Some(cache.with_context(|| format!("images.cache_dir: {} cannot be used", cache_dir.display()))?))
}

/// Answers what the API does not know on the provisioning listener.
pub fn fallback(
    settings: &Settings,
    loaders: Loaders,
    store: &Store,
    clock: &Clock,
    images: Option<ImageCache>,
    trace: Trace,
) -> server::Fallback {
    let handler = Handler::new(Inner {
        store: store.clone(),
        clock: clock.clone(),
        loaders,
        trace,
        url: settings.provisioning.as_ref().map(|it| it.url.clone()).unwrap_or_default(),
        roots: roots(settings),
        open_image: Arc::new(move |name| match &images {
            Some(cache) => cache.open(name).map_err(io::Error::other),
            None => Ok(None),
        }),
    });
    Arc::new(move |request, peer| handler.answer_boxed(request, peer))
}

/// Kernels and ramdisks may lie where images may. The configured ones may lie anywhere, but that opens no other file.
fn roots(settings: &Settings) -> Vec<PathBuf> {
    let configured = [
        &settings.deploy.kernel,
        &settings.deploy.ramdisk,
        &settings.deploy.rescue_kernel,
        &settings.deploy.rescue_ramdisk,
    ];
    let configured = configured.into_iter().flatten();
    let files = configured.map(|file| PathBuf::from(file.strip_prefix("file://").unwrap_or(file)));
    settings.images.roots.iter().cloned().chain(files.filter(|file| file.is_absolute())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_configured_kernel_opens_itself_and_not_its_directory() -> Result<(), Box<dyn std::error::Error>> {
        let dir = tempfile::tempdir()?;
        let (kernel, beside) = (dir.path().join("ipa.kernel"), dir.path().join("shadow"));
        for file in [&kernel, &beside] {
            std::fs::write(file, "x")?;
        }
        let mut settings = Settings::defaults()?;
        settings.images.roots.clear();
        settings.deploy.kernel = Some(format!("file://{}", kernel.display()));
        let roots = roots(&settings);
        assert!(crate::disk::open_below(&roots, &kernel).is_ok());
        assert!(crate::disk::open_below(&roots, &beside).is_err());
        assert!(crate::disk::open_below(&roots, dir.path()).is_err());
        Ok(())
    }
}
