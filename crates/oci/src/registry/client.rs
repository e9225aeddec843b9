//! Speaks with registries as the OCI distribution specification 1.1 has it: one request at a time, with what the registry wants
//! to see. What is asked for, and in which order, is decided by the pull and the push.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::TryStreamExt;
use http_body_util::StreamBody;
use reqwest::header::{AUTHORIZATION, CONTENT_LENGTH, WWW_AUTHENTICATE};
use reqwest::{Body, Method, Response, StatusCode, Url};
use tokio_util::io::ReaderStream;

use super::auth::{Access, Authorization};
use super::challenge::Challenge;
use super::docker_config::DockerConfig;
use super::endpoint::Endpoint;
use super::http::{Http, connection, shown, words};
use super::progress::{Event, Progress};
use super::settings::{Credentials, Patience, Settings};
use super::{RegistryError, Result};

/// Read from the disk and given to the network in pieces of this size.
const PIECE_BYTES: usize = 128 * 1024;

/// A client of all registries, with what is known about each. It keeps connections and tokens, and nothing on the disk.
pub struct Registries {
    pub(super) settings: Settings,
    docker: Arc<DockerConfig>,
    pub(super) http: Http,
    /// What was shown with success, by server and scopes.
    tokens: Mutex<HashMap<(String, String), Authorization>>,
}

/// One request.
pub(super) struct Ask {
    pub method: Method,
    pub url: Url,
    pub headers: Vec<(&'static str, String)>,
    pub content: Content,
}

/// What goes with a request.
pub(super) enum Content {
    Nothing,
    Bytes(Vec<u8>),
    /// A file of so many bytes, read while it is sent; how much was sent is told.
    File {
        path: PathBuf,
        size: u64,
        sent: Arc<dyn Fn(u64) + Send + Sync>,
    },
}

impl Ask {
    pub fn get(url: Url) -> Self {
        Self { method: Method::GET, url, headers: Vec::new(), content: Content::Nothing }
    }

    pub fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }
}

impl Registries {
    /// A client with settings, and beneath them what Docker keeps.
    #[must_use]
    pub fn new(settings: Settings, docker: DockerConfig) -> Self {
        let http = Http::new(settings.patience);
        Self { settings, docker: Arc::new(docker), http, tokens: Mutex::default() }
    }

    /// Sends a request; where the registry wants to see something first, it is shown.
    pub(super) async fn send(&self, endpoint: &Endpoint, access: &Access, ask: &Ask) -> Result<Response> {
        let client = self.http.client(&ask.url)?;
        let scopes = access.scopes(&endpoint.repository);
        let key = (endpoint.authority().to_owned(), scopes.join(" "));
        let at_home = endpoint.is_home_of(&ask.url);
        let mut shown_now = self.tokens().get(&key).cloned();
        let mut is_fresh = false;
        loop {
            let mut request = client.request(ask.method.clone(), ask.url.clone());
            for (name, value) in &ask.headers {
                request = request.header(*name, value);
            }
            request = match &ask.content {
                Content::Nothing => request,
                Content::Bytes(bytes) => request.body(bytes.clone()),
                Content::File { path, size, sent } => {
                    let file = tokio::fs::File::open(path).await.map_err(crate::Error::io("open", path))?;
                    let (sent, mut total) = (sent.clone(), 0);
                    let pieces = ReaderStream::with_capacity(file, PIECE_BYTES).map_ok(move |piece| {
                        total += piece.len() as u64;
                        sent(total);
                        http_body::Frame::data(piece)
                    });
                    request.header(CONTENT_LENGTH, *size).body(Body::wrap(StreamBody::new(pieces)))
                }
            };
            if let Some(authorization) = shown_now.as_ref().filter(|_| at_home) {
                request = request.header(AUTHORIZATION, authorization.header()?);
            }
            let response = request.send().await.map_err(|e| connection(&ask.url, e))?;
            let asks_us =
                response.status() == StatusCode::UNAUTHORIZED && endpoint.is_home_of(response.url());
            if !asks_us || is_fresh {
                return Ok(response);
            }
            let headers = response.headers().get_all(WWW_AUTHENTICATE).into_iter();
            let challenge = headers.filter_map(|value| Challenge::parse(value.to_str().ok()?)).next();
            let Some(challenge) = challenge else { return Ok(response) };
            let found = self.authorize(endpoint, access, &scopes, challenge).await?;
            self.tokens().insert(key.clone(), found.clone());
            (shown_now, is_fresh) = (Some(found), true);
        }
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, HashMap<(String, String), Authorization>> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Who we are for a server: what is set for it, or what Docker keeps.
    pub(super) async fn credentials(&self, endpoint: &Endpoint) -> Result<Option<Credentials>> {
        let host = endpoint.name.split('/').next().unwrap_or(&endpoint.name).to_owned();
        if let Some(set) = self.settings.registries.get(&host).and_then(|it| it.credentials.clone()) {
            if let Credentials::Unset { variable } = set {
                let cause =
                    format!("the environment variable {variable}, which holds its password, is not set");
                return Err(RegistryError::BadSetting { registry: host, cause });
            }
            return Ok(Some(set));
        }
        let docker = self.docker.clone();
        tokio::task::spawn_blocking(move || docker.credentials(&host)).await?
    }

    /// What an answer of 401 or 403 means.
    pub(super) async fn denied(
        &self,
        endpoint: &Endpoint,
        access: &Access,
        response: Response,
    ) -> RegistryError {
        RegistryError::Denied {
            registry: endpoint.name.clone(),
            action: access.action(),
            repository: endpoint.repository.clone(),
            had_credentials: matches!(self.credentials(endpoint).await, Ok(Some(_))),
            message: words(response).await,
        }
    }

    pub(super) fn attempts<'a>(&self, url: &Url, progress: &'a dyn Progress) -> Attempts<'a> {
        Attempts { patience: self.settings.patience, failed: 0, url: shown(url), progress }
    }
}

impl std::fmt::Debug for Registries {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registries").field("settings", &self.settings).finish_non_exhaustive()
    }
}

/// Counts how often something failed, and waits between.
pub(super) struct Attempts<'a> {
    patience: Patience,
    failed: u32,
    url: String,
    progress: &'a dyn Progress,
}

impl Attempts<'_> {
    /// Waits after a failure of the passing kind.
    ///
    /// # Errors
    /// The failure, if it is of another kind or was one too many.
    pub async fn after(&mut self, error: RegistryError) -> Result<()> {
        self.failed += 1;
        if !error.is_passing() || self.failed >= self.patience.attempts_max {
            return Err(error);
        }
        let cause = diag::with_causes(&error);
        self.progress.event(Event::Retrying { url: self.url.clone(), cause });
        /// Doubled often enough, any delay becomes an hour.
        const DELAY_MAX: Duration = Duration::from_secs(10);
        let delay = self.patience.retry_delay.saturating_mul(1 << (self.failed - 1).min(16));
        tokio::time::sleep(delay.min(DELAY_MAX)).await;
        Ok(())
    }

    /// It went on: what failed before does not count any more.
    pub fn went_on(&mut self) {
        self.failed = 0;
    }
}
