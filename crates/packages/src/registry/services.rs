//! Which services a host has: its own answer, or what the configuration says.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::OnceCell;
use url::Url;

use super::{CliConfiguration, Token};
use crate::error::{Error, Result};
use crate::fetch::http::Http;

/// Each host's services by name, asked for once.
type Known = Mutex<HashMap<String, Arc<OnceCell<BTreeMap<String, Url>>>>>;

pub(crate) struct Services {
    configuration: CliConfiguration,
    http: Arc<Http>,
    known: Known,
}

impl Services {
    pub fn new(configuration: CliConfiguration, http: Arc<Http>) -> Self {
        Self { configuration, http, known: Mutex::default() }
    }

    /// The token that a host is shown.
    pub fn token(&self, host: &str) -> Option<&Token> {
        self.configuration.token(host)
    }

    /// Where a host has a service, such as `modules.v1`; ends with `/`.
    pub async fn endpoint(&self, host: &str, service: &str) -> Result<Url> {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(host.to_owned()).or_default().clone()
        };
        let services = cell.get_or_try_init(|| self.discover(host)).await?;
        let missing = || Error::NoService { host: host.to_owned(), service: service.to_owned() };
        services.get(service).cloned().ok_or_else(missing)
    }

    async fn discover(&self, host: &str) -> Result<BTreeMap<String, Url>> {
        let address = format!("https://{host}/.well-known/terraform.json");
        let strange = |cause: String| Error::Protocol { url: address.clone(), cause };
        let base = Url::parse(&address).map_err(|e| strange(e.to_string()))?;
        if let Some(services) = self.configuration.services(host) {
            return urls(&base, services.iter().map(|(name, url)| (name.clone(), url.clone())))
                .map_err(strange);
        }
        let answer = self.http.get(&base, self.token(host)).await?;
        match answer.status {
            // A host without the document has no services at all.
            404 => return Ok(BTreeMap::new()),
            401 | 403 => return Err(Error::Refused { host: host.to_owned(), status: answer.status }),
            _ if !answer.is_success() => return Err(answer.failure()),
            _ => {}
        }
        let services: BTreeMap<String, serde_json::Value> =
            serde_json::from_slice(&answer.body).map_err(|e| strange(e.to_string()))?;
        // A service may be described by an object, such as `login.v1`; those are others' to read.
        let texts = services.into_iter().filter_map(|(name, url)| Some((name, url.as_str()?.to_owned())));
        urls(&answer.url, texts).map_err(strange)
    }
}

/// URLs may be relative to the answer's own.
fn urls(
    base: &Url,
    services: impl Iterator<Item = (String, String)>,
) -> Result<BTreeMap<String, Url>, String> {
    services
        .map(|(name, text)| {
            let mut url = base.join(&text).map_err(|e| format!("`{text}` of {name} is no URL: {e}"))?;
            if !matches!(url.scheme(), "http" | "https") {
                return Err(format!("`{text}` of {name} is no URL of HTTP"));
            }
            if !url.path().ends_with('/') {
                url.set_path(&format!("{}/", url.path()));
            }
            Ok((name, url))
        })
        .collect()
}
