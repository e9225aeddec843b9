//! Endpoints and instances as the data plane keeps them: who may get a request, what is in flight, what was counted.
//! Nothing here chooses or sends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::StatusCode;
use tokio::sync::Notify;
use tracing::warn;

use crate::latency::{Latencies, ReleaseCounters};
use crate::multiplex::Multiplexer;
use crate::pool::Pool;
use crate::standing::Standing;
use crate::table::BalancedPort;
use crate::{Counts, Drained, InstanceName, ServiceKey};

/// Counts of an instance or a service.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    requests: AtomicU64,
    /// 1xx to 5xx.
    responses: [AtomicU64; 5],
    connect_failures: AtomicU64,
}

/// A service: what is counted over all its ports and endpoints.
#[derive(Debug)]
pub(crate) struct ServiceState {
    pub(crate) key: ServiceKey,
    pub(crate) counters: Counters,
    unserved: AtomicU64,
    /// By release; those of endpoints that are there or have something in flight.
    releases: Mutex<BTreeMap<String, Arc<ReleaseCounters>>>,
}

/// An instance: what is in flight on it, over all its endpoints and over all snapshots.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) name: InstanceName,
    pub(crate) counters: Counters,
    in_flight: AtomicU64,
    /// Those of them that are upgraded connections.
    upgraded: AtomicU64,
    /// Who waits for it to have less in flight.
    drains: AtomicU64,
    fewer: Notify,
}

/// An endpoint of one port of one service.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) instance: Arc<Instance>,
    pub(crate) address: SocketAddr,
    pub(crate) pool: Arc<Pool>,
    pub(crate) multiplexer: Arc<Multiplexer>,
    pub(crate) standing: Standing,
    release: Arc<ReleaseCounters>,
    /// The gate: 0 means that nothing new is let in.
    weight: AtomicU32,
    in_flight: AtomicU64,
}

/// One request or connection in flight on an endpoint, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) port: Arc<BalancedPort>,
    since: Instant,
    kind: Kind,
}

/// What a lease is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Request,
    /// A connection, whose time says nothing.
    Tcp,
    /// A connection that was upgraded, which a drain gives another time.
    Upgraded,
}

impl Counters {
    fn connect_failed(&self) {
        self.connect_failures.fetch_add(1, Ordering::Relaxed);
    }

    fn responded(&self, status: StatusCode) {
        if let Some(count) = self.responses.get(usize::from(status.as_u16() / 100).wrapping_sub(1)) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// The counts as they are now.
    pub(crate) fn read(&self) -> Counts {
        let classes = self.responses.iter().enumerate();
        let counted = classes.map(|(index, count)| (index, count.load(Ordering::Relaxed)));
        Counts {
            requests: self.requests.load(Ordering::Relaxed),
            responses: counted
                .filter(|(_, count)| *count > 0)
                .map(|(index, count)| (format!("{}xx", index + 1), count))
                .collect::<BTreeMap<_, _>>(),
            connect_failures: self.connect_failures.load(Ordering::Relaxed),
        }
    }
}

impl ServiceState {
    /// A service of which nothing was counted yet.
    pub(crate) fn new(key: ServiceKey) -> Self {
        Self { key, counters: Counters::default(), unserved: AtomicU64::new(0), releases: Mutex::default() }
    }

    /// The counters of a release.
    pub(crate) fn release(&self, name: &str) -> Arc<ReleaseCounters> {
        let mut releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        // Whoever counts for a release holds its counters; the ones that only this map holds are of the past.
        releases.retain(|known, counters| known == name || Arc::strong_count(counters) > 1);
        releases.entry(name.to_owned()).or_default().clone()
    }

    /// What was counted by release.
    pub(crate) fn by_release(&self) -> BTreeMap<String, Latencies> {
        let releases = self.releases.lock().unwrap_or_else(PoisonError::into_inner);
        releases.iter().map(|(name, counters)| (name.clone(), counters.read())).collect()
    }

    /// The proxy had to answer itself, or to drop a connection.
    pub(crate) fn was_unserved(&self) {
        self.unserved.fetch_add(1, Ordering::Relaxed);
    }

    /// How often it had to.
    pub(crate) fn unserved(&self) -> u64 {
        self.unserved.load(Ordering::Relaxed)
    }
}

impl Instance {
    /// An instance with nothing in flight.
    pub(crate) fn new(name: InstanceName) -> Self {
        let zero = || AtomicU64::new(0);
        let (in_flight, upgraded, drains) = (zero(), zero(), zero());
        Self { name, counters: Counters::default(), in_flight, upgraded, drains, fewer: Notify::new() }
    }

    /// Requests and connections in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Waits until nothing is in flight: at most `wait`, or `upgraded_wait` in all where it is longer and only upgraded
    /// connections are left.
    pub(crate) async fn drained(&self, wait: Duration, upgraded_wait: Duration) -> Drained {
        self.drains.fetch_add(1, Ordering::SeqCst);
        let _ends = Drain(self);
        let start = tokio::time::Instant::now();
        let requests = self.until(|| self.in_flight() <= self.upgraded.load(Ordering::SeqCst));
        if tokio::time::timeout(wait, requests).await.is_ok() {
            // Connections that lasted for the wait already have had a part of their time.
            let all = self.until(|| self.in_flight() == 0);
            let _ = tokio::time::timeout_at(start + wait.max(upgraded_wait), all).await;
        }
        let in_flight = self.in_flight();
        Drained { complete: in_flight == 0, in_flight }
    }

    async fn until(&self, holds: impl Fn() -> bool) {
        loop {
            let fewer = self.fewer.notified();
            tokio::pin!(fewer);
            // Enabled before the counts are read: a request that ends in between still wakes this up.
            fewer.as_mut().enable();
            if holds() {
                return;
            }
            fewer.await;
        }
    }

    /// Wakes those up who wait. Each counts itself before it reads the counts, and these were changed before this is called:
    /// either it sees the change, or it is seen here.
    fn changed(&self) {
        if self.drains.load(Ordering::SeqCst) > 0 {
            self.fewer.notify_waiters();
        }
    }
}

/// Somebody who waits for an instance to have less in flight.
struct Drain<'a>(&'a Instance);

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.0.drains.fetch_sub(1, Ordering::SeqCst);
    }
}

impl Upstream {
    /// An endpoint with nothing in flight.
    pub(crate) fn new(
        instance: Arc<Instance>,
        address: SocketAddr,
        weight: u32,
        release: Arc<ReleaseCounters>,
    ) -> Self {
        Self {
            instance,
            address,
            pool: Arc::default(),
            multiplexer: Arc::default(),
            standing: Standing::new(Instant::now()),
            release,
            weight: AtomicU32::new(weight),
            in_flight: AtomicU64::new(0),
        }
    }

    /// Its share; 0 once it has left or shall get nothing.
    pub(crate) fn weight(&self) -> u32 {
        self.weight.load(Ordering::SeqCst)
    }

    /// Sets its share. When this returns with 0, nothing new is let in, whatever snapshot a request started with.
    pub(crate) fn set_weight(&self, weight: u32) {
        self.weight.store(weight, Ordering::SeqCst);
    }

    /// It is in no snapshot any more: nothing new is let in and no connection is kept.
    pub(crate) fn leave(&self) {
        self.set_weight(0);
        self.pool.close();
        self.multiplexer.close();
    }

    /// Requests and connections in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Lets one request in, unless the endpoint gets nothing.
    ///
    /// It is counted first and the gate read second, both sequentially consistent, as [`Upstream::set_weight`] is: after
    /// the gate was closed, a request either was counted before, and a drain sees it, or it is turned away here.
    pub(crate) fn admit(self: &Arc<Self>, port: &Arc<BalancedPort>, now: Instant) -> Option<Lease> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.instance.in_flight.fetch_add(1, Ordering::SeqCst);
        let mut lease = Lease { upstream: self.clone(), port: port.clone(), since: now, kind: Kind::Request };
        if self.weight() == 0 {
            lease.kind = Kind::Tcp;
            return None;
        }
        self.instance.counters.requests.fetch_add(1, Ordering::Relaxed);
        port.service.counters.requests.fetch_add(1, Ordering::Relaxed);
        Some(lease)
    }
}

impl Lease {
    /// The service that it is a request of.
    pub(crate) fn service(&self) -> &Arc<ServiceState> {
        &self.port.service
    }

    /// Counts an answer of the endpoint.
    pub(crate) fn responded(&self, status: StatusCode) {
        self.upstream.instance.counters.responded(status);
        self.service().counters.responded(status);
        self.upstream.release.responded(status);
        if status.is_server_error() {
            self.failed();
        } else {
            self.upstream.standing.succeeded(self.since);
        }
    }

    /// Counts a connection to the endpoint that could not be opened.
    pub(crate) fn connect_failed(&self) {
        self.upstream.instance.counters.connect_failed();
        self.service().counters.connect_failed();
        self.failed();
    }

    /// Counts against the endpoint's standing.
    pub(crate) fn failed(&self) {
        if let Some(out) = self.upstream.standing.failed(Instant::now()) {
            let (service, instance) = (&self.service().key, &self.upstream.instance.name);
            warn!(%service, %instance, seconds = out.as_secs(), "an endpoint keeps failing and is passed over");
        }
    }

    /// It is a TCP connection.
    pub(crate) fn is_tcp(&mut self) {
        self.kind = Kind::Tcp;
    }

    /// It has become an upgraded connection.
    pub(crate) fn is_upgraded(&mut self) {
        self.kind = Kind::Upgraded;
        self.upstream.instance.upgraded.fetch_add(1, Ordering::SeqCst);
        self.upstream.instance.changed();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let instance = &self.upstream.instance;
        match self.kind {
            Kind::Request => self.upstream.release.took(self.since.elapsed()),
            Kind::Tcp => {}
            // Before the count of all, so that a drain never takes a request for an upgraded connection.
            Kind::Upgraded => {
                instance.upgraded.fetch_sub(1, Ordering::SeqCst);
            }
        }
        self.upstream.in_flight.fetch_sub(1, Ordering::SeqCst);
        instance.in_flight.fetch_sub(1, Ordering::SeqCst);
        instance.changed();
    }
}
