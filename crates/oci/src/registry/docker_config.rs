//! The credentials that `docker login` keeps: `~/.docker/config.json`, in the clear or by a program that keeps them.

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::Deserialize;

use super::settings::{Credentials, Secret};
use super::{RegistryError, Result};

/// Under which name Docker keeps the credentials for Docker Hub.
const HUB_KEY: &str = "https://index.docker.io/v1/";
/// What a program that keeps credentials says instead of a name where it has a token.
const TOKEN_USER: &str = "<token>";

/// Docker's credentials. The file is read when a registry wants some, so that one that is broken is in nobody's way otherwise.
#[derive(Debug, Default)]
pub struct DockerConfig {
    path: Option<PathBuf>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Content {
    auths: BTreeMap<String, Auth>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Auth {
    auth: Option<String>,
    username: Option<String>,
    password: Option<String>,
    identitytoken: Option<String>,
}

impl std::fmt::Debug for Auth {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Auth(…)")
    }
}

impl DockerConfig {
    /// The file at a path, which need not exist.
    #[must_use]
    pub fn at(path: impl Into<PathBuf>) -> Self {
        Self { path: Some(path.into()) }
    }

    /// The credentials for a registry, as references name it. It may run a program that keeps them, and wait for it.
    ///
    /// # Errors
    /// [`RegistryError::CredentialsFile`] or [`RegistryError::CredentialsProgram`].
    pub fn credentials(&self, registry: &str) -> Result<Option<Credentials>> {
        let Some(path) = &self.path else { return Ok(None) };
        let bad = |cause: String| RegistryError::CredentialsFile { path: path.clone(), cause };
        let bytes = match std::fs::read(path) {
            Ok(bytes) => bytes,
            Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(fault) => return Err(bad(fault.to_string())),
        };
        // The library's own message could quote what it found.
        let at =
            |e: serde_json::Error| format!("it is malformed at line {}, column {}", e.line(), e.column());
        let content: Content = serde_json::from_slice(&bytes).map_err(|e| bad(at(e)))?;
        let key = if registry == "docker.io" { HUB_KEY } else { registry };
        let helper = content.cred_helpers.get(key).or(content.creds_store.as_ref());
        if let Some(helper) = helper
            && let Some(found) = ask_program(helper, key, registry)?
        {
            return Ok(Some(found));
        }
        let entry = content.auths.get(key).or_else(|| {
            content.auths.iter().find(|(other, _)| host_of(other) == registry).map(|(_, auth)| auth)
        });
        entry.map_or(Ok(None), |entry| entry.decoded(path, registry))
    }
}

impl Auth {
    fn decoded(&self, path: &Path, registry: &str) -> Result<Option<Credentials>> {
        if let Some(token) = self.identitytoken.as_ref().filter(|it| !it.is_empty()) {
            return Ok(Some(Credentials::IdentityToken(Secret::new(token))));
        }
        if let (Some(username), Some(password)) = (&self.username, &self.password) {
            let password = Secret::new(password);
            return Ok(Some(Credentials::Password { username: username.clone(), password }));
        }
        let Some(auth) = self.auth.as_ref().filter(|it| !it.is_empty()) else { return Ok(None) };
        let bad = || RegistryError::CredentialsFile {
            path: path.to_owned(),
            cause: format!("`auth` of {registry} is not `name:password` in base64"),
        };
        let decoded = STANDARD.decode(auth.trim()).map_err(|_| bad())?;
        let decoded = String::from_utf8(decoded).map_err(|_| bad())?;
        let (username, password) = decoded.split_once(':').ok_or_else(bad)?;
        // Docker has written a zero byte after passwords.
        let password = Secret::new(password.trim_end_matches('\0'));
        Ok(Some(Credentials::Password { username: username.to_owned(), password }))
    }
}

/// `https://registry.example/v1/` is `registry.example`.
fn host_of(key: &str) -> &str {
    let key = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    key.split_once('/').map_or(key, |(host, _)| host)
}

/// Asks `docker-credential-NAME` as its protocol says: the key on its input, a JSON object on its output.
fn ask_program(name: &str, key: &str, registry: &str) -> Result<Option<Credentials>> {
    let program = format!("docker-credential-{name}");
    let failed = |cause: String| RegistryError::CredentialsProgram {
        program: program.clone(),
        registry: registry.to_owned(),
        cause,
    };
    let mut child = Command::new(&program)
        .arg("get")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|e| failed(e.to_string()))?;
    if let Some(mut input) = child.stdin.take() {
        // One that has ended already tells why by its output.
        let _ = input.write_all(key.as_bytes());
    }
    let output = child.wait_with_output().map_err(|e| failed(e.to_string()))?;
    if !output.status.success() {
        // The protocol's own words for a registry that it has nothing for.
        let text = String::from_utf8_lossy(&output.stdout);
        if text.contains("credentials not found") {
            return Ok(None);
        }
        return Err(failed(text.trim().chars().filter(|c| !c.is_control()).take(200).collect()));
    }
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Found {
        username: String,
        secret: String,
    }
    let found: Found =
        serde_json::from_slice(&output.stdout).map_err(|_| failed("its answer is malformed".into()))?;
    Ok(Some(if found.username == TOKEN_USER {
        Credentials::IdentityToken(Secret::new(found.secret))
    } else {
        Credentials::Password { username: found.username, password: Secret::new(found.secret) }
    }))
}
