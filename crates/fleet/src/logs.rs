//! Log lines of all clusters as one stream. The agents keep and order them; this only merges.

use std::collections::BTreeSet;
use std::pin::Pin;

use agent_api::{InstanceId, LogLine, LogQuery};
use diag::{Diagnostic, Diagnostics};
use engine::ClusterName;
use futures_util::{Stream, StreamExt, stream};

use crate::agent_driver::{self, Cluster};
use crate::fleet::Fleet;

/// Log lines as they come. A cluster that breaks off gives a fault as its last item.
pub type Lines = Pin<Box<dyn Stream<Item = Result<LogLine, Box<Diagnostic>>> + Send>>;

impl Fleet {
    /// Log lines of these services (none: of all), or of one instance only, from all clusters: the last `tail` lines of each
    /// service that are not older than `since_ms` (Unix milliseconds), oldest first, and when followed then as they come. A service's name stands for all of its instances made by
    /// `count` or `for_each`.
    ///
    /// # Errors
    /// One fault for each cluster that cannot be asked.
    pub async fn logs(
        &self,
        services: &[String],
        instance: Option<&str>,
        (tail, since_ms): (Option<u64>, Option<u64>),
        follow: bool,
    ) -> Result<Lines, Diagnostics> {
        let asked = LogQuery {
            project: self.options.project.as_str().into(),
            environment: self.options.environment.as_str().into(),
            service: None,
            instance: instance.map(|id| InstanceId(id.into())),
            tail,
            since_ms,
            follow,
        };
        if !services.is_empty() {
            self.observe(self.options.clusters.keys().collect()).await?;
        }
        let (mut streams, mut faults) = (Vec::new(), Diagnostics::default());
        for (name, cluster) in &self.options.clusters {
            let names: Vec<_> = match services {
                [] => vec![None],
                services => self.service_names(name, services).into_iter().map(Some).collect(),
            };
            for service in names {
                match lines(name, cluster, LogQuery { service, ..asked.clone() }).await {
                    Ok(lines) => streams.push(lines),
                    Err(fault) => {
                        faults.push(*fault);
                        break;
                    }
                }
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if follow || streams.len() <= 1 {
            return Ok(Box::pin(stream::select_all(streams)));
        }
        Ok(Box::pin(stream::iter(merged(streams).await)))
    }

    /// The names at a cluster's agent of the service instances that are meant.
    fn service_names(&self, cluster: &ClusterName, services: &[String]) -> BTreeSet<String> {
        let found = self.with_view(cluster, |view| {
            let meant = view.services().filter(|it| {
                let block = it.record.as_ref().map(|record| record.address.name.as_ref());
                services.iter().any(|name| block == Some(name) || *name == it.status.spec.key.service)
            });
            meant.map(|it| it.status.spec.key.service.clone()).collect()
        });
        found.unwrap_or_default()
    }
}

async fn lines(name: &ClusterName, cluster: &Cluster, query: LogQuery) -> Result<Lines, Box<Diagnostic>> {
    let fault = |name: &ClusterName, error| Box::new(agent_driver::fault(name, "tell its logs", &error));
    let lines = cluster.client().logs(&query).await.map_err(|error| fault(name, error))?;
    let name = name.clone();
    Ok(Box::pin(lines.map(move |line| line.map_err(|error| fault(&name, error)))))
}

/// All lines of several streams in the order of their times. What each gives is bounded by what its agent keeps.
async fn merged(streams: Vec<Lines>) -> Vec<Result<LogLine, Box<Diagnostic>>> {
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for mut stream in streams {
        while let Some(item) = stream.next().await {
            match item {
                Ok(line) => lines.push(line),
                Err(fault) => faults.push(Err(fault)),
            }
        }
    }
    // Stable: lines of one stream stay in its order where times are equal.
    lines.sort_by_key(|line| line.at_ms);
    lines.into_iter().map(Ok).chain(faults).collect()
}
