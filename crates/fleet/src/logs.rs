//! Log lines of all clusters as one stream. The agents keep and order them; this only merges.

use std::pin::Pin;

use agent_api::{ClientError, LogLine, LogQuery};
use diag::{Diagnostic, Diagnostics};
use engine::ClusterName;
use futures_util::{Stream, StreamExt, stream};

use crate::agent_driver;
use crate::fleet::Fleet;

/// Which log lines are asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FleetLogs {
    /// Only this service's, by its name at the agent.
    pub service: Option<String>,
    /// Only this instance's.
    pub instance: Option<agent_api::InstanceId>,
    /// Only the last so many lines of what is there already. None: all that is kept.
    pub tail: Option<u64>,
    /// Only lines from this time on; Unix milliseconds.
    pub since_ms: Option<u64>,
    /// Go on with what comes, until the stream is dropped.
    pub follow: bool,
}

/// Log lines with the cluster that each comes from.
pub type Lines = Pin<Box<dyn Stream<Item = Result<(ClusterName, LogLine), Box<Diagnostic>>> + Send>>;

impl Fleet {
    /// Log lines of all clusters: oldest first, and when followed as they come.
    ///
    /// # Errors
    /// One fault for each cluster that cannot be asked. A cluster that breaks off later gives a fault as its last item.
    pub async fn logs(&self, query: &FleetLogs) -> Result<Lines, Diagnostics> {
        let asked = LogQuery {
            project: self.options.project.as_str().into(),
            environment: self.options.environment.as_str().into(),
            service: query.service.clone(),
            instance: query.instance.clone(),
            tail: query.tail,
            since_ms: query.since_ms,
            follow: query.follow,
        };
        let (mut streams, mut faults) = (Vec::new(), Diagnostics::default());
        for (name, cluster) in &self.options.clusters {
            match cluster.client().logs(&asked).await {
                Ok(lines) => streams.push(named(name.clone(), lines)),
                Err(error) => faults.push(agent_driver::fault(name, "tell its logs", &error)),
            }
        }
        if !faults.is_empty() {
            return Err(faults);
        }
        if query.follow || streams.len() == 1 {
            return Ok(Box::pin(stream::select_all(streams)));
        }
        Ok(Box::pin(stream::iter(merged(streams, query.tail).await)))
    }
}

fn named(
    name: ClusterName,
    lines: impl Stream<Item = Result<LogLine, ClientError>> + Send + 'static,
) -> Lines {
    Box::pin(lines.map(move |line| match line {
        Ok(line) => Ok((name.clone(), line)),
        Err(error) => Err(agent_driver::fault(&name, "tell its logs", &error).into()),
    }))
}

/// All lines of several clusters in the order of their times, the last `tail` of them. What each cluster gives is bounded by
/// what its agent keeps.
async fn merged(
    streams: Vec<Lines>,
    tail: Option<u64>,
) -> Vec<Result<(ClusterName, LogLine), Box<Diagnostic>>> {
    let (mut lines, mut faults) = (Vec::new(), Vec::new());
    for mut stream in streams {
        while let Some(item) = stream.next().await {
            match item {
                Ok(line) => lines.push(line),
                Err(fault) => faults.push(Err(fault)),
            }
        }
    }
    // Stable: lines of one cluster stay in its order where times are equal.
    lines.sort_by_key(|(_, line)| line.at_ms);
    let skip = tail.map_or(0, |tail| lines.len().saturating_sub(usize::try_from(tail).unwrap_or(usize::MAX)));
    lines.into_iter().skip(skip).map(Ok).chain(faults).collect()
}
