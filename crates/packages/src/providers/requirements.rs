//! Which providers are needed, and which versions of them will do, as every module says it. Nothing is looked for here.

use std::collections::BTreeMap;

use diag::Span;
use lang::ProviderAddress;

use super::address;
use crate::{Constraints, Version};

/// The providers that a configuration and its state need.
#[derive(Debug, Clone, Default)]
pub struct ProviderRequirements {
    wanted: BTreeMap<ProviderAddress, Vec<Wanted>>,
}

/// What one place asks for.
#[derive(Debug, Clone)]
struct Wanted {
    constraints: Constraints,
    span: Option<Span>,
}

impl ProviderRequirements {
    /// Adds a provider of which any version will do.
    pub fn need(&mut self, address: ProviderAddress) {
        self.wanted.entry(address).or_default();
    }

    /// Adds what a place asks for.
    pub fn want(&mut self, address: ProviderAddress, constraints: Constraints, span: Option<Span>) {
        self.wanted.entry(address).or_default().push(Wanted { constraints, span });
    }

    /// The providers, with those that are part of this program.
    pub fn addresses(&self) -> impl Iterator<Item = &ProviderAddress> {
        self.wanted.keys()
    }

    /// The providers that have to be installed, in the order of the lock file.
    #[must_use]
    pub fn programs(&self) -> Vec<&ProviderAddress> {
        let mut found: Vec<_> = self.wanted.keys().filter(|it| !address::is_builtin(it)).collect();
        found.sort_by(|a, b| address::in_order(a, b));
        found
    }

    /// Whether a provider is among them.
    #[must_use]
    pub fn contains(&self, address: &ProviderAddress) -> bool {
        self.wanted.contains_key(address)
    }

    /// Everything that is asked for of a provider, in the normal form.
    #[must_use]
    pub fn constraints(&self, address: &ProviderAddress) -> Constraints {
        Constraints::merged(self.wanted.get(address).into_iter().flatten().map(|it| &it.constraints))
    }

    /// The places that say which versions are wanted, each with what it wants.
    pub fn places(&self, address: &ProviderAddress) -> impl Iterator<Item = (Span, &Constraints)> {
        let wanted = self.wanted.get(address).into_iter().flatten();
        wanted.filter_map(|it| Some((it.span?, &it.constraints)))
    }

    /// The first place whose wish a version does not meet.
    pub(crate) fn refusal(&self, address: &ProviderAddress, version: &Version) -> Option<Span> {
        self.places(address)
            .find(|(_, constraints)| !constraints.allow_provider(version))
            .map(|(span, _)| span)
    }
}
