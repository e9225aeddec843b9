//! One blob into the layout: as a stream, with its size checked while it comes, and behind what is there already where the
//! connection broke.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Response, StatusCode, Url};

use super::auth::Access;
use super::client::{Ask, Registries};
use super::endpoint::Endpoint;
use super::http::{connection, header, is_denied, refusal, strange};
use super::progress::{Event, Progress};
use super::{RegistryError, Result};
use crate::layout::PartialBlob;
use crate::{Descriptor, Layout};

/// A connection that gave this much before it broke is worth another attempt, however often that happens: the end comes nearer.
const WENT_ON_BYTES: u64 = 1024 * 1024;

/// How far all blobs of a transfer are together.
pub(super) struct Tally<'a> {
    pub moved: AtomicU64,
    pub total: u64,
    pub progress: &'a dyn Progress,
}

impl Tally<'_> {
    /// One blob stands elsewhere than it stood.
    fn moves(&self, from: u64, to: u64) {
        let bytes = if to >= from {
            self.moved.fetch_add(to - from, Ordering::Relaxed) + (to - from)
        } else {
            self.moved.fetch_sub(from - to, Ordering::Relaxed) - (from - to)
        };
        self.progress.event(Event::Moved { bytes, total: self.total });
    }
}

impl Registries {
    /// Brings a blob into the layout, from the first of the places that gives it. Returns the bytes that were received.
    pub(super) async fn download(
        &self,
        places: &[Endpoint],
        blob: &Descriptor,
        layout: &Layout,
        tally: &Tally<'_>,
    ) -> Result<u64> {
        let mut failure = None;
        for (at, place) in places.iter().enumerate() {
            match self.download_from(place, blob, layout, tally).await {
                Ok(received) => {
                    let (layout, blob) = (layout.clone(), blob.digest);
                    let repository = format!("{}/{}", place.authority(), place.repository);
                    tokio::task::spawn_blocking(move || layout.note_origin(&blob, &repository)).await??;
                    return Ok(received);
                }
                // A disk that is full is full for all of them.
                Err(error @ RegistryError::Store(crate::Error::Io { .. })) => return Err(error),
                Err(error) => {
                    if at + 1 < places.len() {
                        let cause = diag::with_causes(&error);
                        tally.progress.event(Event::MirrorFailed { mirror: place.name.clone(), cause });
                    }
                    failure = Some(error);
                }
            }
        }
        Err(failure
            .unwrap_or_else(|| RegistryError::BlobNotFound { registry: String::new(), digest: blob.digest }))
    }

    async fn download_from(
        &self,
        place: &Endpoint,
        blob: &Descriptor,
        layout: &Layout,
        tally: &Tally<'_>,
    ) -> Result<u64> {
        let (opened, wanted) = (layout.clone(), blob.clone());
        let partial = tokio::task::spawn_blocking(move || opened.partial_blob(&wanted)).await??;
        let Some(mut partial) = partial else {
            tally.moves(0, blob.size);
            return Ok(0);
        };
        let (mut seen, mut received) = (partial.received(), 0);
        tally.moves(0, seen);
        let url = place.blob(&blob.digest);
        let mut attempts = self.attempts(&url, tally.progress);
        loop {
            while partial.missing() > 0 {
                let before = received;
                let result = self.receive(place, &url, blob, &mut partial, |now, came| {
                    tally.moves(seen, now);
                    (seen, received) = (now, received + came);
                });
                match result.await {
                    Ok(()) => {}
                    Err(error) => {
                        if received - before >= WENT_ON_BYTES {
                            attempts.went_on();
                        }
                        if let Err(error) = attempts.after(error).await {
                            tally.moves(seen, 0);
                            return Err(error);
                        }
                    }
                }
            }
            if partial.is_right() || !partial.is_inherited() {
                break;
            }
            // What an earlier process left was wrong, so that all of it is fetched once more.
            partial.restart()?;
            tally.moves(seen, 0);
            seen = 0;
        }
        let finished = tokio::task::spawn_blocking(move || partial.finish()).await?;
        if finished.is_err() {
            tally.moves(seen, 0);
        }
        finished?;
        Ok(received)
    }

    /// Receives what one answer has of what is missing. `came` hears where the blob stands, and how many bytes came.
    async fn receive(
        &self,
        place: &Endpoint,
        url: &Url,
        blob: &Descriptor,
        partial: &mut PartialBlob,
        mut came: impl FnMut(u64, u64) + Send,
    ) -> Result<()> {
        let mut ask = Ask::get(url.clone());
        if partial.received() > 0 {
            ask = ask.with("range", format!("bytes={}-", partial.received()));
        }
        let mut response = self.send(place, &Access::Pull, &ask).await?;
        match response.status() {
            StatusCode::PARTIAL_CONTENT if partial.received() > 0 => {
                check_range(&response, url, blob, partial)?
            }
            // It gives no parts, or does not know how: all of it comes once more.
            status if status.is_success() => {
                partial.restart()?;
                came(0, 0);
            }
            StatusCode::RANGE_NOT_SATISFIABLE if partial.received() > 0 => {
                partial.restart()?;
                came(0, 0);
                let cause = "it does not have the rest of what it gave before".into();
                return Err(RegistryError::Connection { url: super::http::shown(url), cause });
            }
            StatusCode::NOT_FOUND => {
                return Err(RegistryError::BlobNotFound {
                    registry: place.name.clone(),
                    digest: blob.digest,
                });
            }
            status if is_denied(status) => return Err(self.denied(place, &Access::Pull, response).await),
            _ => return Err(refusal(response).await),
        }
        let missing = partial.missing();
        if let Some(announced) = response.content_length().filter(|announced| *announced != missing) {
            let cause =
                format!("it announces {announced} bytes where {missing} are missing of {}", blob.digest);
            return Err(strange(url, cause));
        }
        while let Some(piece) = response.chunk().await.map_err(|e| connection(url, e))? {
            // Pieces are small and go to the page cache: a thread for each would cost more than it frees.
            partial.write(&piece)?;
            came(partial.received(), piece.len() as u64);
        }
        if partial.missing() > 0 {
            let cause =
                format!("the answer ended with {} bytes missing of {}", partial.missing(), blob.digest);
            return Err(RegistryError::Connection { url: super::http::shown(url), cause });
        }
        Ok(())
    }
}

/// Refuses a part that is not the one that was asked for.
fn check_range(response: &Response, url: &Url, blob: &Descriptor, partial: &PartialBlob) -> Result<()> {
    let range = header(response, "content-range").unwrap_or_default();
    let parsed = range.strip_prefix("bytes ").and_then(|rest| {
        let (part, total) = rest.split_once('/')?;
        Some((part.split_once('-')?.0.parse::<u64>().ok()?, total.to_owned()))
    });
    match parsed {
        Some((start, total))
            if start == partial.received() && (total == "*" || total == blob.size.to_string()) =>
        {
            Ok(())
        }
        _ => Err(strange(
            url,
            format!("the part {range:?} is not the rest from {} of {}", partial.received(), blob.size),
        )),
    }
}

/// What a push and a pull share of counting.
pub(super) fn tally(total: u64, progress: &dyn Progress) -> Arc<Tally<'_>> {
    Arc::new(Tally { moved: AtomicU64::new(0), total, progress })
}
