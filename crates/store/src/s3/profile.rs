//! The files in which AWS's own programs keep keys and profiles. What a profile says is understood here; no key is used.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use super::credentials::{S3Credentials, S3Role};

/// Profiles by name, each with its settings.
#[derive(Default)]
pub(crate) struct Profiles(BTreeMap<String, BTreeMap<String, String>>);

impl Profiles {
    /// Reads files of keys and files of settings, later ones over earlier ones. One that is not there says nothing.
    pub(crate) fn read(keys: &[PathBuf], settings: &[PathBuf]) -> Result<Self, String> {
        let mut profiles = Self::default();
        // What is in a file of keys comes before what is in one of settings.
        for (files, is_settings) in [(settings, true), (keys, false)] {
            for path in files {
                match std::fs::read_to_string(path) {
                    Ok(text) => profiles.add(&text, is_settings),
                    Err(fault) if fault.kind() == std::io::ErrorKind::NotFound => {}
                    Err(fault) => return Err(format!("{} cannot be read: {fault}", path.display())),
                }
            }
        }
        Ok(profiles)
    }

    /// In a file of settings the section of a profile is `[profile name]`, but for the default one.
    fn add(&mut self, text: &str, is_settings: bool) {
        let mut current: Option<String> = None;
        for line in text.lines() {
            let is_below = line.starts_with([' ', '\t']);
            let line = line.trim();
            if line.is_empty() || line.starts_with(['#', ';']) {
                continue;
            }
            if let Some(section) = line.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
                let section = section.0.trim();
                let name = match section.strip_prefix("profile").map(str::trim_start) {
                    Some(name) if is_settings && name.len() < section.len() - "profile".len() => Some(name),
                    _ if section == "default" || !is_settings => Some(section),
                    _ => None,
                };
                current = name.map(|name| name.trim_matches(['"', '\'']).to_owned());
                continue;
            }
            // What is indented belongs to a setting above, and none of those says who asks.
            if let (Some(name), Some((key, value)), false) = (&current, line.split_once('='), is_below) {
                let value = value.split(" #").next().unwrap_or_default().trim();
                let settings = self.0.entry(name.clone()).or_default();
                settings.insert(key.trim().to_ascii_lowercase(), value.to_owned());
            }
        }
    }

    pub(crate) fn has(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    pub(crate) fn region(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.get("region").map(String::as_str)
    }

    /// Who a profile says that asks. `None`: it says nothing about that. `machine`: what a profile means by what the machine has.
    pub(crate) fn credentials(
        &self,
        name: &str,
        region: &str,
        machine: &S3Credentials,
    ) -> Result<Option<S3Credentials>, String> {
        self.follow(name, region, machine, &mut BTreeSet::new())
    }

    fn follow(
        &self,
        name: &str,
        region: &str,
        machine: &S3Credentials,
        seen: &mut BTreeSet<String>,
    ) -> Result<Option<S3Credentials>, String> {
        let settings = self.0.get(name).ok_or_else(|| format!("there is no profile `{name}`"))?;
        let get = |key: &str| settings.get(key).cloned();
        let is_new = seen.insert(name.to_owned());
        if let (Some(arn), true) = (get("role_arn"), is_new) {
            let from = match (get("source_profile"), get("credential_source")) {
                (Some(source), _) => self
                    .follow(&source, region, machine, seen)?
                    .ok_or_else(|| format!("the profile `{source}` has no keys"))?,
                (None, Some(_)) => machine.clone(),
                (None, None) => {
                    return Err(format!("the profile `{name}` has a role and nobody who takes it"));
                }
            };
            let role = S3Role {
                arn,
                session_name: get("role_session_name").unwrap_or_else(|| "mainstay".into()),
                duration_seconds: get("duration_seconds").and_then(|seconds| seconds.parse().ok()),
                external_id: get("external_id"),
                region: region.to_owned(),
                ..S3Role::default()
            };
            return Ok(Some(S3Credentials::Role(Box::new(role), Box::new(from))));
        }
        if let (Some(access_key), Some(secret_key)) = (get("aws_access_key_id"), get("aws_secret_access_key"))
        {
            let token = get("aws_session_token");
            return Ok(Some(S3Credentials::Keys { access_key, secret_key, token }));
        }
        if let Some(command) = get("credential_process") {
            return Ok(Some(S3Credentials::Process(command)));
        }
        if !is_new {
            return Err(format!("the profile `{name}` takes its role by itself and has no keys"));
        }
        if settings.keys().any(|key| key.starts_with("sso_")) {
            return Err(format!(
                "the profile `{name}` signs in at a portal, which is not done here: run `aws configure export-credentials --profile {name} --format env` and set what it prints, or give the profile `credential_process = aws configure export-credentials --profile {name}`"
            ));
        }
        Ok(None)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn profiles(keys: &str, settings: &str) -> Profiles {
        let mut profiles = Profiles::default();
        profiles.add(settings, true);
        profiles.add(keys, false);
        profiles
    }

    fn told(profiles: &Profiles, name: &str) -> String {
        match profiles.credentials(name, "eu-west-1", &S3Credentials::Machine(Vec::new())) {
            Ok(None) => "nothing".into(),
            Ok(Some(credentials)) => words(&credentials),
            Err(why) => why,
        }
    }

    fn words(credentials: &S3Credentials) -> String {
        match credentials {
            S3Credentials::Keys { access_key, token, .. } => format!("keys {access_key} {token:?}"),
            S3Credentials::Machine(_) => "machine".into(),
            S3Credentials::Process(command) => format!("process {command}"),
            S3Credentials::Role(role, from) => format!("role {} by {}", role.arn, words(from)),
            S3Credentials::Provided(_) => "provided".into(),
        }
    }

    #[test]
    fn profiles_are_understood() {
        let profiles = profiles(
            "[default]\naws_access_key_id = A\naws_secret_access_key=s\n[work]\nAWS_ACCESS_KEY_ID=B\naws_secret_access_key=s\naws_session_token=t # of today\n",
            "[default]\nregion = eu-north-1\ns3 =\n  addressing_style = path\n[profile admin]\nrole_arn = arn:1\nsource_profile = work\n\
             [profile box]\nrole_arn=arn:2\ncredential_source=Ec2InstanceMetadata\n[profile \"odd\"]\ncredential_process = /bin/keys --all\n\
             [profile sso]\nsso_session = x\n[sso-session x]\nsso_region = y\n[profile self]\nrole_arn=arn:3\nsource_profile=self\n[profile empty]\nregion=x\n",
        );
        for (name, expected) in [
            ("default", "keys A None"),
            ("work", "keys B Some(\"t\")"),
            ("admin", "role arn:1 by keys B Some(\"t\")"),
            ("box", "role arn:2 by machine"),
            ("odd", "process /bin/keys --all"),
            ("empty", "nothing"),
            ("nowhere", "there is no profile `nowhere`"),
            ("self", "the profile `self` takes its role by itself and has no keys"),
        ] {
            assert_eq!(told(&profiles, name), expected, "{name}");
        }
        assert!(told(&profiles, "sso").contains("export-credentials"));
        assert_eq!(profiles.region("default"), Some("eu-north-1"));
        assert!(!profiles.has("x"));
    }
}
