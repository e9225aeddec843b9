//! The protocol of network mirrors: copies of providers on a server, with JSON files that say which there are. Nothing is written here.

use std::collections::BTreeMap;
use std::sync::Arc;

use lang::ProviderAddress;
use serde::Deserialize;
use url::Url;

use super::Platform;
use super::error::{Error, Result};
use super::registry::{join, json, trust_of};
use super::sources::{Offered, Package, PackagePlace};
use super::{hash, layout};
use crate::error::Error as Fetching;
use crate::fetch::http::{Answer, Http};
use crate::{CliConfiguration, Version};

pub(crate) struct NetworkMirrors {
    cli: CliConfiguration,
    http: Arc<Http>,
}

#[derive(Deserialize)]
struct Index {
    versions: BTreeMap<String, serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct OfVersion {
    archives: BTreeMap<String, Archive>,
}

#[derive(Deserialize)]
struct Archive {
    url: String,
    #[serde(default)]
    hashes: Vec<String>,
}

impl NetworkMirrors {
    pub fn new(cli: CliConfiguration, http: Arc<Http>) -> Self {
        Self { cli, http }
    }

    /// The versions that a mirror has; `None` if it does not have the provider.
    pub async fn versions(&self, base: &Url, provider: &ProviderAddress) -> Result<Option<Offered>> {
        let Some(answer) = self.ask(base, provider, "index.json").await? else { return Ok(None) };
        let read: Index = json(&answer)?;
        let versions = read.versions.keys().filter_map(|text| Version::parse(text).ok()).collect();
        Ok(Some(Offered { versions, warnings: Vec::new() }))
    }

    /// The package of a version for a platform; `None` if the mirror does not have it.
    pub async fn package(
        &self,
        base: &Url,
        provider: &ProviderAddress,
        version: &Version,
        platform: &Platform,
    ) -> Result<Option<Package>> {
        let Some(answer) = self.ask(base, provider, &format!("{version}.json")).await? else {
            return Ok(None);
        };
        let mut read: OfVersion = json(&answer)?;
        let Some(archive) = read.archives.remove(&platform.to_string()) else { return Ok(None) };
        // Hashes of a scheme to come cannot be checked, and promise nothing.
        let is_known = |hash: &String| matches!(hash::scheme(hash), Some("h1" | "zh"));
        let promised: Vec<String> = archive.hashes.into_iter().filter(is_known).collect();
        Ok(Some(Package {
            place: PackagePlace::Url(join(&answer, &archive.url)?),
            name: layout::archive_name(provider, version, platform),
            trust: trust_of(&promised),
            promised,
            signed: Vec::new(),
        }))
    }

    async fn ask(&self, base: &Url, provider: &ProviderAddress, what: &str) -> Result<Option<Answer>> {
        let strange = |e: url::ParseError| Fetching::Protocol { url: base.to_string(), cause: e.to_string() };
        let url = base.join(&format!("{provider}/{what}")).map_err(strange)?;
        let host = match (base.host_str(), base.port()) {
            (Some(host), Some(port)) => format!("{host}:{port}"),
            (host, _) => host.unwrap_or("").to_owned(),
        };
        let answer = self.http.get(&url, self.cli.token(&host)).await?;
        match answer.status {
            404 => Ok(None),
            401 | 403 => Err(Error::Fetching(Fetching::Refused { host, status: answer.status })),
            _ if answer.is_success() => Ok(Some(answer)),
            _ => Err(answer.failure().into()),
        }
    }
}
