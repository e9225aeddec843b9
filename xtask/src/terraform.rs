//! Programs with Terraform's command line: the oracle on PATH, and our own `mainstay terraform`. Knows how to call them, not what for.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result};
use serde_json::Value as Json;

/// One of the two.
pub struct Terraform {
    program: PathBuf,
    /// What comes before the verb.
    words: &'static [&'static str],
}

impl Terraform {
    /// The oracle; none where it is not on PATH.
    pub fn oracle() -> Option<Self> {
        let oracle = Self { program: "terraform".into(), words: &[] };
        oracle.version().is_ok().then_some(oracle)
    }

    /// Ours, which is this binary's.
    pub fn ours(binary: PathBuf) -> Self {
        Self { program: binary, words: &["terraform"] }
    }

    /// The version that it says it has.
    pub fn version(&self) -> Result<String> {
        let mut command = self.command(Path::new("."), &["version", "-json"]);
        let output = command.stderr(Stdio::null()).output().context("it could not be started")?;
        let told: Json = serde_json::from_slice(&output.stdout).context("it told no version")?;
        Ok(told["terraform_version"].as_str().context("it told no version")?.to_owned())
    }

    /// A command in a folder, which nothing in our own environment changes, and which calls nobody to ask for newer versions.
    pub fn command(&self, folder: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command.args(self.words).args(arguments).current_dir(folder).stdin(Stdio::null());
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("TF_")) {
            command.env_remove(name);
        }
        command.env("TF_CLI_CONFIG_FILE", "/dev/null").env("CHECKPOINT_DISABLE", "1");
        command
    }
}
