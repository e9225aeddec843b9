//! The table that requests go by, and switching it. Picking is here; sending and listening are not.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use http::HeaderMap;
use rustls::ServerConfig;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::certificates::Certificates;
use crate::table::{BalancedPort, PortKey, Table};
use crate::upstream::{Lease, ServiceState, Upstream};
use crate::workers::Workers;
use crate::{Config, Drained, InstanceName, InstanceStats, Patience, Problem, ServiceStats, Stats};

/// What the connections of this process share.
#[derive(Debug, Default)]
pub(crate) struct Balancer {
    current: RwLock<Arc<Table>>,
    /// Held while a table is switched and its endpoints are opened and closed.
    switching: Mutex<()>,
    /// The connections of clients, and what became of them: tunnels and relays.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the process shall end: accept nothing, finish what is in flight.
    pub(crate) stop: CancellationToken,
    /// Milliseconds that connections without a request are kept after `stop`, for the request that may be on its way; it is
    /// answered with `connection: close`. 0: they are closed at once.
    linger_ms: AtomicU64,
    /// The threads that serve.
    pub(crate) workers: Workers,
    /// How long clients are waited for.
    pub(crate) patience: Patience,
    /// What the entry shows to clients that speak TLS.
    pub(crate) certificates: Arc<Certificates>,
    /// How TLS is spoken; not set in a balancer that serves nobody.
    pub(crate) tls: OnceLock<Arc<ServerConfig>>,
}

/// Where a request shall go.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Target<'a> {
    /// Where the routes lead.
    Route {
        /// The host that the client named, with or without a port.
        host: &'a str,
        /// The path without the query.
        path: &'a str,
        /// All headers of the request.
        headers: &'a HeaderMap,
    },
    /// A port of a service.
    Port(&'a PortKey),
}

/// Why nobody can be given a request.
#[derive(Debug)]
pub(crate) enum Unserved {
    /// No route matches, or the snapshot has no such port any more.
    NoRoute,
    /// The service has no endpoint that may get it.
    NoEndpoint(Arc<ServiceState>),
}

/// A snapshot that is older than the current one, whose version this is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Stale(pub(crate) u64);

impl Balancer {
    /// One that has not been told anything yet.
    pub(crate) fn new(patience: Patience, workers: Workers) -> Self {
        Self { patience, workers, ..Self::default() }
    }

    /// The table as it is now.
    pub(crate) fn table(&self) -> Arc<Table> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Chooses an endpoint that is not in `barred`, and counts the request on it.
    pub(crate) fn pick(&self, target: Target<'_>, barred: &[Arc<Upstream>]) -> Result<Lease, Unserved> {
        // Looked at in place: it is quick, and an owned handle would be counted up and down by every thread.
        let picked = pick(&self.current.read().unwrap_or_else(PoisonError::into_inner), target, barred);
        match picked {
            Err(Unserved::NoEndpoint(_)) => {
                // The table that was looked into may have been in the middle of being replaced: look again when it is not.
                let _settled = self.switching.lock().unwrap_or_else(PoisonError::into_inner);
                pick(&self.table(), target, barred)
            }
            picked => picked,
        }
    }

    /// Works by `config` from now on. When this returns, nothing new is given to an endpoint that it does not have.
    /// Calls must not overlap: the caller holds what orders them.
    pub(crate) fn apply(&self, config: Config) -> Result<(Arc<Table>, Vec<Problem>), Stale> {
        let previous = self.table();
        if config.version < previous.config.version {
            return Err(Stale(previous.config.version));
        }
        let (table, changes, problems) = Table::compile(config, &previous);
        let table = Arc::new(table);
        let _switching = self.switching.lock().unwrap_or_else(PoisonError::into_inner);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = table.clone();
        changes.perform();
        Ok((table, problems))
    }

    /// How long connections without a request are kept once nothing more is accepted.
    pub(crate) fn linger(&self) -> Duration {
        Duration::from_millis(self.linger_ms.load(Ordering::Relaxed))
    }

    /// Gives connections without a request such a time.
    pub(crate) fn set_linger(&self, linger: Duration) {
        let ms = u64::try_from(linger.as_millis()).unwrap_or(u64::MAX);
        self.linger_ms.store(ms, Ordering::Relaxed);
    }

    /// The port of the entry's own address for TLS, where the snapshot has one.
    pub(crate) fn https_port(&self) -> Option<u16> {
        self.table().config.https.map(|address| address.port())
    }

    /// Waits until nothing is in flight on an instance: at most `wait` for requests and TCP connections, and `upgraded_wait`
    /// in all for upgraded connections. One that is not known has nothing.
    pub(crate) async fn drain(
        &self,
        instance: &InstanceName,
        wait: Duration,
        upgraded_wait: Duration,
    ) -> Drained {
        let known = self.table().instances.get(instance).cloned();
        match known {
            Some(instance) => instance.drained(wait, upgraded_wait).await,
            None => Drained { complete: true, in_flight: 0 },
        }
    }

    /// The counts of the table's instances and services.
    pub(crate) fn stats(&self) -> Stats {
        let table = self.table();
        let mut stats = Stats::default();
        for (name, instance) in &table.instances {
            let counts = instance.counters.read();
            stats.instances.insert(name.clone(), InstanceStats { in_flight: instance.in_flight(), counts });
        }
        for (key, service) in &table.services {
            let (counts, unserved) = (service.counters.read(), service.unserved());
            stats.services.insert(key.clone(), ServiceStats { in_flight: 0, counts, unserved });
        }
        for port in table.ports.values() {
            if let Some(service) = stats.services.get_mut(&port.key.service) {
                service.in_flight += port.upstreams.iter().map(|upstream| upstream.in_flight()).sum::<u64>();
            }
        }
        stats
    }

    /// The same for Prometheus.
    pub(crate) fn metrics(&self) -> String {
        let table = self.table();
        let stats = self.stats();
        let releases = table.services.iter().map(|(key, service)| (key, service.by_release()));
        crate::metrics::render(&stats, &releases.collect())
    }

    /// Closes connections to endpoints that have been idle for too long at `now`.
    pub(crate) fn sweep(&self, now: Instant) {
        for port in self.table().ports.values() {
            for upstream in &port.upstreams {
                upstream.pool.sweep(now);
                upstream.multiplexer.sweep(now);
            }
        }
    }

    /// Accepts nothing more and waits until what is in flight has ended, at most `wait`.
    pub(crate) async fn finish(&self, wait: Duration) -> Drained {
        self.stop.cancel();
        self.tasks.close();
        let complete = tokio::time::timeout(wait, self.tasks.wait()).await.is_ok();
        let table = self.table();
        let in_flight = table.instances.values().map(|instance| instance.in_flight()).sum();
        Drained { complete, in_flight: if complete { 0 } else { in_flight } }
    }
}

fn pick(table: &Table, target: Target<'_>, barred: &[Arc<Upstream>]) -> Result<Lease, Unserved> {
    let port: Option<&Arc<BalancedPort>> = match target {
        Target::Route { host, path, headers } => table.routes.find(host, path, headers),
        Target::Port(key) => table.ports.get(key),
    };
    let port = port.ok_or(Unserved::NoRoute)?;
    port.pick(barred).ok_or_else(|| Unserved::NoEndpoint(port.service.clone()))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use super::*;
    use crate::{Endpoint, Limits, Port, PortName, Protocol, ServiceKey};

    /// A snapshot of one port with these instances and weights.
    fn config(version: u64, endpoints: &[(&str, u32)]) -> Config {
        let endpoints = endpoints.iter().enumerate().map(|(index, &(instance, weight))| Endpoint {
            instance: instance.into(),
            address: SocketAddr::from(([127, 0, 0, 1], 1000 + u16::try_from(index).unwrap_or_default())),
            weight,
            release: None,
        });
        let port = Port {
            protocol: Protocol::Http,
            listen: None,
            publish: None,
            limits: Limits::default(),
            endpoints: endpoints.collect(),
        };
        let mut config = Config { version, ..Config::default() };
        config.services.entry("web".into()).or_default().ports.insert("http".into(), port);
        config
    }

    fn key() -> PortKey {
        PortKey { service: ServiceKey::from("web"), port: PortName::from("http") }
    }

    #[test]
    fn a_request_that_still_holds_the_old_table_is_turned_away() {
        for successor in [config(2, &[]), config(2, &[("a", 0)])] {
            let balancer = Balancer::default();
            assert!(balancer.apply(config(1, &[("a", 1)])).is_ok());
            let old = balancer.table();
            let lease = pick(&old, Target::Port(&key()), &[]).ok();
            assert!(lease.is_some());
            assert!(balancer.apply(successor).is_ok());
            assert!(pick(&old, Target::Port(&key()), &[]).is_err());
            // What was let in before counts, until it ends.
            let instance = balancer.table().instances.get(&"a".into()).cloned();
            assert_eq!(instance.as_ref().map(|instance| instance.in_flight()), Some(1));
            drop(lease);
            assert_eq!(instance.map(|instance| instance.in_flight()), Some(0));
        }
    }

    #[test]
    fn an_instance_is_known_until_it_has_left_and_nothing_is_in_flight() {
        let balancer = Balancer::default();
        let known = || balancer.table().instances.contains_key(&"a".into());
        assert!(balancer.apply(config(1, &[("a", 1)])).is_ok());
        let lease = balancer.pick(Target::Port(&key()), &[]).ok();
        for version in 2..5 {
            assert!(balancer.apply(config(version, &[])).is_ok());
            assert!(known());
        }
        drop(lease);
        assert!(balancer.apply(config(5, &[])).is_ok());
        assert!(!known());
        assert_eq!(balancer.apply(config(4, &[])).err(), Some(Stale(5)));
    }
}
