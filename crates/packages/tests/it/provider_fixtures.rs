//! Providers of a few bytes in mirrors and on a registry whose checksums are signed, and stacks that need them.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use diag::{Diagnostics, FileId, Span};
use lang::ProviderAddress;
use packages::{
    CliConfiguration, Constraints, InstallationMethod, InstalledProviders, MethodKind, Patience, Place,
    Platform, ProviderEvent, ProviderInstallation, ProviderProgress, ProviderRequirements, ProviderSettings,
    ProviderSetup, ProvidersInstalled, install_providers, shown_provider,
};
use sha2::{Digest, Sha256};

use crate::fixtures::{Server, body, told};
pub use crate::openpgp::Key;

/// The other platform that packages are made for.
pub const OTHER: &str = "darwin_arm64";

/// This machine's platform.
pub fn here() -> String {
    Platform::current().to_string()
}

/// A folder with a stack, and how its providers are installed.
pub struct Stack {
    folder: tempfile::TempDir,
    pub setup: ProviderSetup,
    pub cli: CliConfiguration,
    events: Arc<Mutex<Vec<String>>>,
}

impl Stack {
    /// With a mirror in a folder of its own as the only way.
    pub fn new(mirror: &Mirror) -> Self {
        Self::by(vec![InstallationMethod::for_all(MethodKind::FilesystemMirror(mirror.path().to_owned()))])
    }

    /// With a registry at `example.com` that is the server.
    pub fn with_registry(server: &Server) -> Self {
        let mut stack = Self::by(vec![InstallationMethod::for_all(MethodKind::Direct)]);
        stack.cli = stack.cli.clone().with_service(
            "example.com",
            "providers.v1",
            &format!("{}/v1/providers/", server.url),
        );
        stack
    }

    pub fn by(methods: Vec<InstallationMethod>) -> Self {
        let patience = Patience { retry_delay: Duration::from_millis(1), ..Patience::default() };
        let folder = tempfile::tempdir().unwrap();
        let cache = folder.path().join("user-cache");
        let variables = [("XDG_CACHE_HOME".to_owned(), cache.display().to_string())];
        let (cli, _) = CliConfiguration::of_environment(variables);
        let mut stack = Self {
            folder,
            setup: ProviderSetup { patience, ..ProviderSetup::default() },
            cli,
            events: Arc::default(),
        };
        let installation = ProviderInstallation { methods, ..ProviderInstallation::default() };
        stack.settings(|settings| settings.installation = Some(installation));
        stack
    }

    pub fn settings(&mut self, change: impl FnOnce(&mut ProviderSettings)) {
        let mut settings = self.cli.providers().clone();
        change(&mut settings);
        self.cli = self.cli.clone().with_providers(settings);
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn place(&self) -> Place {
        Place::new(self.path())
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        let text = std::fs::read_to_string(self.path().join(path));
        text.unwrap_or_else(|e| format!("{path}: {e}"))
    }

    pub fn lock(&self) -> String {
        self.read(".terraform.lock.hcl")
    }

    /// What has been told since it was last asked.
    pub fn events(&self) -> String {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        events.join("\n")
    }

    pub fn progress(&self) -> ProviderProgress {
        let events = self.events.clone();
        Arc::new(move |event| events.lock().unwrap().push(words(&event)))
    }

    pub async fn install(&self, wanted: &[(&str, &str)]) -> Result<ProvidersInstalled, Diagnostics> {
        let requirements = requirements(wanted);
        install_providers(&self.place(), &requirements, self.setup.clone(), &self.cli, self.progress()).await
    }

    /// Installs, and tells everything: events, then what was done with the lock, or the faults.
    pub async fn outcome(&self, wanted: &[(&str, &str)]) -> String {
        let outcome = match self.install(wanted).await {
            Ok(installed) => {
                let incomplete: Vec<&str> = installed.incomplete.iter().map(shown_provider).collect();
                format!("lock {:?}, incomplete {incomplete:?}", installed.change)
            }
            Err(faults) => self.neutral(&told(&faults)),
        };
        let events = self.events();
        if events.is_empty() { outcome } else { format!("{events}\n{outcome}") }
    }

    /// The same after an upgrade.
    pub async fn upgraded(&mut self, wanted: &[(&str, &str)]) -> String {
        self.setup.upgrade = true;
        let outcome = self.outcome(wanted).await;
        self.setup.upgrade = false;
        outcome
    }

    pub fn installed(&self) -> InstalledProviders {
        InstalledProviders::read(&self.place(), &self.cli).unwrap()
    }

    /// A text without what differs from run to run.
    pub fn neutral(&self, text: &str) -> String {
        text.replace(&self.path().display().to_string(), "STACK").replace(&here(), "HERE")
    }

    /// Where a provider is installed.
    pub fn package(&self, address: &str, version: &str) -> PathBuf {
        let address = ProviderAddress::of_source(address);
        self.path().join(format!(".terraform/providers/{address}/{version}/{}", here()))
    }
}

fn words(event: &ProviderEvent) -> String {
    let name = shown_provider;
    match event {
        ProviderEvent::Waiting { .. } => "waiting".to_owned(),
        ProviderEvent::Retrying { .. } => "again".to_owned(),
        ProviderEvent::BuiltIn(provider) => format!("built in {provider}"),
        ProviderEvent::Reusing(provider) => format!("reusing {}", name(provider)),
        ProviderEvent::Finding { provider, constraints } => {
            format!("finding {} \"{constraints}\"", name(provider))
        }
        ProviderEvent::Present { provider, version } => format!("present {} {version}", name(provider)),
        ProviderEvent::Cached { provider, version } => format!("cached {} {version}", name(provider)),
        ProviderEvent::Installing { provider, version, platform } => {
            let platform = platform.as_ref().map_or(String::new(), |it| format!(" for {it}"));
            format!("installing {} {version}{platform}", name(provider))
        }
        ProviderEvent::Installed { provider, version, platform, trust } => {
            let platform = platform.as_ref().map_or(String::new(), |it| format!(" for {it}"));
            format!("installed {} {version}{platform} ({})", name(provider), trust.words())
        }
        ProviderEvent::Warning(warning) => format!("warning: {warning}"),
    }
}

/// Requirements of providers: source and constraints, each at a place of its own; empty constraints are none.
pub fn requirements(wanted: &[(&str, &str)]) -> ProviderRequirements {
    let mut found = ProviderRequirements::default();
    for (place, (source, constraints)) in wanted.iter().enumerate() {
        let address = ProviderAddress::of_source(source);
        if constraints.is_empty() {
            found.need(address);
        } else {
            let start = u32::try_from(place).unwrap();
            let span = Span { file: FileId(0), start, end: start + 1 };
            found.want(address, Constraints::parse(constraints).unwrap(), Some(span));
        }
    }
    found
}

/// A folder of packages.
pub struct Mirror(tempfile::TempDir);

impl Mirror {
    pub fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    /// Adds an unpacked package for this machine.
    pub fn unpacked(self, source: &str, version: &str) -> Self {
        let address = ProviderAddress::of_source(source);
        let folder = self.path().join(format!("{address}/{version}/{}", here()));
        std::fs::create_dir_all(&folder).unwrap();
        let program = folder.join(program_name(&address, version));
        std::fs::write(&program, program_text(&address, version, &here())).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
        self
    }

    /// Adds a packed package for this machine and for another.
    pub fn packed(self, source: &str, version: &str) -> Self {
        for platform in [here(), OTHER.to_owned()] {
            let archive = archive(source, version, &platform);
            self.archive(source, version, &platform, &archive);
        }
        self
    }

    pub fn archive(&self, source: &str, version: &str, platform: &str, archive: &[u8]) -> PathBuf {
        let address = ProviderAddress::of_source(source);
        let name = format!("terraform-provider-{}_{version}_{platform}.zip", address.name());
        let path = self.path().join(address.as_str()).join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, archive).unwrap();
        path
    }
}

fn program_name(address: &ProviderAddress, version: &str) -> String {
    format!("terraform-provider-{}_v{version}", address.name())
}

fn program_text(address: &ProviderAddress, version: &str, platform: &str) -> String {
    format!("#!/bin/sh\necho {address} {version} {platform}\n")
}

/// A provider's archive: its program and a text.
pub fn archive(source: &str, version: &str, platform: &str) -> Vec<u8> {
    let address = ProviderAddress::of_source(source);
    let program = program_text(&address, version, platform);
    zip(&[(&program_name(&address, version), &program, 0o755), ("README.md", "read\n", 0o644)])
}

/// A zip archive of files with rights.
pub fn zip(files: &[(&str, &str, u32)]) -> Vec<u8> {
    use std::io::Write;
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, text, mode) in files {
        let options = zip::write::SimpleFileOptions::default().unix_permissions(*mode);
        if let Some(folder) = path.strip_suffix('/') {
            archive.add_directory(folder, options).unwrap();
        } else {
            archive.start_file(*path, options).unwrap();
            archive.write_all(text.as_bytes()).unwrap();
        }
    }
    archive.finish().unwrap().into_inner()
}

/// A version on the registry: what is answered is as one says, right or wrong.
pub struct Published<'a> {
    pub source: &'a str,
    pub version: &'a str,
    /// With what the checksums are signed.
    pub signer: &'a Key,
    /// Which keys the registry names.
    pub keys: Vec<String>,
}

impl<'a> Published<'a> {
    pub fn new(source: &'a str, version: &'a str, key: &'a Key) -> Self {
        Self { source, version, signer: key, keys: vec![key.armored()] }
    }

    /// Puts it on a server, for this machine and another, with a file that belongs to no platform.
    pub fn on(&self, server: &Server) {
        let address = ProviderAddress::of_source(self.source);
        let (_, owner, name) = address.parts();
        let version = self.version;
        let place = format!("/files/{owner}/{name}/{version}");
        let stem = format!("terraform-provider-{name}_{version}");
        let mut sums = String::new();
        let mut sum = |file: &str, content: &[u8]| {
            let sum = hex::encode(Sha256::digest(content));
            sums.push_str(&format!("{sum}  {file}\n"));
            server.on(&format!("{place}/{file}"), body(content));
            sum
        };
        let keys: Vec<String> =
            self.keys.iter().map(|key| format!("{{\"ascii_armor\":{}}}", serde_json::json!(key))).collect();
        for platform in [here(), OTHER.to_owned()] {
            let file = format!("{stem}_{platform}.zip");
            let sum = sum(&file, &archive(self.source, version, &platform));
            let (os, arch) = platform.split_once('_').unwrap();
            let answer = format!(
                "{{\"protocols\":[\"5.0\"],\"os\":\"{os}\",\"arch\":\"{arch}\",\"filename\":\"{file}\",\
                 \"download_url\":\"{place}/{file}\",\"shasums_url\":\"{place}/SHA256SUMS\",\
                 \"shasums_signature_url\":\"{place}/SHA256SUMS.sig\",\"shasum\":\"{sum}\",\
                 \"signing_keys\":{{\"gpg_public_keys\":[{}]}}}}",
                keys.join(",")
            );
            server.on(&format!("/v1/providers/{owner}/{name}/{version}/download/{os}/{arch}"), body(answer));
        }
        sum(&format!("{stem}_manifest.json"), b"{\"version\":1}\n");
        server.on(&format!("{place}/SHA256SUMS.sig"), body(self.signer.sign(sums.as_bytes())));
        server.on(&format!("{place}/SHA256SUMS"), body(sums));
    }
}

/// The list of a provider's versions on the registry.
pub fn versions(server: &Server, source: &str, versions: &[&str]) {
    let address = ProviderAddress::of_source(source);
    let (_, owner, name) = address.parts();
    let list: Vec<String> = versions
        .iter()
        .map(|v| format!("{{\"version\":\"{v}\",\"protocols\":[\"5.0\"],\"platforms\":[]}}"))
        .collect();
    let list = format!("{{\"versions\":[{}],\"warnings\":null}}", list.join(","));
    server.only(&format!("/v1/providers/{owner}/{name}/versions"), body(list));
}
