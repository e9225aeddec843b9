//! Where a repository is asked for: the registry itself, or a mirror of it.

use reqwest::Url;

use super::reference::is_authority;
use super::settings::{RegistrySettings, Settings};
use super::{RegistryError, Result};
use crate::Reference;

/// A repository at a server.
#[derive(Debug, Clone)]
pub(super) struct Endpoint {
    /// The server as people write it: the registry's name, or the mirror's.
    pub name: String,
    /// The repository as this server has it.
    pub repository: String,
    /// `https://host:port/v2/`.
    base: Url,
}

impl Endpoint {
    /// The registry itself.
    pub fn origin(reference: &Reference, settings: &Settings) -> Result<Self> {
        let own = settings.registries.get(reference.registry());
        // Docker Hub's registry answers under another name than its images have.
        let host = match reference.registry() {
            "docker.io" => "registry-1.docker.io",
            other => other,
        };
        Self::new(reference.registry(), host, reference.repository().to_owned(), own)
    }

    /// Its mirrors, in order.
    pub fn mirrors(reference: &Reference, settings: &Settings) -> Result<Vec<Self>> {
        let own = settings.registries.get(reference.registry());
        let mirrors = own.map(|own| own.mirrors.as_slice()).unwrap_or_default().iter().map(|mirror| {
            let (host, folder) = mirror.split_once('/').unwrap_or((mirror, ""));
            if !is_authority(host) {
                let cause = format!("the mirror `{mirror}` is not `HOST` or `HOST/FOLDER`");
                return Err(RegistryError::BadSetting { registry: reference.registry().to_owned(), cause });
            }
            let folder = folder.trim_matches('/');
            let repository = match folder {
                "" => reference.repository().to_owned(),
                folder => format!("{folder}/{}", reference.repository()),
            };
            Self::new(mirror, host, repository, settings.registries.get(host))
        });
        mirrors.collect()
    }

    fn new(
        name: &str,
        authority: &str,
        repository: String,
        settings: Option<&RegistrySettings>,
    ) -> Result<Self> {
        let plain = settings.and_then(|it| it.plain_http).unwrap_or_else(|| is_loopback(authority));
        let scheme = if plain { "http" } else { "https" };
        let base = Url::parse(&format!("{scheme}://{authority}/v2/"))
            .map_err(|e| RegistryError::BadSetting { registry: name.to_owned(), cause: e.to_string() })?;
        Ok(Self { name: name.to_owned(), repository, base })
    }

    /// `…/v2/REPOSITORY/manifests/WANTED`.
    pub fn manifest(&self, wanted: &str) -> Url {
        self.url(&format!("manifests/{wanted}"))
    }

    /// `…/v2/REPOSITORY/blobs/DIGEST`.
    pub fn blob(&self, digest: &crate::Digest) -> Url {
        self.url(&format!("blobs/{digest}"))
    }

    /// `…/v2/REPOSITORY/blobs/uploads/`.
    pub fn uploads(&self) -> Url {
        self.url("blobs/uploads/")
    }

    fn url(&self, rest: &str) -> Url {
        let mut url = self.base.clone();
        // Names and tags were checked: they have no character that means something in a URL.
        url.set_path(&format!("/v2/{}/{rest}", self.repository));
        url
    }

    /// Whether a URL is at this server, so that it may see what this server may see.
    pub fn is_home_of(&self, url: &Url) -> bool {
        self.base.origin() == url.origin()
    }

    /// Whether it is spoken to without TLS.
    pub fn is_plain(&self) -> bool {
        self.base.scheme() == "http"
    }

    /// Host and port, for what is kept by server.
    pub fn authority(&self) -> &str {
        self.base.authority()
    }
}

/// Whether nothing that is sent there leaves this machine.
pub(super) fn is_loopback(authority: &str) -> bool {
    let host = match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(rest),
        None => authority.split(':').next().unwrap_or(authority),
    };
    host == "localhost" || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}
