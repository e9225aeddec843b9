//! The programs of providers that a run uses: found where they are installed, started with what they are given and nothing else, and
//! shared by all that is done in the run.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::net::ToSocketAddrs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use diag::{Diagnostic, Diagnostics};
use engine::stack::ProviderAddress;
use lang::configuration::EnvironmentProvider;
use packages::{CliConfiguration, InstalledProvider, InstalledProviders, Place};
use plugin::wire::Protocol;
use plugin::{Plugin, Program, Reattach, ReattachAddress, SchemaCache, Wrapper};

use crate::Wiring;

/// The programs that run, by whom they run for and what they are. What is given to one environment's is never another's.
#[derive(Default)]
pub struct Programs(Mutex<HashMap<(PathBuf, String, ProviderAddress), Arc<Plugin>>>);

impl Programs {
    /// Asks all of them to end, and sees to it that they do.
    pub async fn shut_down(&self) {
        let plugins: Vec<Arc<Plugin>> = self.lock().drain().map(|(_, plugin)| plugin).collect();
        for plugin in plugins {
            plugin.shut_down().await;
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<(PathBuf, String, ProviderAddress), Arc<Plugin>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What programs of providers are given.
#[derive(Debug, Clone)]
pub enum Given {
    /// What this program was given itself, without what is Mainstay's and Terraform's own: a folder of Terraform's says nothing of it.
    Ours,
    /// What an environment declares.
    Declared {
        /// The environment.
        environment: String,
        /// Its declarations.
        providers: Arc<[EnvironmentProvider]>,
    },
}

impl Given {
    fn scope(&self) -> &str {
        match self {
            Self::Ours => "",
            Self::Declared { environment, .. } => environment,
        }
    }

    /// What is declared for a provider.
    pub(super) fn declared(&self, provider: &ProviderAddress) -> Option<&EnvironmentProvider> {
        match self {
            Self::Ours => None,
            Self::Declared { providers, .. } => providers.iter().find(|it| it.address == *provider),
        }
    }

    /// All that is in the environment of a provider's program.
    fn variables(
        &self,
        provider: &ProviderAddress,
        ours: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<OsString, OsString>, Diagnostics> {
        if let Self::Ours = self {
            let passed = ours.iter().filter(|(name, _)| !is_ours(name));
            return Ok(passed.map(|(name, value)| (name.into(), value.into())).collect());
        }
        let mut variables = BTreeMap::new();
        let Some(declared) = self.declared(provider) else { return Ok(variables) };
        for (name, value) in &declared.env {
            variables.insert(OsString::from(&**name), OsString::from(&**value));
        }
        for (name, from) in &declared.env_from {
            let Some(value) = ours.get(&**from) else {
                let message = format!("the environment variable {from} is not set");
                return Err(Diagnostic::error("no-credentials", message)
                    .because(format!("the environment `{}` gives it to {provider} as {name}", self.scope()))
                    .at(declared.header)
                    .hint("set it, or take it out of `env_from`")
                    .into());
            };
            variables.insert(OsString::from(&**name), OsString::from(value));
        }
        Ok(variables)
    }
}

/// Variables that are between a person and this program: values, keys and tokens that no provider is to see.
fn is_ours(name: &str) -> bool {
    ["MAINSTAY_", "TF_VAR_", "TF_TOKEN_", "TF_CLI_", "TF_REATTACH_"].iter().any(|ours| name.starts_with(ours))
}

/// Where the programs of one folder come from.
pub(super) struct ProgramSource {
    pub(super) place: Place,
    pub(super) wiring: Wiring,
    pub(super) given: Given,
}

impl ProgramSource {
    /// A provider's program; the one that runs already, if it does.
    pub(super) async fn plugin(&self, provider: &ProviderAddress) -> Result<Arc<Plugin>, Diagnostics> {
        let key = (self.place.root.clone(), self.given.scope().to_owned(), provider.clone());
        if let Some(known) = self.wiring.programs.lock().get(&key) {
            return Ok(known.clone());
        }
        let variables = self.given.variables(provider, &self.wiring.variables)?;
        let program = self.program(provider, variables).await?;
        let plugin = Plugin::new(program, Some(SchemaCache::new(self.cache().join("schemas"))));
        Ok(self.wiring.programs.lock().entry(key).or_insert(plugin).clone())
    }

    async fn program(
        &self,
        provider: &ProviderAddress,
        variables: BTreeMap<OsString, OsString>,
    ) -> Result<Program, Diagnostics> {
        let (place, ours, wanted) = (self.place.clone(), self.wiring.variables.clone(), provider.clone());
        let found = tokio::task::spawn_blocking(move || {
            let (cli, told) = CliConfiguration::of_environment(ours);
            if told.has_errors() {
                return Err(told);
            }
            InstalledProviders::read(&place, &cli)?.find(&wanted)
        });
        let found = found.await.map_err(|error| {
            Diagnostics::from(Diagnostic::error(
                "provider",
                format!("{provider} was not looked for: {error}"),
            ))
        })??;
        let wrapper = self.wiring.binary.clone().map(Wrapper::new);
        let of = |path, hash| Program { path, hash, variables, wrapper, reattach: None };
        Ok(match found {
            InstalledProvider::Program { path, hash, .. } => of(path, Some(hash)),
            InstalledProvider::Development { path } => of(path, None),
            InstalledProvider::Running(running) => {
                Program { reattach: Some(reattach(&running)?), ..of(provider.as_str().into(), None) }
            }
        })
    }

    /// Where schemas are kept: with the user's, so that all folders share them, or in the folder where there is no such place.
    fn cache(&self) -> PathBuf {
        let variable = |name: &str| self.wiring.variables.get(name).filter(|it| !it.is_empty());
        let cache = variable("XDG_CACHE_HOME").map(PathBuf::from).filter(|it| it.is_absolute());
        let cache = cache.or_else(|| variable("HOME").map(|home| Path::new(home).join(".cache")));
        cache.map_or_else(|| self.place.root.join(&self.place.data), |cache| cache.join("mainstay"))
    }
}

fn reattach(running: &packages::Reattach) -> Result<Reattach, Diagnostics> {
    let wrong = |why: String| {
        let fault = Diagnostic::error("reattach", "a provider that runs already cannot be reached");
        Diagnostics::from(fault.because(why).hint("look at TF_REATTACH_PROVIDERS, or unset it"))
    };
    let protocol = Protocol::of_number(running.protocol_version)
        .ok_or_else(|| wrong(format!("it speaks version {}", running.protocol_version)))?;
    let address = match &running.address {
        packages::ReattachAddress::Unix(path) => ReattachAddress::Unix(path.into()),
        packages::ReattachAddress::Tcp(address) => {
            let found = address.to_socket_addrs().map_err(|error| wrong(format!("{address}: {error}")))?;
            let first = found.into_iter().find(|found| found.ip().is_loopback());
            ReattachAddress::Tcp(first.ok_or_else(|| wrong(format!("{address} is not of this machine")))?)
        }
    };
    Ok(Reattach { protocol, address })
}
