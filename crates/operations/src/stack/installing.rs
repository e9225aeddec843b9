//! The providers of a stack: which are required, by its modules and its state, and having them installed. What is installed is found by
//! [`packages::InstalledProviders`]; nothing is started here.

use std::collections::BTreeSet;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use engine::Snapshot;
use engine::stack::provider_address;
use lang::ProviderAddress;
use lang::configuration::Tree;
use packages::{
    CliConfiguration, Constraints, InstalledProviders, Place, ProviderEvent, ProviderProgress,
    ProviderRequirements, ProviderSetup, ProvidersInstalled, install_providers, shown_provider,
};

use super::{LoadedStack, StackFolder};
use crate::Fault;

/// The providers that a tree of modules requires, with what every module asks of their versions, and those that objects of a state are
/// made by.
#[must_use]
pub fn provider_requirements(tree: &Tree, state: Option<&Snapshot>) -> ProviderRequirements {
    let mut requirements = ProviderRequirements::default();
    for node in &tree.nodes {
        let configuration = &node.configuration;
        let required = configuration.settings.required_providers.iter().map(|it| (&it.name, &it.version));
        let configured = configuration.providers.iter().map(|it| (&it.name, &it.version));
        for (name, version) in required.chain(configured) {
            let address = provider_address(configuration, &name.name);
            let read =
                version.as_ref().and_then(|(text, span)| Some((Constraints::parse(text).ok()?, *span)));
            match read {
                Some((constraints, span)) => requirements.want(address, constraints, Some(span)),
                None => requirements.need(address),
            }
        }
        let of_resources = configuration.resources.iter().map(|it| match &it.provider {
            Some(reference) => reference.name.clone(),
            None => {
                it.kind.name.split_once('_').map_or_else(|| it.kind.name.clone(), |(first, _)| first.into())
            }
        });
        let names: BTreeSet<Arc<str>> = of_resources.collect();
        for name in names {
            requirements.need(provider_address(configuration, &name));
        }
    }
    for row in state.into_iter().flat_map(|state| &state.rows) {
        if let Some(address) = of_record(&row.record.provider) {
            requirements.need(address);
        }
    }
    requirements
}

/// The provider in a record of the state, `module.a.provider["registry.terraform.io/hashicorp/aws"].eu`; none of our own kinds.
fn of_record(provider: &str) -> Option<ProviderAddress> {
    let (_, rest) = provider.split_once("provider[\"")?;
    let (address, _) = rest.split_once("\"]")?;
    Some(ProviderAddress::of_full(address))
}

impl StackFolder {
    /// What the command line's configuration says, with what should be known of it.
    ///
    /// # Errors
    /// If it is invalid.
    pub fn cli_configuration(&self) -> Result<(CliConfiguration, Diagnostics), Fault> {
        let (cli, told) = CliConfiguration::of_environment(self.wiring.variables.clone());
        if told.has_errors() { Err(Fault::Usage(told)) } else { Ok((cli, told)) }
    }

    /// The providers that are installed for the stack.
    ///
    /// # Errors
    /// If the lock file, or the command line's configuration, cannot be understood.
    pub fn installed_providers(&self) -> Result<InstalledProviders, Fault> {
        let (cli, _) = self.cli_configuration()?;
        InstalledProviders::read(&self.place(), &cli).map_err(Fault::Failed)
    }

    /// Installs the providers that the configuration and the state require, where they are not there or not what is locked; what is
    /// there already costs no network.
    ///
    /// # Errors
    /// If the command line's configuration is invalid, or a provider cannot be had.
    pub async fn ensure(
        &self,
        stack: &LoadedStack,
        state: Option<&Snapshot>,
        setup: ProviderSetup,
        progress: ProviderProgress,
    ) -> Result<ProvidersInstalled, Fault> {
        let (cli, told) = self.cli_configuration()?;
        told.into_iter().for_each(|warning| progress(ProviderEvent::Warning(warning)));
        let requirements = provider_requirements(&stack.tree, state);
        let installed = install_providers(&self.place(), &requirements, setup, &cli, progress).await;
        installed.map_err(|faults| stack.fault(faults))
    }

    /// Whether the providers that the configuration and the state require are there, and what is locked. Reads files only. Answers a
    /// warning where some are being developed.
    ///
    /// # Errors
    /// Everything that is missing or another, with the way out: `init`.
    pub fn check_providers(
        &self,
        stack: &LoadedStack,
        state: Option<&Snapshot>,
    ) -> Result<Option<Diagnostic>, Fault> {
        let requirements = provider_requirements(&stack.tree, state);
        let installed = self.installed_providers()?;
        installed.check(&requirements).map_err(Fault::Failed)?;
        Ok(developed_providers(
            &installed,
            "their behaviour may be another than that of any published version",
        ))
    }

    /// Where modules and providers are installed.
    #[must_use]
    pub fn place(&self) -> Place {
        let data = self.data.strip_prefix(&self.root).unwrap_or(&self.data);
        Place { root: self.root.clone(), data: data.to_owned() }
    }
}

/// A warning that providers are being developed, if some are.
#[must_use]
pub fn developed_providers(providers: &InstalledProviders, hint: &str) -> Option<Diagnostic> {
    let listed: Vec<String> = providers
        .in_development()
        .map(|(provider, folder)| format!(" - {} in {}", shown_provider(provider), folder.display()))
        .collect();
    (!listed.is_empty()).then(|| {
        Diagnostic::warning("provider-development", "providers that are being developed are used")
            .summary("Provider development overrides are in effect")
            .because(format!(
                "The following provider development overrides are set in the CLI configuration:\n{}",
                listed.join("\n")
            ))
            .hint(hint)
    })
}
