//! The HTTP client: idempotent requests with a limit on what is read and a few attempts.
//!
//! It follows redirects, though never from HTTPS to plain HTTP, and takes a token only to the host that it was given for.

use std::fs::File;
use std::io::{Seek, Write};
use std::sync::{Arc, OnceLock};

use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, Url};

use crate::error::{Error, Result};
use crate::registry::Token;
use crate::settings::{Limits, Patience};
use crate::source::without_password;
use crate::{Event, Progress};

/// More redirects than browsers follow are a circle.
const REDIRECTS_MAX: usize = 10;
/// How much of a server's words is shown when it refuses.
const SHOWN_CHARACTERS_MAX: usize = 300;

pub(crate) struct Http {
    /// Made when it is first needed: reading the authorities' certificates takes time, and may fail where no one needs them.
    client: OnceLock<Client>,
    pub limits: Limits,
    patience: Patience,
    progress: Arc<dyn Progress>,
}

/// A whole answer.
pub(crate) struct Answer {
    /// After redirects.
    pub url: Url,
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Http {
    pub fn new(limits: Limits, patience: Patience, progress: Arc<dyn Progress>) -> Self {
        Self { client: OnceLock::new(), limits, patience, progress }
    }

    fn client(&self) -> Result<&Client> {
        if let Some(client) = self.client.get() {
            return Ok(client);
        }
        let redirects = Policy::custom(|attempt| {
            let from_https = attempt.previous().last().is_some_and(|url| url.scheme() == "https");
            if from_https && attempt.url().scheme() != "https" {
                return attempt.error("a redirect from HTTPS to plain HTTP is not followed");
            }
            if attempt.previous().len() > REDIRECTS_MAX {
                return attempt.error("too many redirects");
            }
            attempt.follow()
        });
        let client = Client::builder()
            .user_agent(concat!("mainstay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.patience.connect)
            .read_timeout(self.patience.read)
            .redirect(redirects)
            .build()
            .map_err(|e| Error::NoTls(diag::with_causes(&e)))?;
        // Whoever came first wins; a client that nobody uses costs nothing.
        Ok(self.client.get_or_init(|| client))
    }

    async fn send(&self, url: &Url, token: Option<&Token>) -> Result<Response> {
        let mut request = self.client()?.get(url.clone());
        if let Some(token) = token {
            let mut value = HeaderValue::try_from(format!("Bearer {}", token.reveal()))
                .map_err(|_| Error::Refused { host: url.host_str().unwrap_or("").to_owned(), status: 401 })?;
            value.set_sensitive(true);
            request = request.header(AUTHORIZATION, value);
        }
        request.send().await.map_err(|e| connection(url, e))
    }

    /// Asks again, a few times, while the failure is of the passing kind.
    async fn again<T>(&self, url: &Url, mut attempt: impl AsyncFnMut() -> Result<T>) -> Result<T> {
        let mut delay = self.patience.retry_delay;
        for _ in 1..self.patience.attempts_max {
            match attempt().await {
                Err(error) if error.is_passing() => {
                    let cause = error.diagnostic().to_string();
                    self.progress.event(Event::Retrying { url: shown(url), cause });
                    tokio::time::sleep(delay).await;
                    delay *= 2;
                }
                settled => return settled,
            }
        }
        attempt().await
    }

    /// A whole answer of a status below 500, redirects followed.
    pub async fn get(&self, url: &Url, token: Option<&Token>) -> Result<Answer> {
        self.again(url, async || {
            let mut response = self.send(url, token).await?;
            let status = response.status().as_u16();
            let (headers, found) = (response.headers().clone(), response.url().clone());
            let mut body = Vec::new();
            while let Some(piece) = response.chunk().await.map_err(|e| connection(url, e))? {
                if (body.len() + piece.len()) as u64 > self.limits.answer_bytes_max {
                    return Err(too_large(url, self.limits.answer_bytes_max));
                }
                body.extend_from_slice(&piece);
            }
            let answer = Answer { url: found, status, headers, body };
            if status >= 500 || matches!(status, 408 | 429) { Err(answer.failure()) } else { Ok(answer) }
        })
        .await
    }

    /// A file's content into a file; what an attempt that failed had written is taken back.
    pub async fn download(&self, url: &Url, file: &File) -> Result<()> {
        let limit = self.limits.archive_bytes_max;
        self.again(url, async || {
            let mut response = self.send(url, None).await?;
            if !response.status().is_success() {
                let status = response.status().as_u16();
                let body = response.chunk().await.ok().flatten().unwrap_or_default();
                return Err(Error::Status { url: shown(url), status, body: excerpt(&body) });
            }
            if response.content_length().is_some_and(|length| length > limit) {
                return Err(too_large(url, limit));
            }
            empty(file)?;
            let (mut file, mut taken) = (file, 0);
            while let Some(piece) = response.chunk().await.map_err(|e| connection(url, e))? {
                taken += piece.len() as u64;
                if taken > limit {
                    return Err(too_large(url, limit));
                }
                // Pieces are small and go to the page cache: a thread for each would cost more than it frees.
                file.write_all(&piece).map_err(Error::io("writing", "the archive"))?;
            }
            Ok(())
        })
        .await
    }
}

/// Takes back what an attempt has written.
fn empty(mut file: &File) -> Result<()> {
    file.set_len(0).and_then(|()| file.rewind()).map_err(Error::io("writing", "the archive"))
}

impl Answer {
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub fn failure(&self) -> Error {
        Error::Status { url: shown(&self.url), status: self.status, body: excerpt(&self.body) }
    }

    pub fn strange(&self, cause: impl Into<String>) -> Error {
        Error::Protocol { url: shown(&self.url), cause: cause.into() }
    }
}

/// A URL as people may see it: no password, and nothing after `?`, where signatures and tokens stand.
pub(crate) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    without_password(url.as_str())
}

fn connection(url: &Url, error: reqwest::Error) -> Error {
    // The library repeats the URL, with what it holds in secrets.
    Error::Connection { url: shown(url), cause: diag::with_causes(&error.without_url()) }
}

fn too_large(url: &Url, limit: u64) -> Error {
    Error::TooLarge { what: shown(url), limit: format!("{limit} bytes") }
}

/// The beginning of what a server says, without what could steer a terminal.
fn excerpt(body: &[u8]) -> String {
    let text = String::from_utf8_lossy(body);
    let shown = text.trim().chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(SHOWN_CHARACTERS_MAX).collect()
}
