//! Services: a block becomes its instances, and each instance a change.

use std::collections::HashMap;

use diag::{Diagnostic, Diagnostics};
use lang::blocks;
use lang::configuration::{Repetition, Service};
use lang::resolve::ServiceId;
use value::{Kind, Marks, Value};

use super::Planner;
use crate::evaluation::ClusterIndex;
use crate::reading::{no_provider, read};
use crate::{
    Action, Address, Change, ChangeRequest, Difference, DifferenceKind, Key, PlannedChange, ReadRequest,
    Sealed,
};

/// One instance, as it is described.
struct Described {
    address: Address,
    cluster: ClusterIndex,
    value: Value,
    /// Whether the description is at fault, so that it goes to no provider.
    at_fault: bool,
}

impl<'a> Planner<'a> {
    /// The instances that a service has for certain, before anything is known of others.
    pub(super) fn predicted(&mut self, id: ServiceId) -> Vec<Address> {
        let Some(service) = self.request.configuration.service(id) else { return Vec::new() };
        let mut addresses = Vec::new();
        for cluster in 0..self.world.clusters().len() {
            let repetition = self.world.predicted_repetition(id, cluster);
            addresses.extend(
                keys(&repetition).iter().map(|(key, _)| self.world.address(service, key.as_ref(), cluster)),
            );
        }
        addresses
    }

    /// Plans all instances of a service.
    pub(super) async fn plan_service(&mut self, id: ServiceId) -> Result<(), Diagnostics> {
        let Some(service) = self.request.configuration.service(id) else { return Ok(()) };
        self.targets.plans(id);
        if self.world.hangs_on_fault(id) {
            self.world.doubt(id);
        }
        let described = match self.described(id, service) {
            Ok(described) => described,
            Err(faults) => {
                self.faults.extend(faults);
                self.world.fail(id);
                return Ok(());
            }
        };
        let unread = described.iter().filter(|d| !self.live.contains_key(&d.address));
        let unread: Vec<ReadRequest> =
            unread.map(|d| ReadRequest { address: d.address.clone(), prior: None }).collect();
        let read = read(self.request.providers, unread, self.events).await?;
        self.live.extend(read);
        let mut depends_on: HashMap<ClusterIndex, Vec<Address>> = HashMap::new();
        for instance in described {
            let before = depends_on
                .entry(instance.cluster)
                .or_insert_with_key(|cluster| self.depends_on(id, *cluster));
            let before = before.clone();
            self.plan_instance(id, service, instance, before).await;
        }
        Ok(())
    }

    /// A service's instances in all clusters.
    fn described(&mut self, id: ServiceId, service: &Service) -> Result<Vec<Described>, Diagnostics> {
        let mut described = Vec::new();
        // What is the same everywhere is decoded once.
        let mut shared: HashMap<Option<Key>, (Value, bool)> = HashMap::new();
        let is_shared = !self.world.dependencies.is_placed(id) && self.world.clusters().len() > 1;
        for cluster in 0..self.world.clusters().len() {
            let repetition = self.world.repetition(id, cluster)?;
            if repetition == Repetition::Unknown {
                // A local that is at fault is unknown to everybody, and its own fault is told.
                let follows = self.world.hangs_on_fault(id) || !self.world.faults.is_empty();
                return Err(if follows { Diagnostics::default() } else { unknown_repetition(service) });
            }
            for (key, each) in keys(&repetition) {
                let (value, at_fault) = match shared.get(&key) {
                    Some(known) => known.clone(),
                    None => {
                        let (value, faults) = self.world.decode(id, key.as_ref(), each.as_ref(), cluster);
                        let at_fault = faults.has_errors();
                        self.faults.extend(faults);
                        let at_fault = at_fault | self.refuse_ephemeral(service, &value);
                        if at_fault {
                            self.world.doubt(id);
                        }
                        if is_shared {
                            shared.insert(key.clone(), (value.clone(), at_fault));
                        }
                        (value, at_fault)
                    }
                };
                match self.runs_in(service, &value, at_fault || self.world.hangs_on_fault(id), cluster) {
                    Ok(true) => {
                        let address = self.world.address(service, key.as_ref(), cluster);
                        described.push(Described { address, cluster, value, at_fault });
                    }
                    Ok(false) => {}
                    Err(faults) => return Err(faults),
                }
            }
        }
        Ok(described)
    }

    /// Whether a service runs in a cluster by its own `clusters`.
    fn runs_in(
        &self,
        service: &Service,
        value: &Value,
        at_fault: bool,
        cluster: ClusterIndex,
    ) -> Result<bool, Diagnostics> {
        let clusters = self.world.clusters();
        let span = service.body.attribute("clusters").map_or(service.header, |attribute| attribute.expr.span);
        let chosen = value.get("clusters");
        let Some(chosen) = chosen.as_ref() else { return Ok(true) };
        let unknown = || -> Diagnostics {
            Diagnostic::error("unknown-clusters", "in which clusters it runs is known only after an apply")
                .at(span)
                .hint("say it by what is known when planning: variables, locals, constants")
                .into()
        };
        match chosen.kind() {
            Kind::Null(_) => return Ok(true),
            Kind::Unknown(_) if at_fault => return Ok(true),
            Kind::Unknown(_) => return Err(unknown()),
            _ => {}
        }
        let mut runs = false;
        for name in chosen.as_slice().unwrap_or_default() {
            let name = name.as_str().ok_or_else(unknown)?;
            let Some(at) = clusters.iter().position(|c| c.as_str() == name) else {
                let environment = &self.request.environment;
                let fault = Diagnostic::error(
                    "unknown-cluster",
                    format!("the environment `{environment}` has no cluster `{name}`"),
                );
                let meant = diag::closest(name, clusters.iter().map(crate::ClusterName::as_str));
                let all = clusters.iter().map(|c| format!("`{c}`")).collect::<Vec<_>>().join(", ");
                let hint = meant.map_or_else(|| format!("it has {all}"), |m| format!("did you mean `{m}`?"));
                return Err(fault.at(span).hint(hint).into());
            };
            runs |= at == cluster;
        }
        Ok(runs)
    }

    /// What is kept in the state must not be ephemeral.
    fn refuse_ephemeral(&mut self, service: &Service, value: &Value) -> bool {
        if !value.marks_deep().contains(Marks::EPHEMERAL) {
            return false;
        }
        let mut parts = value.as_entries().into_iter().flatten();
        let part = parts
            .find(|(_, part)| part.marks_deep().contains(Marks::EPHEMERAL))
            .map(|(name, _)| name.as_ref());
        let span = part.and_then(|name| service.body.attribute(name)).map_or(service.header, |a| a.expr.span);
        let what = part.unwrap_or("it");
        self.faults.push(
            Diagnostic::error(
                "ephemeral-stored",
                format!("`{what}` is ephemeral, and what a service is made of is stored"),
            )
            .at(span)
            .hint("use a sensitive value, which is stored sealed, instead of an ephemeral one"),
        );
        true
    }

    /// The addresses that come before the instances of a service in a cluster; each may name several instances.
    fn depends_on(&self, id: ServiceId, cluster: ClusterIndex) -> Vec<Address> {
        let dependencies = self.world.dependencies.of_service(id);
        let service = |id: &ServiceId| self.request.configuration.service(*id).map(|service| (*id, service));
        dependencies
            .iter()
            .filter_map(service)
            .map(|(id, service)| {
                let here =
                    self.world.seen_cluster(id, cluster).map(|at| self.world.address(service, None, at));
                // One that runs in several other clusters is waited for in all of them.
                here.unwrap_or_else(|| self.world.address(service, None, cluster).in_cluster(None))
            })
            .collect()
    }

    async fn plan_instance(
        &mut self,
        id: ServiceId,
        service: &Service,
        instance: Described,
        depends_on: Vec<Address>,
    ) {
        let Described { address, value, at_fault, .. } = instance;
        if at_fault {
            self.world.settle(&address, Some(&value));
            return;
        }
        let row = self.rows.get(&address).copied();
        let request = ChangeRequest {
            address: address.clone(),
            written: row.map(|row| row.value.clone()),
            live: self.live.get(&address).cloned().flatten(),
            described: Some(value),
        };
        match self.ask(&request).await {
            Ok(planned) => {
                let seen = planned.planned.clone().unwrap_or_else(|| Value::unknown(blocks::service_type()));
                self.world.settle(&address, Some(&seen));
                self.changes.push(change(request, planned, depends_on));
            }
            Err(faults) => {
                self.world.doubt(id);
                let repeated = address.key.is_some() || self.world.clusters().len() > 1;
                for mut fault in faults {
                    if fault.span.is_none() {
                        fault.span = Some(service.header);
                    }
                    // The place names the block; which of its instances is meant is told beside it.
                    if fault.subject.is_none() && repeated {
                        fault.subject = Some(address.to_string());
                    }
                    self.faults.push(fault);
                }
                self.world.settle(&address, Some(&Value::unknown(blocks::service_type())));
            }
        }
    }

    pub(super) async fn ask(&self, request: &ChangeRequest) -> Result<PlannedChange, Diagnostics> {
        match self.providers.get(&request.address.kind) {
            Some(provider) => provider.plan(request).await,
            None => Err(no_provider(&request.address).into()),
        }
    }
}

/// What a provider plans, as a change. One that had been made and is gone is made again, and that it is gone is drift.
fn change(request: ChangeRequest, planned: PlannedChange, depends_on: Vec<Address>) -> Change {
    let PlannedChange { mut action, planned, mut differences, reason } = planned;
    if request.written.is_some() && request.live.is_none() {
        if action == Action::Update {
            action = Action::Create;
        }
        if !differences.iter().any(|d| d.kind == DifferenceKind::Drift) {
            differences.push(Difference {
                path: String::new(),
                kind: DifferenceKind::Drift,
                before: None,
                after: Some("it is gone, and was not removed from here".into()),
            });
        }
    }
    Change {
        address: request.address,
        action,
        before: request.live.map(Sealed),
        after: planned.map(Sealed),
        differences,
        reason,
        depends_on,
    }
}

/// The keys of a repetition, with what `each.value` is; none of an unknown one.
fn keys(repetition: &Repetition) -> Vec<(Option<Key>, Option<Value>)> {
    match repetition {
        Repetition::Once => vec![(None, None)],
        Repetition::Count(count) => (0..*count as u64).map(|at| (Some(Key::Index(at)), None)).collect(),
        Repetition::Each(entries) => {
            entries.iter().map(|(name, value)| (Some(Key::Name(name.clone())), Some(value.clone()))).collect()
        }
        Repetition::Unknown => Vec::new(),
    }
}

fn unknown_repetition(service: &Service) -> Diagnostics {
    let (name, expr) = match (&service.count, &service.for_each) {
        (Some(expr), _) => ("count", Some(expr)),
        (None, expr) => ("for_each", expr.as_ref()),
    };
    Diagnostic::error(
        "unknown-repetition",
        format!("`{name}` hangs on something that is known only after an apply"),
    )
    .at(expr.map_or(service.header, |expr| expr.span))
    .hint("apply what it hangs on first, with `-target`, or say it by what is known when planning")
    .into()
}
