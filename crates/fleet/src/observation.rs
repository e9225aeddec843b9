//! What one reading of a cluster found, by service. It compares nothing with descriptions of the configuration.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use agent_api::{AgentInfo, InstanceStatus, Phase, Route, ServicePort, ServiceStatus};
use engine::DeploymentId;
use value::{Type, Value};

use crate::ServiceRecord;
use crate::agent_driver::Inventory;
use crate::record::with_attributes;

/// What was found of a service.
#[derive(Debug, Clone)]
pub(crate) struct Observed {
    /// The service as the agent keeps it.
    pub(crate) status: ServiceStatus,
    /// Our record in it; `None` if somebody else wrote it.
    pub(crate) record: Option<ServiceRecord>,
    /// Instances of the record's description that are alive and serve.
    pub(crate) serving: u32,
    /// Its instances, in the order of their ids.
    pub(crate) instances: Vec<InstanceStatus>,
}

/// What was found in a cluster.
#[derive(Debug, Default)]
pub(crate) struct ClusterView {
    services: HashMap<String, Observed>,
    /// Digests of images that instances run there.
    images: BTreeSet<String>,
    /// What its agent says of the machine; none before it was read.
    info: Option<AgentInfo>,
}

impl ClusterView {
    pub(crate) fn of(inventory: Inventory) -> Self {
        let mut by_service: HashMap<String, Vec<InstanceStatus>> = HashMap::new();
        let mut images = BTreeSet::new();
        for instance in inventory.instances.instances {
            if let Some(image) = &instance.image
                && !images.contains(image)
            {
                images.insert(image.clone());
            }
            by_service.entry(instance.service.service.clone()).or_default().push(instance);
        }
        let observe = |status: ServiceStatus| {
            let name = status.spec.key.service.clone();
            let instances = by_service.remove(&name).unwrap_or_default();
            (name, Observed::of(status, instances))
        };
        let services = inventory.services.into_iter().map(observe).collect();
        Self { services, images, info: Some(inventory.info) }
    }

    pub(crate) fn get(&self, service: &str) -> Option<&Observed> {
        self.services.get(service)
    }

    pub(crate) fn info(&self) -> Option<&AgentInfo> {
        self.info.as_ref()
    }

    pub(crate) fn services(&self) -> impl Iterator<Item = &Observed> {
        self.services.values()
    }

    pub(crate) fn runs_image(&self, digest: &str) -> bool {
        self.images.contains(digest)
    }

    /// Notes what the agent said about a service after it was written, or that it is gone. Instances are as they were read.
    pub(crate) fn note(&mut self, service: &str, status: Option<ServiceStatus>) {
        match status {
            Some(status) => {
                let instances = self.services.remove(service).map(|it| it.instances).unwrap_or_default();
                self.services.insert(service.to_owned(), Observed::of(status, instances));
            }
            None => {
                self.services.remove(service);
            }
        }
    }
}

impl Observed {
    fn of(status: ServiceStatus, instances: Vec<InstanceStatus>) -> Self {
        let record = ServiceRecord::from_written(&status.spec.written);
        let alike = |it: &&InstanceStatus| {
            record.as_ref().is_some_and(|record| record.spec_hash.as_str() == it.spec_hash)
                && is_alive(it)
                && status.spec.serving.contains_key(&it.id)
        };
        let serving = u32::try_from(instances.iter().filter(alike).count()).unwrap_or(u32::MAX);
        Self { status, record, serving, instances }
    }

    /// Instances that an interrupted deployment has left: those that do not serve, or are of another description, and are not
    /// kept warm.
    pub(crate) fn leftovers(&self) -> usize {
        let cold = self.instances.iter().filter(|it| !self.is_warm(it)).count();
        cold.saturating_sub(usize::try_from(self.serving).unwrap_or(usize::MAX))
    }

    /// Whether an instance runs without traffic until the agent ends it.
    pub(crate) fn is_warm(&self, instance: &InstanceStatus) -> bool {
        instance.retires_at_ms.is_some() && !self.status.spec.serving.contains_key(&instance.id)
    }

    /// The deployment that has begun to replace it and did not finish.
    pub(crate) fn rolling(&self) -> Option<&DeploymentId> {
        self.record.as_ref()?.rolling.as_ref()
    }

    /// The live description: what was last written, with what deviates from it. `None` if the record is not one of ours
    /// and nothing is known of what it was.
    pub(crate) fn live(&self, prior: Option<&Value>) -> Option<Value> {
        let record = self.record.as_ref()?;
        let described = record.reveal(prior)?;
        let (address, addresses) = addresses(&self.status.addresses, &self.status.spec.ports);
        let mut attributes = vec![("address", address), ("addresses", addresses)];
        if replicas(&described) != Some(self.serving) {
            attributes.push(("replicas", Value::number(u64::from(self.serving))));
        }
        if self.is_tampered()
            && let Some(routes) =
                described.get("route").and_then(|it| routes(&self.status.spec.routes, &it.ty()))
        {
            attributes.push(("route", routes));
        }
        let live = with_attributes(&described, attributes);
        // The very same value where nothing deviates, so that comparing it later costs nothing.
        Some(match prior {
            Some(prior) if *prior == live => prior.clone(),
            _ => live,
        })
    }

    /// Whether somebody else has changed what is published. While a deployment is replacing the service it is ourselves.
    pub(crate) fn is_tampered(&self) -> bool {
        let spec = &self.status.spec;
        self.record.as_ref().is_some_and(|record| {
            record.rolling.is_none() && !record.is_published(&spec.ports, &spec.routes, spec.drain_ms)
        })
    }
}

/// Whether it runs, or will without anybody doing something.
pub(crate) fn is_alive(instance: &InstanceStatus) -> bool {
    !instance.phase.is_over() && instance.phase != Phase::Stopping
}

/// The replicas that a description asks for, if that is a number.
pub(crate) fn replicas(described: &Value) -> Option<u32> {
    described.get("replicas").map_or(Some(1), |value| {
        if value.is_null() { Some(1) } else { u32::try_from(value.as_number()?.to_i64()?).ok() }
    })
}

/// The computed attributes `address` (of the first port, null without ports) and `addresses` (by port).
pub(crate) fn addresses(addresses: &BTreeMap<String, String>, ports: &[ServicePort]) -> (Value, Value) {
    let first = ports.first().and_then(|port| addresses.get(&port.name));
    let first = first.map_or(Value::null(Type::String), |address| Value::string(address.as_str()));
    let all = addresses.iter().map(|(name, address)| (name.as_str(), Value::string(address.as_str())));
    (first, Value::map(Type::String, all))
}

/// Routes as a description of this type has them.
fn routes(routes: &[Route], ty: &Type) -> Option<Value> {
    let text = |text: &str| Value::string(text);
    let of = |route: &Route| {
        let host = route.host.as_deref().map_or(Value::null(Type::String), text);
        Value::object([("host", host), ("path", text(&route.path)), ("port", text(&route.port))])
    };
    value::convert(&Value::tuple(routes.iter().map(of).collect::<Vec<_>>()), ty).ok()
}
