//! Endpoints and instances as the data plane keeps them: who may get a request, what is in flight, what was counted.
//! Nothing here chooses or sends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::Duration;

use http::StatusCode;
use tokio::sync::Notify;

use crate::pool::Pool;
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
}

/// An instance: what is in flight on it, over all its endpoints and over all snapshots.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) name: InstanceName,
    pub(crate) counters: Counters,
    in_flight: AtomicU64,
    idle: Notify,
}

/// An endpoint of one port of one service.
#[derive(Debug)]
pub(crate) struct Upstream {
    pub(crate) instance: Arc<Instance>,
    pub(crate) address: SocketAddr,
    pub(crate) pool: Arc<Pool>,
    /// The gate: 0 means that nothing new is let in.
    weight: AtomicU32,
    in_flight: AtomicU64,
}

/// One request or connection in flight on an endpoint, until it is dropped.
#[derive(Debug)]
pub(crate) struct Lease {
    pub(crate) upstream: Arc<Upstream>,
    pub(crate) service: Arc<ServiceState>,
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
        Self { key, counters: Counters::default(), unserved: AtomicU64::new(0) }
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
        Self { name, counters: Counters::default(), in_flight: AtomicU64::new(0), idle: Notify::new() }
    }

    /// Requests and connections in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Waits until nothing is in flight, at most `wait`.
    pub(crate) async fn drained(&self, wait: Duration) -> Drained {
        let all_gone = async {
            loop {
                let idle = self.idle.notified();
                tokio::pin!(idle);
                // Enabled before the count is read: a request that ends in between still wakes this up.
                idle.as_mut().enable();
                if self.in_flight() == 0 {
                    return;
                }
                idle.await;
            }
        };
        let complete = tokio::time::timeout(wait, all_gone).await.is_ok();
        Drained { complete, in_flight: if complete { 0 } else { self.in_flight() } }
    }
}

impl Upstream {
    /// An endpoint with nothing in flight.
    pub(crate) fn new(instance: Arc<Instance>, address: SocketAddr, weight: u32) -> Self {
        Self {
            instance,
            address,
            pool: Arc::default(),
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
    }

    /// Requests and connections in flight.
    pub(crate) fn in_flight(&self) -> u64 {
        self.in_flight.load(Ordering::SeqCst)
    }

    /// Lets one request in, unless the endpoint gets nothing.
    ///
    /// It is counted first and the gate read second, both sequentially consistent, as [`Upstream::set_weight`] is: after
    /// the gate was closed, a request either was counted before, and a drain sees it, or it is turned away here.
    pub(crate) fn admit(self: &Arc<Self>, service: &Arc<ServiceState>) -> Option<Lease> {
        self.in_flight.fetch_add(1, Ordering::SeqCst);
        self.instance.in_flight.fetch_add(1, Ordering::SeqCst);
        let lease = Lease { upstream: self.clone(), service: service.clone() };
        if self.weight() == 0 {
            return None;
        }
        self.instance.counters.requests.fetch_add(1, Ordering::Relaxed);
        service.counters.requests.fetch_add(1, Ordering::Relaxed);
        Some(lease)
    }
}

impl Lease {
    /// Counts an answer of the endpoint.
    pub(crate) fn responded(&self, status: StatusCode) {
        self.upstream.instance.counters.responded(status);
        self.service.counters.responded(status);
    }

    /// Counts a connection to the endpoint that could not be opened.
    pub(crate) fn connect_failed(&self) {
        self.upstream.instance.counters.connect_failed();
        self.service.counters.connect_failed();
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.upstream.in_flight.fetch_sub(1, Ordering::SeqCst);
        if self.upstream.instance.in_flight.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.upstream.instance.idle.notify_waiters();
        }
    }
}
