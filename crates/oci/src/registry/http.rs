//! The HTTP client beneath: one for the world and one for loopback, redirects, failures as errors. It knows no registry.

use std::sync::OnceLock;

use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;

use super::endpoint::is_loopback;
use super::settings::Patience;
use super::{RegistryError, Result};

/// More redirects than browsers follow are a circle.
const REDIRECTS_MAX: usize = 10;
/// How much of a server's words is shown when it refuses.
const SHOWN_CHARACTERS_MAX: usize = 300;
/// Enough for any token or error; what goes on is not read.
const ANSWER_BYTES_MAX: usize = 1024 * 1024;

pub(super) struct Http {
    patience: Patience,
    /// Made when they are first needed: reading the authorities' certificates takes time.
    world: OnceLock<Client>,
    loopback: OnceLock<Client>,
}

impl Http {
    pub fn new(patience: Patience) -> Self {
        Self { patience, world: OnceLock::new(), loopback: OnceLock::new() }
    }

    /// The client for a URL: what is on this machine is not asked for through a proxy.
    pub fn client(&self, url: &Url) -> Result<&Client> {
        let local = is_loopback(url.authority());
        let cell = if local { &self.loopback } else { &self.world };
        if let Some(client) = cell.get() {
            return Ok(client);
        }
        // The library takes credentials away where a redirect leads to another host.
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
        // Blobs are what their digests say only as they are: nothing is to be decompressed on the way.
        let builder = Client::builder()
            .user_agent(concat!("mainstay/", env!("CARGO_PKG_VERSION")))
            .connect_timeout(self.patience.connect)
            .read_timeout(self.patience.read)
            .no_gzip()
            .no_brotli()
            .no_zstd()
            .no_deflate()
            .redirect(redirects);
        let builder = if local { builder.no_proxy() } else { builder };
        let client = builder.build().map_err(|e| RegistryError::NoTls(diag::with_causes(&e)))?;
        // Whoever came first wins; a client that nobody uses costs nothing.
        Ok(cell.get_or_init(|| client))
    }
}

/// A URL as people may see it: nothing after `?`, where signatures and tokens stand.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    url.set_query(None);
    url.to_string()
}

pub(super) fn connection(url: &Url, error: reqwest::Error) -> RegistryError {
    let silent = error.is_timeout() && !error.is_connect();
    // The library repeats the URL, with what it holds in secrets.
    let cause = diag::with_causes(&error.without_url());
    let cause = if silent { format!("it was silent for too long ({cause})") } else { cause };
    RegistryError::Connection { url: shown(url), cause }
}

/// A whole small answer.
pub(super) async fn body(mut response: Response, bytes_max: usize) -> Result<Vec<u8>> {
    let url = response.url().clone();
    let mut body = Vec::new();
    while let Some(piece) = response.chunk().await.map_err(|e| connection(&url, e))? {
        if body.len() + piece.len() > bytes_max {
            let cause = format!("its answer has more than {bytes_max} bytes");
            return Err(RegistryError::Protocol { url: shown(&url), cause });
        }
        body.extend_from_slice(&piece);
    }
    Ok(body)
}

/// What a server that refuses says: the messages of a registry's error, or the beginning of whatever it is.
pub(super) async fn words(response: Response) -> String {
    #[derive(Deserialize)]
    struct Errors {
        errors: Vec<One>,
    }
    #[derive(Deserialize)]
    struct One {
        #[serde(default)]
        code: String,
        #[serde(default)]
        message: String,
    }
    let Ok(body) = body(response, ANSWER_BYTES_MAX).await else { return String::new() };
    let text = match serde_json::from_slice::<Errors>(&body) {
        Ok(Errors { errors }) => {
            let one = |it: One| match (it.message.as_str(), it.code.as_str()) {
                ("", code) => code.to_owned(),
                (message, "") => message.to_owned(),
                (message, code) => format!("{message} ({code})"),
            };
            errors.into_iter().map(one).collect::<Vec<_>>().join("; ")
        }
        Err(_) => String::from_utf8_lossy(&body).trim().to_owned(),
    };
    // Nothing that could steer a terminal.
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(SHOWN_CHARACTERS_MAX).collect()
}

/// A refusal that has no meaning of its own.
pub(super) async fn refusal(response: Response) -> RegistryError {
    let (url, status) = (shown(response.url()), response.status().as_u16());
    RegistryError::Status { url, status, message: words(response).await }
}

pub(super) fn strange(url: &Url, cause: impl Into<String>) -> RegistryError {
    RegistryError::Protocol { url: shown(url), cause: cause.into() }
}

pub(super) fn header<'a>(response: &'a Response, name: &str) -> Option<&'a str> {
    response.headers().get(name).and_then(|value| value.to_str().ok())
}

pub(super) fn is_denied(status: StatusCode) -> bool {
    matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}
