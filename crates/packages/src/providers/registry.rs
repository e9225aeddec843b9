//! The protocol of provider registries: which versions a provider has, and its package with checksums that are signed. Nothing is
//! written here.

use std::sync::Arc;

use diag::Diagnostic;
use lang::ProviderAddress;
use serde::Deserialize;
use serde::de::DeserializeOwned;
use url::Url;

use super::error::{Error, Result};
use super::events::Trust;
use super::sources::{Offered, Package, PackagePlace};
use super::{Platform, signature};
use crate::Version;
use crate::error::Error as Fetching;
use crate::fetch::http::{Answer, Http};
use crate::registry::Services;

/// The name of the service.
const SERVICE: &str = "providers.v1";
/// The versions of the provider protocol that can be spoken, as registries write them.
const PROTOCOLS: [&str; 2] = ["5.", "6."];

pub(crate) struct Registry {
    services: Services,
    http: Arc<Http>,
}

#[derive(Deserialize)]
struct Versions {
    versions: Vec<OfVersion>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct OfVersion {
    version: String,
}

/// What a registry says of a package.
#[derive(Deserialize)]
struct Download {
    #[serde(default)]
    protocols: Vec<String>,
    filename: String,
    download_url: String,
    shasum: String,
    shasums_url: String,
    shasums_signature_url: String,
    #[serde(default)]
    signing_keys: SigningKeys,
}

#[derive(Deserialize, Default)]
struct SigningKeys {
    #[serde(default)]
    gpg_public_keys: Vec<SigningKey>,
}

#[derive(Deserialize)]
struct SigningKey {
    ascii_armor: String,
}

impl Registry {
    pub fn new(services: Services, http: Arc<Http>) -> Self {
        Self { services, http }
    }

    /// The versions of a provider.
    pub async fn versions(&self, provider: &ProviderAddress) -> Result<Offered> {
        let answer = self.ask(provider, "versions").await?;
        let (host, _, _) = provider.parts();
        if answer.status == 404 {
            let server = format!("provider registry {host}");
            return Err(Error::NoProvider { server, provider: provider.clone() });
        }
        let read: Versions = json(&answer)?;
        let mut offered = Offered::default();
        for OfVersion { version } in read.versions {
            // What is no version cannot be chosen, and is no reason to refuse the others.
            offered.versions.extend(Version::parse(&version));
        }
        let warnings = read.warnings.unwrap_or_default();
        if !warnings.is_empty() {
            let name = super::shown_provider(provider);
            let listed: String = warnings.iter().map(|text| format!("\n- {text}")).collect();
            let warning = Diagnostic::warning("provider-registry", format!("the registry warns of {name}"))
                .summary("Additional provider information from registry")
                .because(format!("The remote registry returned warnings for {name}:{listed}"));
            offered.warnings.push(warning);
        }
        Ok(offered)
    }

    /// The package of a version for a platform; `None` if it is not made for that.
    pub async fn package(
        &self,
        provider: &ProviderAddress,
        version: &Version,
        platform: &Platform,
    ) -> Result<Option<Package>> {
        let what = format!("{version}/download/{}/{}", platform.system(), platform.processor());
        let answer = self.ask(provider, &what).await?;
        if answer.status == 404 {
            return Ok(None);
        }
        let read: Download = json(&answer)?;
        check_protocols(&answer, &read.protocols)?;
        if read.filename.contains(['/', '\\']) || read.filename.is_empty() {
            return Err(answer.strange(format!("`{}` is no file's name", read.filename)).into());
        }
        let url = |text: &str| join(&answer, text);
        let sums = self.bytes(&url(&read.shasums_url)?).await?;
        let signed = self.bytes(&url(&read.shasums_signature_url)?).await?;
        let keys: Vec<String> =
            read.signing_keys.gpg_public_keys.into_iter().map(|it| it.ascii_armor).collect();
        let fault = |cause| Error::Signature { of: read.filename.clone(), cause };
        let trust = signature::check(&sums, &signed, &keys).map_err(fault)?;
        let sums = checksums(&String::from_utf8_lossy(&sums));
        let listed = sums.iter().find(|(name, _)| *name == read.filename).map(|(_, sum)| sum.clone());
        let listed = listed
            .ok_or_else(|| answer.strange(format!("the checksums have no line for `{}`", read.filename)))?;
        if listed != read.shasum.to_ascii_lowercase() {
            return Err(Error::Checksum {
                of: read.filename,
                expected: vec![format!("zh:{listed}")],
                found: format!("zh:{}", read.shasum),
            });
        }
        Ok(Some(Package {
            place: PackagePlace::Url(url(&read.download_url)?),
            name: read.filename,
            promised: vec![format!("zh:{listed}")],
            signed: sums.into_iter().map(|(_, sum)| format!("zh:{sum}")).collect(),
            trust,
        }))
    }

    /// An answer that is a success or "there is none".
    async fn ask(&self, provider: &ProviderAddress, what: &str) -> Result<Answer> {
        let (host, owner, name) = provider.parts();
        let base = self.services.endpoint(host, SERVICE).await?;
        let strange = |e: url::ParseError| Fetching::Protocol { url: base.to_string(), cause: e.to_string() };
        let url = base.join(&format!("{owner}/{name}/{what}")).map_err(strange)?;
        let answer = self.http.get(&url, self.services.token(host)).await?;
        match answer.status {
            404 => Ok(answer),
            401 | 403 => Err(Fetching::Refused { host: host.to_owned(), status: answer.status }.into()),
            _ if answer.is_success() => Ok(answer),
            _ => Err(answer.failure().into()),
        }
    }

    async fn bytes(&self, url: &Url) -> Result<Vec<u8>> {
        let answer = self.http.get(url, None).await?;
        if answer.is_success() { Ok(answer.body) } else { Err(answer.failure().into()) }
    }
}

/// Reads an answer's JSON.
pub(super) fn json<T: DeserializeOwned>(answer: &Answer) -> Result<T> {
    Ok(serde_json::from_slice(&answer.body).map_err(|e| answer.strange(e.to_string()))?)
}

/// A URL of an answer, perhaps relative to the answer's own; never from HTTPS to what anyone on the way could change.
pub(super) fn join(answer: &Answer, text: &str) -> Result<Url> {
    let url = answer.url.join(text).map_err(|e| answer.strange(format!("`{text}` is no URL: {e}")))?;
    let is_right = match url.scheme() {
        "https" => true,
        "http" => answer.url.scheme() == "http",
        _ => false,
    };
    if is_right { Ok(url) } else { Err(answer.strange(format!("`{text}` may not be followed")).into()) }
}

fn check_protocols(answer: &Answer, protocols: &[String]) -> Result<()> {
    let is_spoken = |protocol: &String| {
        PROTOCOLS.iter().any(|it| protocol.starts_with(it) || format!("{protocol}.") == *it)
    };
    if protocols.is_empty() || protocols.iter().any(is_spoken) {
        return Ok(());
    }
    let cause = format!(
        "the version speaks the provider protocol {} and not 5 or 6: choose a newer version",
        protocols.join(", ")
    );
    Err(answer.strange(cause).into())
}

/// Names and checksums of lines as `sha256sum` writes them; other lines are passed over.
fn checksums(text: &str) -> Vec<(String, String)> {
    let of_line = |line: &str| {
        let (sum, name) = line.trim().split_once(char::is_whitespace)?;
        let is_sum = sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit());
        is_sum.then(|| (name.trim().trim_start_matches('*').to_owned(), sum.to_ascii_lowercase()))
    };
    text.lines().filter_map(of_line).collect()
}

/// What is known of a package whose server promises hashes, or none.
pub(super) fn trust_of(promised: &[String]) -> Trust {
    if promised.is_empty() { Trust::Unknown } else { Trust::Checksum }
}
