//! The services that clients wrote: kept in memory and in a file each, with a stable port for each of their ports. What the
//! proxy is told follows from them; see [`compose`].

pub(crate) mod compose;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use agent_api::{Route, ServiceKey, ServiceSpec, ServiceStatus};
use serde::{Deserialize, Serialize};
use tokio::sync::watch as channel;
use tracing::warn;

use crate::data_dir::{DataDir, private_folder};
use crate::error::Refused;
use crate::instances::ports::{self, SERVICE_PORTS};
use crate::{Agent, admission, record};

/// A service with its stable port numbers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Known {
    pub(crate) spec: ServiceSpec,
    pub(crate) ports: BTreeMap<String, u16>,
}

impl Known {
    /// Whether the proxy has anything to do for it.
    fn is_routed(&self) -> bool {
        !self.spec.ports.is_empty()
    }
}

/// All services of the agent.
#[derive(Debug)]
pub(crate) struct Services {
    address: IpAddr,
    table: Mutex<Table>,
    /// Grows with each change that the proxy must be told of.
    revision: channel::Sender<u64>,
}

#[derive(Debug, Default)]
struct Table {
    services: BTreeMap<ServiceKey, Known>,
    /// Whom a host, path and conditions lead to: two services cannot have the same.
    routes: BTreeMap<RouteKey, ServiceKey>,
    taken: BTreeSet<u16>,
}

impl Services {
    /// Reads what was kept. `address` is where the stable ports are.
    pub(crate) fn load(dir: &DataDir, address: IpAddr) -> io::Result<Self> {
        let mut table = Table::default();
        for file in files(&dir.services())? {
            match record::read_json::<Known>(&file) {
                Ok(Some(known)) => table.insert(known),
                Ok(None) => {}
                Err(fault) => warn!("{} cannot be read and is left out: {fault}", file.display()),
            }
        }
        let (revision, _) = channel::channel(1);
        Ok(Self { address, table: Mutex::new(table), revision })
    }

    fn lock(&self) -> MutexGuard<'_, Table> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Tells of every change that the proxy must be told of.
    pub(crate) fn revisions(&self) -> channel::Receiver<u64> {
        self.revision.subscribe()
    }

    /// Looks at all services.
    pub(crate) fn read_all<T>(&self, look: impl FnOnce(&BTreeMap<ServiceKey, Known>) -> T) -> T {
        look(&self.lock().services)
    }

    /// Milliseconds that upgraded connections to instances of a service are given; none where it says nothing of them.
    pub(crate) fn upgraded_drain_ms(&self, key: &ServiceKey) -> Option<u64> {
        let table = self.lock();
        table.services.get(key)?.spec.ports.iter().filter_map(|port| port.upgraded_drain_ms).max()
    }

    /// The address in front of a port.
    pub(crate) fn listen(&self, port: u16) -> SocketAddr {
        SocketAddr::new(self.address, port)
    }

    pub(crate) fn list(&self, project: &str, environment: &str) -> Vec<ServiceStatus> {
        let from =
            ServiceKey { project: project.into(), environment: environment.into(), service: String::new() };
        let table = self.lock();
        let of_environment = table
            .services
            .range(from..)
            .take_while(|(key, _)| key.project == project && key.environment == environment);
        of_environment.map(|(_, known)| self.status(known)).collect()
    }

    fn status(&self, known: &Known) -> ServiceStatus {
        let addresses =
            known.ports.iter().map(|(name, port)| (name.clone(), self.listen(*port).to_string())).collect();
        ServiceStatus { spec: known.spec.clone(), addresses }
    }

    /// Takes a service into the table. Returns it, and the revision that the proxy must work by; none if there is nothing
    /// to tell it.
    fn put(&self, spec: ServiceSpec, seed: u32) -> Result<(Known, Option<u64>), Refused> {
        let mut table = self.lock();
        for route in &spec.routes {
            if let Some(other) = table.routes.get(&route_key(route)).filter(|other| **other != spec.key) {
                let host = route.host.as_deref().unwrap_or("any host");
                return Err(Refused::conflict(format!(
                    "the route {host}{} leads to {other} already",
                    route.path
                ))
                .hint("take it away there first, or choose another host or path"));
            }
        }
        let before = table.services.get(&spec.key).cloned();
        let mut ports = BTreeMap::new();
        for port in &spec.ports {
            let had = before.as_ref().and_then(|known| known.ports.get(&port.name)).copied();
            let number = had.or_else(|| {
                let number = ports::find(self.address, &SERVICE_PORTS, seed, &table.taken)?;
                table.taken.insert(number);
                Some(number)
            });
            let number = number.ok_or_else(|| Refused::unavailable("every port for services is in use"))?;
            ports.insert(port.name.clone(), number);
        }
        let known = Known { spec, ports };
        let changed = before.as_ref().is_none_or(|before| routing(before) != routing(&known));
        let routed = known.is_routed() || before.as_ref().is_some_and(Known::is_routed);
        if let Some(before) = &before {
            table.remove(&before.spec.key);
        }
        table.insert(known.clone());
        // Counted while the table is locked, so that whoever sees the revision sees the service.
        let revision = if !routed {
            None
        } else if changed {
            self.revision.send_modify(|revision| *revision += 1);
            Some(*self.revision.borrow())
        } else {
            // The proxy may not have been told of the last change yet.
            Some(*self.revision.borrow())
        };
        Ok((known, revision))
    }

    fn take_away(&self, key: &ServiceKey) -> Option<u64> {
        let mut table = self.lock();
        let gone = table.remove(key)?;
        if gone.is_routed() {
            self.revision.send_modify(|revision| *revision += 1);
            return Some(*self.revision.borrow());
        }
        None
    }
}

/// What the proxy is told of.
fn routing(known: &Known) -> (&[agent_api::ServicePort], &[Route], &BTreeMap<agent_api::InstanceId, u32>) {
    (&known.spec.ports, &known.spec.routes, &known.spec.serving)
}

impl Table {
    fn insert(&mut self, known: Known) {
        for route in &known.spec.routes {
            self.routes.insert(route_key(route), known.spec.key.clone());
        }
        self.taken.extend(known.ports.values());
        self.services.insert(known.spec.key.clone(), known);
    }

    fn remove(&mut self, key: &ServiceKey) -> Option<Known> {
        let gone = self.services.remove(key)?;
        for route in &gone.spec.routes {
            self.routes.remove(&route_key(route));
        }
        for port in gone.ports.values() {
            self.taken.remove(port);
        }
        Some(gone)
    }
}

/// Host, path, headers and cookies.
type RouteKey = (Option<String>, String, BTreeMap<String, String>, BTreeMap<String, String>);

fn route_key(route: &Route) -> RouteKey {
    let lower = |(name, value): (&String, &String)| (name.to_ascii_lowercase(), value.clone());
    (
        route.host.as_ref().map(|host| host.to_ascii_lowercase()),
        route.path.clone(),
        route.headers.iter().map(lower).collect(),
        route.cookies.clone(),
    )
}

/// Writes a service, and answers once the proxy works by it.
pub(crate) async fn put(agent: Arc<Agent>, spec: ServiceSpec) -> Result<ServiceStatus, Refused> {
    admission::service(&spec)?;
    let key = spec.key.clone();
    let _writing = agent.writing_services.lock().await;
    let (known, revision) = agent.services.put(spec, agent.seed)?;
    let path = agent.dir.service(&key);
    let stored = known.clone();
    let written = tokio::task::spawn_blocking(move || {
        if let Some(folder) = path.parent() {
            private_folder(folder)?;
        }
        record::write_json(&path, &stored)
    })
    .await;
    match written {
        Ok(Ok(())) => {}
        Ok(Err(fault)) => return Err(Refused::failed(&format!("service {key} could not be kept"), &fault)),
        Err(fault) => return Err(Refused::failed("a task of the agent ended early", &fault)),
    }
    drop(_writing);
    acknowledged(&agent, &key, revision).await?;
    Ok(agent.services.status(&known))
}

/// Removes a service, and answers once the proxy has forgotten it.
pub(crate) async fn remove(agent: Arc<Agent>, key: ServiceKey) -> Result<(), Refused> {
    admission::service_key(&key)?;
    let _writing = agent.writing_services.lock().await;
    let revision = agent.services.take_away(&key);
    match fs::remove_file(agent.dir.service(&key)) {
        Err(fault) if fault.kind() != io::ErrorKind::NotFound => {
            return Err(Refused::failed(&format!("service {key} could not be removed"), &fault));
        }
        _ => {}
    }
    drop(_writing);
    acknowledged(&agent, &key, revision).await
}

async fn acknowledged(agent: &Agent, key: &ServiceKey, revision: Option<u64>) -> Result<(), Refused> {
    let Some(revision) = revision else { return Ok(()) };
    agent.balancer.acknowledged(revision, &key.to_string()).await
}

fn files(root: &std::path::Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for project in fs::read_dir(root)? {
        for environment in fs::read_dir(project?.path())? {
            for service in fs::read_dir(environment?.path())? {
                let path = service?.path();
                if path.extension().is_some_and(|extension| extension == "json") {
                    found.push(path);
                }
            }
        }
    }
    Ok(found)
}
