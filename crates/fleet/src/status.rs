//! The cells of a fleet for views: what is wanted, what runs, and how it is reached. It asks each cluster once and changes
//! nothing.

use std::collections::BTreeMap;

use agent_api::{InstanceId, InstanceStatus, Phase, Route};
use diag::Diagnostics;
use engine::{Address, ClusterName, DeploymentId};
use serde::Serialize;

use crate::fleet::Fleet;
use crate::observation::{Observed, replicas};
use crate::releases;

/// A service in a cluster.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CellStatus {
    /// The service instance with its cluster; `None` if its record is not one of ours.
    pub address: Option<Address>,
    /// Its name at the agent, as logs are asked for.
    pub service: String,
    /// The cluster.
    pub cluster: ClusterName,
    /// How many instances are wanted; 0 if its record does not say.
    pub desired: u32,
    /// How many instances run and pass their check; without those that are only kept warm.
    pub ready: u32,
    /// How many of those receive traffic.
    pub serving: u32,
    /// The digest of the image that was last made real, `sha256:…`; none for a program of the host.
    pub release: Option<String>,
    /// The deployment that last wrote it.
    pub revision: Option<DeploymentId>,
    /// The deployment that has begun to replace it and did not finish.
    pub rolling: Option<DeploymentId>,
    /// Its instances, in the order of their ids.
    pub instances: Vec<InstanceStatus>,
    /// Instances that receive traffic, alive or not.
    pub in_balancer: Vec<InstanceId>,
    /// Stable `host:port` in front of the instances, by port name.
    pub addresses: BTreeMap<String, String>,
    /// Routes from the cluster's entry.
    pub routes: Vec<Route>,
    /// The routes as addresses that a browser takes.
    pub urls: Vec<String>,
}

/// What a cluster's agent says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClusterStatus {
    /// The cluster.
    pub cluster: ClusterName,
    /// The version of its agent.
    pub version: String,
    /// Where its HTTP entry listens, `host:port`.
    pub http_entry: String,
    /// Isolation that it cannot give, one sentence each.
    pub missing_isolation: Vec<String>,
}

impl Fleet {
    /// What the agents of all clusters say of themselves.
    ///
    /// # Errors
    /// One fault for each cluster that cannot be asked.
    pub async fn clusters(&self) -> Result<Vec<ClusterStatus>, Diagnostics> {
        let ask = self
            .options
            .clusters
            .iter()
            .map(|(name, cluster)| async move { (name, cluster.client().info().await) });
        let (mut clusters, mut faults) = (Vec::new(), Diagnostics::default());
        for (name, info) in futures_util::future::join_all(ask).await {
            match info {
                Ok(info) => clusters.push(ClusterStatus {
                    cluster: name.clone(),
                    version: info.version,
                    http_entry: info.http_entry,
                    missing_isolation: info.missing_isolation,
                }),
                Err(error) => faults.push(crate::agent_driver::fault(name, "say what it is", &error)),
            }
        }
        if faults.is_empty() { Ok(clusters) } else { Err(faults) }
    }

    /// Every service in every cluster, by cluster and name.
    ///
    /// # Errors
    /// One fault for each cluster that cannot be asked.
    pub async fn status(&self) -> Result<Vec<CellStatus>, Diagnostics> {
        let (clusters, ()) =
            tokio::try_join!(self.clusters(), self.observe(self.options.clusters.keys().collect()))?;
        let mut cells = Vec::new();
        for cluster in &clusters {
            let of_cluster = self.with_view(&cluster.cluster, |view| {
                let mut cells: Vec<_> = view.services().map(|it| cell(it, cluster)).collect();
                cells.sort_by(|a, b| a.service.cmp(&b.service));
                cells
            });
            cells.extend(of_cluster.unwrap_or_default());
        }
        Ok(cells)
    }
}

fn cell(observed: &Observed, cluster: &ClusterStatus) -> CellStatus {
    let spec = &observed.status.spec;
    let described = observed.record.as_ref().and_then(|record| record.reveal(None));
    let image = described.as_ref().and_then(|it| Some(it.get("image")?.as_str()?.to_owned()));
    let ready = |it: &&InstanceStatus| it.phase == Phase::Ready;
    let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    CellStatus {
        address: observed.record.as_ref().map(|it| it.address.clone()),
        service: spec.key.service.clone(),
        cluster: cluster.cluster.clone(),
        desired: described.as_ref().and_then(replicas).unwrap_or(0),
        ready: count(observed.instances.iter().filter(ready).filter(|it| !observed.is_warm(it)).count()),
        serving: count(
            observed.instances.iter().filter(ready).filter(|it| spec.serving.contains_key(&it.id)).count(),
        ),
        release: image.as_deref().and_then(releases::digest_of).map(str::to_owned),
        revision: observed.record.as_ref().map(|it| it.revision.clone()),
        rolling: observed.rolling().cloned(),
        instances: observed.instances.clone(),
        in_balancer: spec.serving.keys().cloned().collect(),
        addresses: observed.status.addresses.clone(),
        urls: spec.routes.iter().map(|route| url(route, &cluster.http_entry)).collect(),
        routes: spec.routes.clone(),
    }
}

/// Where a route is reached: at its host if it has one, with the entry's port.
fn url(route: &Route, entry: &str) -> String {
    let (listens, port) = entry.rsplit_once(':').unwrap_or((entry, "80"));
    let host = route.host.as_deref().unwrap_or(listens);
    match port {
        "80" => format!("http://{host}{}", route.path),
        port => format!("http://{host}:{port}{}", route.path),
    }
}
