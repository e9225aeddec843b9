//! The protocol of module registries: which versions a module has, and where a version's package is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde::Deserialize;
use tokio::sync::OnceCell;
use url::Url;

use super::Services;
use crate::Version;
use crate::error::{Error, Result};
use crate::fetch::http::{Answer, Http};
use crate::source::RegistryAddress;

/// A module's versions, and what the registry called versions that are none.
#[derive(Debug, Default)]
pub(crate) struct Versions {
    pub all: Vec<Version>,
    pub invalid: Vec<String>,
}

/// Each module's versions, asked for once.
type Known = Mutex<HashMap<RegistryAddress, Arc<OnceCell<Arc<Versions>>>>>;

pub(crate) struct Registry {
    services: Services,
    http: Arc<Http>,
    known: Known,
}

#[derive(Deserialize)]
struct VersionsAnswer {
    modules: Vec<ModuleVersions>,
}

#[derive(Deserialize)]
struct ModuleVersions {
    #[serde(default)]
    versions: Vec<ModuleVersion>,
}

#[derive(Deserialize)]
struct ModuleVersion {
    version: String,
}

impl Registry {
    pub fn new(services: Services, http: Arc<Http>) -> Self {
        Self { services, http, known: Mutex::default() }
    }

    /// The versions of a module.
    pub async fn versions(&self, module: &RegistryAddress) -> Result<Arc<Versions>> {
        let cell = {
            let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            known.entry(module.clone()).or_default().clone()
        };
        cell.get_or_try_init(|| self.ask_versions(module)).await.cloned()
    }

    async fn ask_versions(&self, module: &RegistryAddress) -> Result<Arc<Versions>> {
        let answer = self.ask(module, "versions").await?;
        let read: VersionsAnswer =
            serde_json::from_slice(&answer.body).map_err(|e| answer.strange(e.to_string()))?;
        let mut versions = Versions::default();
        // The protocol answers with one module; more would be its dependencies.
        for ModuleVersion { version } in read.modules.into_iter().take(1).flat_map(|m| m.versions) {
            match Version::parse(&version) {
                Ok(read) => versions.all.push(read),
                Err(_) => versions.invalid.push(version),
            }
        }
        Ok(Arc::new(versions))
    }

    /// Where the package of a version is: the text of a source, and the URL that it may be relative to.
    pub async fn place(&self, module: &RegistryAddress, version: &Version) -> Result<(String, Url)> {
        let answer = self.ask(module, &format!("{version}/download")).await?;
        match answer.header("x-terraform-get") {
            Some(place) if !place.is_empty() => Ok((place.to_owned(), answer.url)),
            _ => Err(answer.strange("the answer has no X-Terraform-Get")),
        }
    }

    async fn ask(&self, module: &RegistryAddress, what: &str) -> Result<Answer> {
        let host = &module.host;
        let base = self.services.endpoint(host, "modules.v1").await?;
        let path = format!("{}/{}/{}/{what}", module.namespace, module.name, module.provider);
        let strange = |e: url::ParseError| Error::Protocol { url: base.to_string(), cause: e.to_string() };
        let url = base.join(&path).map_err(strange)?;
        let answer = self.http.get(&url, self.services.token(host)).await?;
        match answer.status {
            404 => Err(Error::NoModule { host: host.clone(), module: module.to_string() }),
            401 | 403 => Err(Error::Refused { host: host.clone(), status: answer.status }),
            _ if answer.is_success() => Ok(answer),
            _ => Err(answer.failure()),
        }
    }
}
