//! Which services a value hangs on, and whether it may differ between clusters. Computed once, from references alone.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::configuration::{Configuration, Dependency};
use lang::resolve::{LocalId, Reference, ServiceId};

/// What locals and services hang on.
pub(crate) struct Dependencies {
    /// For each local: whether it may differ between clusters.
    placed_locals: Vec<bool>,
    /// For each local: the services that it hangs on.
    services_of_locals: Vec<Arc<[ServiceId]>>,
    /// For each service: whether its description may differ between clusters.
    placed_services: Vec<bool>,
    /// For each service: the services that it hangs on, by values or by `depends_on`.
    services_of_services: Vec<Arc<[ServiceId]>>,
}

impl Dependencies {
    pub(super) fn new(configuration: &Configuration) -> Self {
        let none: Arc<[ServiceId]> = Arc::from([]);
        let mut dependencies = Self {
            placed_locals: vec![false; configuration.locals.len()],
            services_of_locals: vec![none; configuration.locals.len()],
            placed_services: Vec::new(),
            services_of_services: Vec::new(),
        };
        for id in &configuration.local_order {
            let Some(local) = configuration.local(*id) else { continue };
            dependencies.placed_locals[id.0 as usize] = dependencies.are_placed(local.references());
            dependencies.services_of_locals[id.0 as usize] = dependencies.services(local.references(), &[]);
        }
        for service in &configuration.services {
            let placed = dependencies.are_placed(service.references());
            let services = dependencies.services(service.references(), &service.depends_on);
            dependencies.placed_services.push(placed);
            dependencies.services_of_services.push(services);
        }
        dependencies
    }

    /// Whether a local may differ between clusters.
    pub(crate) fn is_placed_local(&self, id: LocalId) -> bool {
        self.placed_locals.get(id.0 as usize).copied().unwrap_or(false)
    }

    /// Whether a service's description may differ between clusters.
    pub(crate) fn is_placed(&self, id: ServiceId) -> bool {
        self.placed_services.get(id.0 as usize).copied().unwrap_or(false)
    }

    /// The services that a service hangs on.
    pub(crate) fn of_service(&self, id: ServiceId) -> &[ServiceId] {
        self.services_of_services.get(id.0 as usize).map_or(&[], |services| services)
    }

    /// The services that some references lead to, each once.
    pub(crate) fn services(&self, references: &[Reference], explicit: &[Dependency]) -> Arc<[ServiceId]> {
        let mut services = BTreeSet::new();
        for reference in references.iter().chain(explicit.iter().map(|dependency| &dependency.on)) {
            match reference {
                Reference::Service(id) => {
                    services.insert(*id);
                }
                Reference::Local(id) => services.extend(self.services_of_locals[id.0 as usize].iter()),
                _ => {}
            }
        }
        services.into_iter().collect()
    }

    fn are_placed(&self, references: &[Reference]) -> bool {
        references.iter().any(|reference| match reference {
            Reference::Service(_) | Reference::ClusterName => true,
            Reference::Local(id) => self.is_placed_local(*id),
            _ => false,
        })
    }
}
