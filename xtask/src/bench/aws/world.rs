//! What both sides are run in: the filesystem mirror that has the provider, the configuration of the command line that names it, the
//! stand-in's address. Nothing of the person's own reaches a command: no account, no profile, no cache.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result};

pub use testkit::aws::{VERSION as PROVIDER, mirror};

/// How the provider is told where the stand-in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// By the example's variable, which makes it a block `endpoints` in the provider's configuration. The provider computes for seconds
    /// over such a block, which the configuration of a real account has not.
    Block,
    /// By the variables of the environment that every program of AWS knows: the configuration is as for a real account.
    Environment,
}

/// The folder that everything is in, and what commands are given.
pub struct World {
    folder: PathBuf,
    endpoint: String,
    told: Told,
}

impl World {
    /// Writes the configuration of the command line into a folder that is there.
    pub fn new(folder: &Path, mirror: &Path, moto: u16, told: Told) -> Result<Self> {
        let mirror = mirror.canonicalize().context("the mirror")?;
        // Terraform quotes as JSON does, but for what begins a template.
        let path = serde_json::to_string(&mirror)?.replace("${", "$${").replace("%{", "%%{");
        let text = format!("provider_installation {{\n  filesystem_mirror {{\n    path = {path}\n  }}\n}}\n");
        fs::write(folder.join("cli.tfrc"), text).context("the configuration of the command line")?;
        Ok(Self { folder: folder.to_owned(), endpoint: format!("http://127.0.0.1:{moto}"), told })
    }

    /// Where a side has its copy of the example.
    pub fn root(&self, side: &str) -> PathBuf {
        self.folder.join(side)
    }

    /// Gives a command what it needs, and takes what it must not see.
    pub fn settle(&self, command: &mut Command) {
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.to_string_lossy().starts_with("AWS_")) {
            command.env_remove(name);
        }
        command
            .env("TF_CLI_CONFIG_FILE", self.folder.join("cli.tfrc"))
            .env("TF_IN_AUTOMATION", "1")
            .env("TF_INPUT", "0")
            .env("AWS_EC2_METADATA_DISABLED", "true")
            .env("AWS_CONFIG_FILE", "/dev/null")
            .env("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
            // Ours keeps schemas there: the first plan is to find none.
            .env("XDG_CACHE_HOME", self.folder.join("cache"));
        match self.told {
            Told::Block => command.env("TF_VAR_endpoint", &self.endpoint),
            // Nobody looks at the keys.
            Told::Environment => command
                .env("AWS_ENDPOINT_URL", &self.endpoint)
                .env("AWS_ACCESS_KEY_ID", "mock")
                .env("AWS_SECRET_ACCESS_KEY", "mock"),
        };
    }
}
