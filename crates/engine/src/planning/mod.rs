//! Planning: the configuration, the state and what is live, compared; every change that would be made, as data.
//!
//! It changes nothing, and performs no I/O but reading through providers. Faults are collected over all blocks, each with its
//! place; what hangs on something that is at fault is looked at with an unknown in its place.

mod removal;
mod services;
mod targets;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::ProjectFiles;
use lang::configuration::Configuration;
use lang::resolve::ServiceId;
use value::Value;

use crate::evaluation::{OtherOutputs, SERVICE, World};
use crate::graph::{Circle, Graph};
use crate::reading::{by_kind, read};
use crate::sequence::sequence;
use crate::{
    Address, Change, EnvironmentName, Events, OutputChange, Plan, ProjectName, Provider, Providers,
    ReadRequest, ResourceKind, Sealed, Settlement, Snapshot, StateRow,
};
use targets::Targets;

/// What is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PlanMode {
    /// That what is described is there, and nothing else.
    Apply,
    /// That nothing is there.
    Destroy,
}

/// What a plan is made of.
#[derive(Clone)]
pub struct PlanRequest<'a> {
    /// The configuration, loaded without faults.
    pub configuration: &'a Configuration,
    /// The files that functions may read.
    pub files: &'a dyn ProjectFiles,
    /// The project.
    pub project: ProjectName,
    /// The environment; its clusters are those that the configuration declares.
    pub environment: EnvironmentName,
    /// Values by variable index.
    pub variables: &'a [Value],
    /// What comes from elsewhere, as far as it is known.
    pub others: &'a OtherOutputs,
    /// What is asked for.
    pub mode: PlanMode,
    /// Only these, with what they depend on; empty: everything.
    pub targets: Vec<Address>,
    /// The state.
    pub snapshot: &'a Snapshot,
    /// Images by name, with the digests that they are pinned to.
    pub releases: BTreeMap<String, String>,
    /// Hash of the configuration.
    pub configuration_hash: String,
    /// Who makes what.
    pub providers: &'a Providers,
    /// Now, in Unix milliseconds.
    pub now_ms: u64,
    /// What a killed run had left open, and what became of it.
    pub settled: Vec<Settlement>,
}

/// Compares, and answers every change that would be made.
///
/// # Errors
/// All faults of the configuration, of what providers make of it, and of what could not be asked.
pub async fn plan(request: PlanRequest<'_>, events: &Events) -> Result<Plan, Diagnostics> {
    let mut planner = Planner::new(&request, events)?;
    match request.mode {
        PlanMode::Apply => planner.describe().await?,
        PlanMode::Destroy => planner.clear().await?,
    }
    if !planner.faults.has_errors() {
        for provider in request.providers {
            planner.faults.extend(provider.review(&planner.changes).await);
        }
    }
    let outputs = planner.outputs();
    planner.faults.extend(std::mem::take(&mut planner.world.faults));
    if planner.faults.has_errors() {
        planner.faults.sort();
        return Err(planner.faults);
    }
    let changes = in_sequence(planner.changes, request.snapshot);
    Ok(Plan {
        format: Plan::FORMAT,
        project: request.project,
        environment: request.environment,
        created_at_ms: request.now_ms,
        base_serial: request.snapshot.serial,
        configuration: request.configuration_hash,
        releases: request.releases,
        changes,
        outputs,
        settled: request.settled,
    })
}

/// A plan in which every service stays as it is, where only something else was asked for.
#[must_use]
pub fn plan_nothing(request: &PlanRequest<'_>) -> Plan {
    let kept = |(name, value): &(String, Value)| {
        let value = || Some(Sealed(value.clone()));
        OutputChange { name: name.clone(), before: value(), after: value() }
    };
    Plan {
        format: Plan::FORMAT,
        project: request.project.clone(),
        environment: request.environment.clone(),
        created_at_ms: request.now_ms,
        base_serial: request.snapshot.serial,
        configuration: request.configuration_hash.clone(),
        releases: request.releases.clone(),
        changes: Vec::new(),
        outputs: request.snapshot.outputs.iter().map(kept).collect(),
        settled: request.settled.clone(),
    }
}

/// Dependencies before dependents, and what is removed last.
fn in_sequence(changes: Vec<Change>, snapshot: &Snapshot) -> Vec<Change> {
    let order = sequence(&changes, snapshot).order_without_circles();
    let mut changes: Vec<Option<Change>> = changes.into_iter().map(Some).collect();
    // Nodes beyond the changes are joints.
    order.into_iter().filter_map(|node| changes.get_mut(node)?.take()).collect()
}

struct Planner<'a> {
    request: &'a PlanRequest<'a>,
    events: &'a Events,
    world: World<'a>,
    providers: HashMap<ResourceKind, Arc<dyn Provider>>,
    rows: HashMap<&'a Address, &'a StateRow>,
    live: HashMap<Address, Option<Value>>,
    targets: Targets,
    /// Services in an order in which each comes after those that it hangs on; only those that are asked for.
    services: Vec<ServiceId>,
    changes: Vec<Change>,
    faults: Diagnostics,
}

impl<'a> Planner<'a> {
    fn new(request: &'a PlanRequest<'a>, events: &'a Events) -> Result<Self, Diagnostics> {
        let environment = &request.environment;
        if request.configuration.environment(environment.as_str()).is_none() {
            let fault =
                Diagnostic::error("unknown-environment", format!("there is no environment `{environment}`"));
            let declared = request.configuration.environments.iter().map(|e| e.name.as_ref());
            return Err(match diag::closest(environment.as_str(), declared) {
                Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                None => fault,
            }
            .into());
        }
        let world = World::new(
            request.configuration,
            request.files,
            request.variables,
            request.others,
            environment,
            request.now_ms,
        );
        let targets = Targets::new(&request.targets);
        targets.check(request.configuration, request.snapshot)?;
        let services = wanted(&world, &targets)?;
        Ok(Self {
            request,
            events,
            world,
            providers: by_kind(request.providers),
            rows: request.snapshot.rows.iter().map(|row| (&row.address, row)).collect(),
            live: HashMap::new(),
            targets,
            services,
            changes: Vec::new(),
            faults: Diagnostics::default(),
        })
    }

    /// Plans what is described, and the removal of what is not any more.
    async fn describe(&mut self) -> Result<(), Diagnostics> {
        self.read_ahead().await?;
        for service in std::mem::take(&mut self.services) {
            self.plan_service(service).await?;
        }
        // With faults among the services it is not certain what is described.
        if !self.faults.has_errors() {
            let described: HashSet<Address> =
                self.changes.iter().map(|change| change.address.clone()).collect();
            let rows = &self.request.snapshot.rows;
            let gone =
                rows.iter().filter(|row| !described.contains(&row.address) && self.is_decided(&row.address));
            for row in gone.collect::<Vec<_>>() {
                self.plan_removal(row).await;
            }
        }
        self.targets.keep(&mut self.changes, self.request.snapshot);
        Ok(())
    }

    /// Whether it is known if the configuration has this: not where only targets were looked at, and it is none.
    fn is_decided(&self, address: &Address) -> bool {
        let declared = self.request.configuration.names.services.get(&address.name);
        match declared.filter(|_| address.kind.as_str() == SERVICE) {
            Some(service) => self.targets.includes_all(&[*service]),
            None => true,
        }
    }

    /// Plans the removal of everything.
    async fn clear(&mut self) -> Result<(), Diagnostics> {
        let rows = self.request.snapshot.rows.iter().map(read_request).collect();
        self.live = read(self.request.providers, rows, self.events).await?;
        for row in &self.request.snapshot.rows {
            self.plan_removal(row).await;
        }
        self.targets.keep(&mut self.changes, self.request.snapshot);
        Ok(())
    }

    /// Reads every row and everything that is certain to be described, in one call for each provider.
    async fn read_ahead(&mut self) -> Result<(), Diagnostics> {
        let mut requests: Vec<ReadRequest> = self.request.snapshot.rows.iter().map(read_request).collect();
        for service in self.services.clone() {
            for address in self.predicted(service) {
                if !self.rows.contains_key(&address) {
                    requests.push(ReadRequest { address, prior: None });
                }
            }
        }
        self.live = read(self.request.providers, requests, self.events).await?;
        Ok(())
    }

    fn outputs(&mut self) -> Vec<OutputChange> {
        let before: HashMap<&str, &Value> =
            self.request.snapshot.outputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
        let sealed = |value: &Value| Sealed(value.clone());
        let mut outputs = Vec::new();
        if self.request.mode == PlanMode::Apply {
            for output in &self.request.configuration.outputs {
                let name = output.name.name.as_ref();
                let was = before.get(name).copied();
                let services = self.world.dependencies.services(output.references(), &output.depends_on);
                let after = if self.targets.includes_all(&services) {
                    match self.world.output(output) {
                        Ok(value) => Some(Sealed(value)),
                        Err(faults) => {
                            self.faults.extend(faults);
                            continue;
                        }
                    }
                } else {
                    was.map(sealed)
                };
                outputs.push(OutputChange { name: name.to_owned(), before: was.map(sealed), after });
            }
        } else if !self.targets.is_everything() {
            let kept = self.request.snapshot.outputs.iter();
            outputs.extend(kept.map(|(name, value)| OutputChange {
                name: name.clone(),
                before: Some(sealed(value)),
                after: Some(sealed(value)),
            }));
        }
        let declared: HashSet<String> = outputs.iter().map(|output| output.name.clone()).collect();
        for (name, value) in &self.request.snapshot.outputs {
            if !declared.contains(name) {
                outputs.push(OutputChange { name: name.clone(), before: Some(sealed(value)), after: None });
            }
        }
        outputs
    }
}

fn read_request(row: &StateRow) -> ReadRequest {
    ReadRequest { address: row.address.clone(), prior: Some(row.value.clone()) }
}

/// The services that are asked for and everything that they hang on, in their order.
fn wanted(world: &World<'_>, targets: &Targets) -> Result<Vec<ServiceId>, Diagnostics> {
    let services = &world.configuration().services;
    let ids = || (0..services.len()).filter_map(|i| u32::try_from(i).ok()).map(ServiceId);
    let mut graph = Graph::new(services.len());
    for id in ids() {
        for dependency in world.dependencies.of_service(id) {
            graph.add_edge(id.0 as usize, dependency.0 as usize);
        }
    }
    graph.order().map_err(|Circle(circle)| {
        let names: Vec<String> =
            circle.iter().map(|at| format!("service.{}", services[*at].name.name)).collect();
        let mut fault = Diagnostic::error(
            "circle",
            format!("these services depend on each other: {}", names.join(" → ")),
        )
        .hint("take one of the references or `depends_on` out");
        for at in circle {
            fault = if fault.span.is_none() {
                fault.at(services[at].header)
            } else {
                fault.see(services[at].header, "also in it")
            };
        }
        Diagnostics::from(fault)
    })?;
    let roots =
        ids().filter(|id| services.get(id.0 as usize).is_some_and(|s| targets.names_block(&s.name.name)));
    let closure = graph.closure(roots.map(|id| id.0 as usize));
    Ok(closure.into_iter().filter_map(|at| u32::try_from(at).ok()).map(ServiceId).collect())
}
