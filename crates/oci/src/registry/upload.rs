//! One blob to a registry: taken over from another of its repositories where that is known to have it, or sent in one piece.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use reqwest::{Method, Response, StatusCode, Url};

use super::auth::Access;
use super::client::{Ask, Content, Registries};
use super::download::Tally;
use super::endpoint::Endpoint;
use super::http::{header, is_denied, refusal, strange};
use super::progress::Event;
use super::{RegistryError, Result};
use crate::{Descriptor, Layout};

/// How a blob came there.
pub(super) enum Put {
    /// So many bytes were sent.
    Sent(u64),
    Mounted,
}

/// How the registry answered the wish to put a blob.
enum Begun {
    Mounted,
    /// It is to be sent there.
    At(Url),
}

impl Registries {
    /// Puts a blob into a repository that does not have it.
    pub(super) async fn put(
        &self,
        place: &Endpoint,
        layout: &Layout,
        blob: &Descriptor,
        tally: &Tally<'_>,
    ) -> Result<Put> {
        let here = format!("{}/", place.authority());
        let (reading, digest) = (layout.clone(), blob.digest);
        let origins = tokio::task::spawn_blocking(move || reading.origins(&digest)).await?;
        let from =
            origins.iter().filter_map(|origin| origin.strip_prefix(&here)).find(|it| *it != place.repository);
        let mut attempts = self.attempts(&place.uploads(), tally.progress);
        let mut from = from.map(str::to_owned);
        loop {
            let failure = match self.begin(place, blob, from.as_deref()).await {
                Ok(Begun::Mounted) => {
                    count(tally, blob.size);
                    return Ok(Put::Mounted);
                }
                Ok(Begun::At(url)) => match self.send_blob(place, layout, blob, url, tally).await {
                    Ok(()) => return Ok(Put::Sent(blob.size)),
                    Err(error) => error,
                },
                // Whoever may push here need not be allowed to read there.
                Err(RegistryError::Denied { .. }) if from.is_some() => {
                    from = None;
                    continue;
                }
                Err(error) => error,
            };
            attempts.after(failure).await?;
        }
    }

    async fn begin(&self, place: &Endpoint, blob: &Descriptor, from: Option<&str>) -> Result<Begun> {
        let access = Access::Push { from: from.map(str::to_owned) };
        let mut url = place.uploads();
        if let Some(from) = from {
            url.query_pairs_mut().append_pair("mount", &blob.digest.to_string()).append_pair("from", from);
        }
        // Without a length some servers and proxies refuse a POST.
        let ask = Ask { method: Method::POST, ..Ask::get(url.clone()) }.with("content-length", "0");
        let response = self.send(place, &access, &ask).await?;
        match response.status() {
            StatusCode::CREATED if from.is_some() => Ok(Begun::Mounted),
            StatusCode::ACCEPTED => location(&response, &url).map(Begun::At),
            status if is_denied(status) => Err(self.denied(place, &access, response).await),
            StatusCode::NOT_FOUND => {
                // Registries whose repositories are made by hand answer so for one that is not there.
                let refused = self.denied(place, &access, response).await;
                Err(refused)
            }
            status if status.is_success() => {
                Err(strange(&url, format!("{status} to the beginning of an upload")))
            }
            _ => Err(refusal(response).await),
        }
    }

    async fn send_blob(
        &self,
        place: &Endpoint,
        layout: &Layout,
        blob: &Descriptor,
        mut url: Url,
        tally: &Tally<'_>,
    ) -> Result<()> {
        // Appended: what stands in the query already is the registry's own, and may be signed as it is written.
        let query = match url.query().filter(|it| !it.is_empty()) {
            Some(query) => format!("{query}&digest={}", blob.digest),
            None => format!("digest={}", blob.digest),
        };
        url.set_query(Some(&query));
        let access = Access::Push { from: None };
        let sent = Arc::new(AtomicU64::new(0));
        let noted = sent.clone();
        let ask = Ask {
            method: Method::PUT,
            url,
            headers: vec![("content-type", "application/octet-stream".into())],
            content: Content::File {
                path: layout.blob_path(&blob.digest),
                size: blob.size,
                sent: Arc::new(move |bytes| noted.store(bytes, Ordering::Relaxed)),
            },
        };
        let response = self.watched(self.send(place, &access, &ask), &sent, tally).await?;
        match response.status() {
            status if status.is_success() => Ok(()),
            status if is_denied(status) => Err(self.denied(place, &access, response).await),
            // The upload is not known any more: another node, or a restart. It is begun anew.
            StatusCode::NOT_FOUND => {
                let cause = "it does not know the upload any more".into();
                Err(RegistryError::Connection { url: super::http::shown(&ask.url), cause })
            }
            _ => Err(refusal(response).await),
        }
    }

    /// Tells how much was sent while a request is under way; what a failed one has sent counts no more.
    async fn watched(
        &self,
        request: impl Future<Output = Result<Response>>,
        sent: &AtomicU64,
        tally: &Tally<'_>,
    ) -> Result<Response> {
        /// Often enough for an eye.
        const LOOK: std::time::Duration = std::time::Duration::from_millis(200);
        let mut request = std::pin::pin!(request);
        let mut told = 0;
        loop {
            let done = tokio::time::timeout(LOOK, &mut request).await;
            let now = sent.load(Ordering::Relaxed).max(told);
            count(tally, now - told);
            told = now;
            let Ok(result) = done else { continue };
            if !result.as_ref().is_ok_and(|response| response.status().is_success()) {
                tally.moved.fetch_sub(told, Ordering::Relaxed);
            }
            return result;
        }
    }
}

fn count(tally: &Tally<'_>, bytes: u64) {
    if bytes > 0 {
        let moved = tally.moved.fetch_add(bytes, Ordering::Relaxed) + bytes;
        tally.progress.event(Event::Moved { bytes: moved, total: tally.total });
    }
}

/// Where an upload goes on: absolute, or from where it was begun.
fn location(response: &Response, url: &Url) -> Result<Url> {
    let location =
        header(response, "location").ok_or_else(|| strange(url, "it does not say where to send a blob"))?;
    let location =
        url.join(location).map_err(|e| strange(url, format!("the place to send a blob to: {e}")))?;
    if url.scheme() == "https" && location.scheme() != "https" {
        return Err(strange(url, "it wants a blob to be sent without TLS"));
    }
    Ok(location)
}
