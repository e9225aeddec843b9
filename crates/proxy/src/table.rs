//! A snapshot compiled for the data plane: routes, ports and their endpoints. It is built from the one before it, so that
//! an endpoint that stays keeps its connections and its counts. It opens nothing and switches nothing.

use std::collections::{BTreeMap, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use crate::choice::{Candidate, choose};
use crate::conditions::Conditions;
use crate::routes::{RouteFault, Routes};
use crate::upstream::{Instance, Lease, ServiceState, Upstream};
use crate::{Config, Endpoint, InstanceName, Limits, Port, PortName, Problem, Protocol, Route, ServiceKey};

/// Names a port of a service.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct PortKey {
    pub(crate) service: ServiceKey,
    pub(crate) port: PortName,
}

/// A port that requests are balanced over.
#[derive(Debug)]
pub(crate) struct BalancedPort {
    pub(crate) key: PortKey,
    pub(crate) protocol: Protocol,
    pub(crate) limits: Limits,
    pub(crate) upstreams: Vec<Arc<Upstream>>,
    pub(crate) service: Arc<ServiceState>,
    /// One for each endpoint, in the same order.
    candidates: Mutex<Vec<Candidate>>,
}

/// What a listener does with a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Front {
    /// The entry: routes decide for each request.
    Entry,
    /// A service port's own address.
    Port(Arc<PortKey>, Protocol),
    /// What was counted, for Prometheus.
    Metrics,
}

/// A compiled snapshot.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) config: Arc<Config>,
    pub(crate) routes: Routes<Arc<BalancedPort>>,
    pub(crate) ports: HashMap<PortKey, Arc<BalancedPort>>,
    pub(crate) listen: BTreeMap<SocketAddr, Front>,
    pub(crate) services: BTreeMap<ServiceKey, Arc<ServiceState>>,
    /// Those of the snapshot, those that left with it, and those that left earlier and still have something in flight.
    pub(crate) instances: BTreeMap<InstanceName, Arc<Instance>>,
}

/// What has to follow once the table is in place: endpoints that left it, and those whose share changed.
#[derive(Debug, Default)]
pub(crate) struct Changes {
    pub(crate) left: Vec<Arc<Upstream>>,
    pub(crate) weights: Vec<(Arc<Upstream>, u32)>,
}

impl BalancedPort {
    /// Chooses an endpoint that is not in `barred`, and counts the request on it. None: there is none to be had.
    ///
    /// Those that keep failing are passed over as long as there is another.
    pub(crate) fn pick(self: &Arc<Self>, barred: &[Arc<Upstream>]) -> Option<Lease> {
        let now = Instant::now();
        let mut candidates = self.candidates.lock().unwrap_or_else(PoisonError::into_inner);
        loop {
            let (mut some_out, mut some_in) = (false, false);
            for (candidate, upstream) in candidates.iter_mut().zip(&self.upstreams) {
                let is_barred = barred.iter().any(|other| Arc::ptr_eq(other, upstream));
                candidate.weight = if is_barred { 0 } else { upstream.weight() };
                candidate.in_flight = upstream.in_flight();
                let is_out = upstream.standing.is_out(now);
                some_out |= is_out;
                some_in |= !is_out && candidate.weight > 0;
            }
            if some_out && some_in {
                for (candidate, upstream) in candidates.iter_mut().zip(&self.upstreams) {
                    if upstream.standing.is_out(now) {
                        candidate.weight = 0;
                    }
                }
            }
            let upstream = &self.upstreams[choose(&mut candidates)?];
            // Turned away only where its weight has just become 0, so each turn of this loop has one endpoint fewer.
            if let Some(lease) = upstream.admit(self, now) {
                return Some(lease);
            }
        }
    }
}

impl Table {
    /// Compiles `config`. What of it cannot be had is left out and reported; `previous` gives what stays.
    pub(crate) fn compile(config: Config, previous: &Self) -> (Self, Changes, Vec<Problem>) {
        let mut table = Self::default();
        let mut changes = Changes::default();
        let mut problems = Vec::new();
        // Those that leave now stay known for one more snapshot even if nothing is in flight on them: until the tables are
        // switched, a request can still be let in, and a drain must see it. After that they stay while they are busy.
        let busy = previous.instances.values().filter(|instance| instance.in_flight() > 0);
        let present = previous.ports.values().flat_map(|port| &port.upstreams).map(|one| &one.instance);
        table.instances =
            busy.chain(present).map(|instance| (instance.name.clone(), instance.clone())).collect();
        for (key, service) in &config.services {
            let known = previous.services.get(key).cloned();
            let state = known.unwrap_or_else(|| Arc::new(ServiceState::new(key.clone())));
            table.services.insert(key.clone(), state.clone());
            for (name, port) in &service.ports {
                let key = PortKey { service: key.clone(), port: name.clone() };
                let upstreams = table.upstreams(&key, port, previous, &mut changes, &mut problems);
                if let Some(address) = port.listen {
                    if is_internal(address.ip()) {
                        table.listen_at(address, &key, port.protocol, &mut problems);
                    } else {
                        let cause = "a service port's stable address is a loopback or private one; what shall be \
                                     reached from outside is routed from the entry or published";
                        problems.push(Problem { part: listen_part(address, &key), cause: cause.to_owned() });
                    }
                }
                if let Some(address) = port.publish {
                    table.listen_at(address, &key, port.protocol, &mut problems);
                }
                let candidates = Mutex::new(vec![Candidate::default(); upstreams.len()]);
                let port = BalancedPort {
                    key: key.clone(),
                    protocol: port.protocol,
                    limits: port.limits,
                    upstreams,
                    service: state.clone(),
                    candidates,
                };
                table.ports.insert(key, Arc::new(port));
            }
        }
        for route in &config.routes {
            if let Err(cause) = table.route(route) {
                let host = route.host.as_deref().unwrap_or("*");
                let part = format!("route {host}{} of {} port {}", route.path, route.service, route.port);
                problems.push(Problem { part, cause });
            }
        }
        if let Some(address) = config.https {
            table.listen.insert(address, Front::Entry);
        }
        if let Some(address) = config.metrics {
            if is_internal(address.ip()) {
                table.listen.insert(address, Front::Metrics);
            } else {
                let cause = "metrics are read at a loopback or private address only; choose one".to_owned();
                problems.push(Problem { part: format!("listen {address} of the metrics"), cause });
            }
        }
        table.config = Arc::new(config);
        changes.left = previous.missing_in(&table);
        (table, changes, problems)
    }

    fn upstreams(
        &mut self,
        key: &PortKey,
        port: &Port,
        previous: &Self,
        changes: &mut Changes,
        problems: &mut Vec<Problem>,
    ) -> Vec<Arc<Upstream>> {
        let endpoints: &[Endpoint] = &port.endpoints;
        // Connections of another protocol are of no use.
        let before = previous.ports.get(key).filter(|before| before.protocol == port.protocol);
        let before = before.map_or(&[][..], |port| &port.upstreams);
        let service = self.services.get(&key.service).cloned();
        let release = |endpoint: &Endpoint| {
            let name = endpoint.release.as_deref().unwrap_or_default();
            service.as_ref().map(|service| service.release(name)).unwrap_or_default()
        };
        let mut known: HashMap<(&InstanceName, SocketAddr), &Arc<Upstream>> =
            before.iter().map(|upstream| ((&upstream.instance.name, upstream.address), upstream)).collect();
        let mut seen = std::collections::HashSet::new();
        let mut upstreams = Vec::with_capacity(endpoints.len());
        for endpoint in endpoints {
            if !seen.insert((&endpoint.instance, endpoint.address)) {
                let part = format!("endpoint {} of {} port {}", endpoint.instance, key.service, key.port);
                let cause = format!("{} is there twice; the first counts", endpoint.address);
                problems.push(Problem { part, cause });
                continue;
            }
            if let Some(upstream) = known.remove(&(&endpoint.instance, endpoint.address)) {
                self.instances.insert(endpoint.instance.clone(), upstream.instance.clone());
                changes.weights.push((upstream.clone(), endpoint.weight));
                upstreams.push(upstream.clone());
                continue;
            }
            let existing = previous.instances.get(&endpoint.instance).cloned();
            let instance = self
                .instances
                .entry(endpoint.instance.clone())
                .or_insert_with(|| {
                    existing.unwrap_or_else(|| Arc::new(Instance::new(endpoint.instance.clone())))
                })
                .clone();
            let upstream = Upstream::new(instance, endpoint.address, endpoint.weight, release(endpoint));
            upstreams.push(Arc::new(upstream));
        }
        upstreams
    }

    fn listen_at(
        &mut self,
        address: SocketAddr,
        key: &PortKey,
        protocol: Protocol,
        problems: &mut Vec<Problem>,
    ) {
        match self.listen.get(&address) {
            None => {
                self.listen.insert(address, Front::Port(Arc::new(key.clone()), protocol));
            }
            Some(other) => {
                let cause = format!("{other} listens there already; give one of them another");
                problems.push(Problem { part: listen_part(address, key), cause });
            }
        }
    }

    fn route(&mut self, route: &Route) -> Result<(), String> {
        let key = PortKey { service: route.service.clone(), port: route.port.clone() };
        let target = self.ports.get(&key).ok_or_else(|| {
            format!("{} has no port {}; name one that the snapshot has", key.service, key.port)
        })?;
        if !target.protocol.is_by_request() {
            return Err(format!(
                "{} port {} is {}; only http and h2c ports have routes",
                key.service, key.port, target.protocol
            ));
        }
        let target = target.clone();
        let conditions = Conditions::new(&route.headers, &route.cookies).map_err(RouteFault::from);
        conditions
            .and_then(|conditions| self.routes.insert(route.host.as_deref(), &route.path, conditions, target))
            .map_err(|fault| fault.to_string())
    }

    /// Endpoints that are here and not in `next`.
    fn missing_in(&self, next: &Self) -> Vec<Arc<Upstream>> {
        let mut missing = Vec::new();
        for (key, port) in &self.ports {
            let stay: std::collections::HashSet<*const Upstream> = next
                .ports
                .get(key)
                .map(|port| port.upstreams.iter().map(Arc::as_ptr).collect())
                .unwrap_or_default();
            missing.extend(port.upstreams.iter().filter(|one| !stay.contains(&Arc::as_ptr(one))).cloned());
        }
        missing
    }
}

impl Changes {
    /// Closes what left and sets the shares. To be called when the new table is in place: before that, a request that
    /// finds an endpoint closed would look into the old table again and find nobody.
    pub(crate) fn perform(self) {
        // Shares rise before others end, so that a port that changes hands has somebody all the time.
        let (ended, rising): (Vec<_>, Vec<_>) =
            self.weights.into_iter().partition(|(_, weight)| *weight == 0);
        for (upstream, weight) in rising.into_iter().chain(ended) {
            upstream.set_weight(weight);
        }
        for upstream in self.left {
            upstream.leave();
        }
    }
}

impl std::fmt::Display for Front {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Entry => f.write_str("the entry"),
            Self::Metrics => f.write_str("the metrics"),
            Self::Port(key, _) => write!(f, "{} port {}", key.service, key.port),
        }
    }
}

/// How a listening address is named in a problem.
pub(crate) fn listen_part(address: SocketAddr, key: &PortKey) -> String {
    format!("listen {address} of {} port {}", key.service, key.port)
}

/// Whether an address is of this machine or of a private network.
fn is_internal(ip: IpAddr) -> bool {
    match ip.to_canonical() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private() || ip.is_link_local(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local() || ip.is_unicast_link_local(),
    }
}
