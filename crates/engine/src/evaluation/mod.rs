//! What the configuration says, as far as it is known: values of locals and services, and descriptions of service instances.
//!
//! What depends on a service or on the cluster's name has a value in each cluster: there, `service.x` is the instance of that
//! cluster. Everything else is evaluated once. Nothing here is asynchronous, and nothing asks a provider.

mod dependencies;
mod layers;
mod outputs;
mod view;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::{Configuration, Repetition, Service};
use lang::eval::evaluate;
use lang::resolve::{LocalId, Reference, ServiceId};
use lang::{ProjectFiles, blocks};
use value::{Type, Value};

use crate::apply::Execution;
use crate::{Action, Address, ClusterName, EnvironmentName, Key, ResourceKind};
use dependencies::Dependencies;
pub use layers::{EnvLayers, Variables};
use view::View;

/// The kind of resource that a `service` block makes.
pub(crate) const SERVICE: &str = "service";

/// Which of the environment's clusters, by place.
pub(crate) type ClusterIndex = usize;

/// What services see of what is planned apart from them, as far as it is known.
#[derive(Debug, Clone, Default)]
pub struct OtherOutputs {
    /// What the project's stacks answer, by their names.
    pub stacks: Vec<(Arc<str>, Value)>,
    /// What `environment.x` is, by the environment's name.
    pub environments: Vec<(Arc<str>, Value)>,
    /// What goes over the services' own environment variables.
    pub env: EnvLayers,
}

/// Everything that expressions can see.
pub(crate) struct World<'a> {
    configuration: &'a Configuration,
    files: &'a dyn ProjectFiles,
    variables: &'a [Value],
    others: &'a OtherOutputs,
    environment: EnvironmentName,
    /// When the plan is made; Unix milliseconds.
    planned_at_ms: u64,
    /// Shared by all addresses.
    kind: ResourceKind,
    clusters: Vec<ClusterName>,
    pub(crate) dependencies: Dependencies,
    /// Values of locals that are the same everywhere, by local.
    plain: Vec<Option<Value>>,
    /// Values of the other locals.
    placed: HashMap<(u32, ClusterIndex), Value>,
    /// Instances by service and cluster.
    instances: Vec<BTreeMap<ClusterIndex, Instances>>,
    repetitions: HashMap<(u32, ClusterIndex), Repetition>,
    /// Services whose instances are not known for a fault: what others see of them is unknown.
    failed: HashSet<u32>,
    /// Services with a fault in some instance or in something that they hang on: what is unknown there follows from it.
    doubtful: HashSet<u32>,
    /// Whether services count as unknown, whatever is known of them.
    predicting: bool,
    /// Whether random functions have a value: when applying. Each local and each description is evaluated once then.
    may_draw: bool,
    /// Faults of locals, each found once.
    pub(crate) faults: Diagnostics,
}

/// The instances of one service in one cluster.
#[derive(Default)]
struct Instances {
    values: BTreeMap<Option<Key>, Option<Value>>,
    /// What others see, once every value is there.
    composed: Option<Value>,
}

impl<'a> World<'a> {
    /// As it is before anything is known of services, and without chance.
    pub(crate) fn new(
        configuration: &'a Configuration,
        files: &'a dyn ProjectFiles,
        variables: &'a [Value],
        others: &'a OtherOutputs,
        environment: &EnvironmentName,
        planned_at_ms: u64,
    ) -> Self {
        let mut world =
            Self::unevaluated(configuration, files, variables, others, environment, planned_at_ms);
        world.evaluate_plain();
        world
    }

    fn unevaluated(
        configuration: &'a Configuration,
        files: &'a dyn ProjectFiles,
        variables: &'a [Value],
        others: &'a OtherOutputs,
        environment: &EnvironmentName,
        planned_at_ms: u64,
    ) -> Self {
        let declared = configuration.environment(environment.as_str());
        let clusters = declared
            .into_iter()
            .flat_map(|e| &e.clusters)
            .map(|c| ClusterName::new(c.name.clone()))
            .collect();
        Self {
            configuration,
            files,
            variables,
            others,
            environment: environment.clone(),
            planned_at_ms,
            kind: ResourceKind::new(SERVICE),
            clusters,
            dependencies: Dependencies::new(configuration),
            plain: vec![None; configuration.locals.len()],
            placed: HashMap::new(),
            instances: std::iter::repeat_with(BTreeMap::new).take(configuration.services.len()).collect(),
            repetitions: HashMap::new(),
            failed: HashSet::new(),
            doubtful: HashSet::new(),
            predicting: false,
            may_draw: false,
            faults: Diagnostics::default(),
        }
    }

    /// As it stands when a plan begins to be applied: which instances there are is decided, and their values come one by one.
    pub(crate) fn of_plan(execution: &Execution<'a>) -> Self {
        let plan = execution.plan;
        let (configuration, files, variables) =
            (execution.configuration, execution.files, execution.variables);
        let mut world = Self::unevaluated(
            configuration,
            files,
            variables,
            execution.others,
            &plan.environment,
            plan.created_at_ms,
        );
        world.may_draw = true;
        world.evaluate_plain();
        for change in plan.changes.iter().filter(|change| change.action != Action::Delete) {
            if let Some((service, cluster)) = world.locate(&change.address) {
                let instances = world.instances[service.0 as usize].entry(cluster).or_default();
                instances.values.insert(change.address.key.clone(), None);
            }
        }
        world
    }

    /// The environment's clusters.
    pub(crate) fn clusters(&self) -> &[ClusterName] {
        &self.clusters
    }

    /// What is declared.
    pub(crate) fn configuration(&self) -> &'a Configuration {
        self.configuration
    }

    /// The service and the cluster of an address, if both are declared.
    pub(crate) fn locate(&self, address: &Address) -> Option<(ServiceId, ClusterIndex)> {
        if address.kind.as_str() != SERVICE {
            return None;
        }
        let service = *self.configuration.names.services.get(address.name.as_ref())?;
        let cluster = address.cluster.as_ref()?;
        Some((service, self.clusters.iter().position(|c| c == cluster)?))
    }

    /// Where an instance is declared.
    pub(crate) fn place(&self, address: &Address) -> Option<Span> {
        let service = *self.configuration.names.services.get(address.name.as_ref())?;
        self.configuration.service(service).map(|service| service.header)
    }

    /// The address of an instance.
    pub(crate) fn address(&self, service: &Service, key: Option<&Key>, cluster: ClusterIndex) -> Address {
        Address::new(self.kind.as_str(), service.name.name.clone())
            .with_key(key.cloned())
            .in_cluster(self.clusters.get(cluster).cloned())
    }

    /// An instance's value, for all that see it; `None`: it is there no more.
    pub(crate) fn settle(&mut self, address: &Address, value: Option<&Value>) {
        let Some((service, cluster)) = self.locate(address) else { return };
        let instances = self.instances[service.0 as usize].entry(cluster).or_default();
        instances.composed = None;
        match value {
            Some(value) => instances.values.insert(address.key.clone(), Some(value.clone())),
            None => instances.values.remove(&address.key),
        };
    }

    /// How often a service is there in a cluster, and under which keys.
    pub(crate) fn repetition(
        &mut self,
        id: ServiceId,
        cluster: ClusterIndex,
    ) -> Result<Repetition, Diagnostics> {
        let Some(service) = self.configuration.service(id) else { return Ok(Repetition::Count(0)) };
        if service.count.is_none() && service.for_each.is_none() {
            return Ok(Repetition::Once);
        }
        let shared = if self.dependencies.is_placed(id) { cluster } else { 0 };
        if let Some(known) = self.repetitions.get(&(id.0, shared)) {
            return Ok(known.clone());
        }
        self.ready(service.references(), cluster);
        let repetition = service.repetition(&View::of(self, cluster, None))?;
        if repetition != Repetition::Unknown {
            self.repetitions.insert((id.0, shared), repetition.clone());
        }
        Ok(repetition)
    }

    /// The same before anything is known of services: `Unknown` where it hangs on one.
    pub(crate) fn predicted_repetition(&mut self, id: ServiceId, cluster: ClusterIndex) -> Repetition {
        let known_faults = self.faults.0.len();
        self.predicting = true;
        let repetition = self.repetition(id, cluster);
        self.predicting = false;
        if self.dependencies.is_placed(id) {
            self.repetitions.remove(&(id.0, cluster));
            self.placed.clear();
            // Faults of a guess are no faults; they are found again, or not.
            self.faults.0.truncate(known_faults);
        }
        repetition.unwrap_or(Repetition::Unknown)
    }

    /// Which instances a service has is not known for a fault; what others see of it is unknown from here on.
    pub(crate) fn fail(&mut self, id: ServiceId) {
        self.failed.insert(id.0);
        self.doubtful.insert(id.0);
    }

    /// A service has a fault.
    pub(crate) fn doubt(&mut self, id: ServiceId) {
        self.doubtful.insert(id.0);
    }

    /// Whether what is unknown to a service may be so because something that it hangs on is at fault.
    pub(crate) fn hangs_on_fault(&self, id: ServiceId) -> bool {
        self.dependencies.of_service(id).iter().any(|dependency| self.doubtful.contains(&dependency.0))
    }

    /// What is described of one instance; what is at fault is unknown in it.
    pub(crate) fn decode(
        &mut self,
        id: ServiceId,
        key: Option<&Key>,
        each: Option<&Value>,
        cluster: ClusterIndex,
    ) -> (Value, Diagnostics) {
        let Some(service) = self.configuration.service(id) else {
            return (Value::unknown(blocks::service_type()), Diagnostics::default());
        };
        self.ready(service.references(), cluster);
        let decoded = service.decode(&View::of(self, cluster, key.map(|key| (key, each))));
        (self.others.env.over(&service.name.name, decoded.value), decoded.diagnostics)
    }

    /// What is described of an instance, wholly.
    pub(crate) fn describe(&mut self, address: &Address) -> Result<Value, Diagnostics> {
        let gone = || {
            Diagnostics::from(
                Diagnostic::error("not-described", "the configuration does not describe it any more")
                    .about(address.to_string())
                    .hint("make a new plan"),
            )
        };
        let (service, cluster) = self.locate(address).ok_or_else(gone)?;
        let each = match (&address.key, self.repetition(service, cluster)?) {
            (None, Repetition::Once) => None,
            (Some(Key::Index(at)), Repetition::Count(count)) if (*at as usize) < count => None,
            (Some(Key::Name(name)), Repetition::Each(entries)) => {
                Some(entries.get(name).cloned().ok_or_else(gone)?)
            }
            _ => return Err(gone()),
        };
        let (value, faults) = self.decode(service, address.key.as_ref(), each.as_ref(), cluster);
        let mut all = std::mem::take(&mut self.faults);
        all.extend(faults);
        if all.has_errors() { Err(all) } else { Ok(value) }
    }

    /// Locals that are the same everywhere, each after those that it refers to.
    fn evaluate_plain(&mut self) {
        for id in &self.configuration.local_order {
            let Some(local) = self.configuration.local(*id) else { continue };
            if self.dependencies.is_placed_local(*id) {
                continue;
            }
            let value = evaluate(&local.expr, &View::of(self, 0, None));
            self.plain[id.0 as usize] = Some(self.or_unknown(value));
        }
    }

    fn or_unknown(&mut self, value: Result<Value, Diagnostics>) -> Value {
        value.unwrap_or_else(|faults| {
            self.faults.extend(faults);
            Value::unknown(Type::Dynamic)
        })
    }

    /// Sees to it that everything that these references see in a cluster has its value as things stand now.
    pub(crate) fn ready(&mut self, references: &[Reference], cluster: ClusterIndex) {
        for id in self.missing_locals(references, cluster) {
            if let Some(local) = self.configuration.local(id) {
                self.compose_all(local.references(), cluster);
            }
            self.evaluate_placed(id, cluster);
        }
        self.compose_all(references, cluster);
    }

    /// Locals without a value in a cluster that these references lead to, each after those that it refers to. With a stack of
    /// its own, since a chain of locals may be longer than the program's stack.
    fn missing_locals(&self, references: &[Reference], cluster: ClusterIndex) -> Vec<LocalId> {
        let mut entered = HashSet::new();
        let mut order = Vec::new();
        let mut path: Vec<(LocalId, usize)> = Vec::new();
        let mut roots = references.iter();
        loop {
            let reference = match path.last_mut() {
                None => match roots.next() {
                    None => return order,
                    Some(root) => *root,
                },
                Some((id, next)) => {
                    let references =
                        self.configuration.local(*id).map_or(&[][..], |local| local.references());
                    let Some(reference) = references.get(*next) else {
                        order.push(*id);
                        path.pop();
                        continue;
                    };
                    *next += 1;
                    *reference
                }
            };
            let Reference::Local(id) = reference else { continue };
            let is_missing =
                self.dependencies.is_placed_local(id) && !self.placed.contains_key(&(id.0, cluster));
            if is_missing && entered.insert(id) {
                path.push((id, 0));
            }
        }
    }

    fn compose_all(&mut self, references: &[Reference], cluster: ClusterIndex) {
        for reference in references {
            if let Reference::Service(id) = reference {
                self.compose(*id, cluster);
            }
        }
    }

    fn evaluate_placed(&mut self, id: LocalId, cluster: ClusterIndex) {
        let Some(local) = self.configuration.local(id) else { return };
        let value = evaluate(&local.expr, &View::of(self, cluster, None));
        let value = self.or_unknown(value);
        self.placed.insert((id.0, cluster), value);
    }

    /// Puts a service's instances together as others see them: once, since many may look.
    fn compose(&mut self, id: ServiceId, cluster: ClusterIndex) {
        let Some(seen) = self.seen_cluster(id, cluster) else { return };
        let Some(service) = self.configuration.service(id) else { return };
        let Some(instances) = self.instances[id.0 as usize].get_mut(&seen) else { return };
        if instances.composed.is_some() {
            return;
        }
        let missing = || Value::unknown(blocks::service_type());
        let values = instances.values.iter().map(|(key, value)| (key, value.clone().unwrap_or_else(missing)));
        let composed = if service.count.is_some() {
            Value::tuple(values.map(|(_, value)| value).collect::<Vec<_>>())
        } else if service.for_each.is_some() {
            Value::object(values.filter_map(|(key, value)| match key {
                Some(Key::Name(name)) => Some((name.clone(), value)),
                _ => None,
            }))
        } else {
            let one = values.map(|(_, value)| value).next();
            one.unwrap_or_else(missing)
        };
        instances.composed = Some(composed);
    }

    /// The cluster whose instances of a service are seen from a cluster: its own, else the only one that has any.
    pub(crate) fn seen_cluster(&self, id: ServiceId, from: ClusterIndex) -> Option<ClusterIndex> {
        let clusters = self.instances.get(id.0 as usize)?;
        let mut with_any =
            clusters.iter().filter(|(_, instances)| !instances.values.is_empty()).map(|(at, _)| *at);
        if clusters.get(&from).is_some_and(|instances| !instances.values.is_empty()) {
            return Some(from);
        }
        match (with_any.next(), with_any.next()) {
            (Some(only), None) => Some(only),
            _ => None,
        }
    }
}

/// A text that expressions see.
fn text(text: &str) -> Value {
    Value::string(Arc::<str>::from(text))
}
