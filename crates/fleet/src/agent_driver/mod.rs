//! The driver `agent`: a cluster that is one machine with an agent on it.
//!
//! It asks and tells the agent; it decides nothing. A driver of another kind has these same functions, and
//! [`Capabilities`] says what it cannot do.

mod images;

use std::path::PathBuf;

use agent_api::{AgentInfo, Client, ClientError, InstanceList, ServiceStatus};
use diag::Diagnostic;
use engine::{ClusterName, EnvironmentName, ProjectName};

pub(crate) use images::PullError;

/// A cluster of an environment.
#[derive(Debug, Clone)]
pub struct Cluster {
    client: Client,
}

/// What a cluster can do, as data: a plan refuses what it cannot before anything is done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Capabilities {
    /// Whether programs of the host can be run, and not only images.
    pub host_programs: bool,
}

/// All services and instances of an environment in one cluster.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) services: Vec<ServiceStatus>,
    pub(crate) instances: InstanceList,
    pub(crate) info: AgentInfo,
}

impl Cluster {
    /// One machine, whose agent listens at a socket. Nothing is opened yet.
    #[must_use]
    pub fn agent(socket: impl Into<PathBuf>) -> Self {
        Self { client: Client::new(socket) }
    }

    /// What it can do.
    #[must_use]
    pub fn capabilities(&self) -> Capabilities {
        Capabilities { host_programs: true }
    }

    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// Everything of an environment, in three requests.
    pub(crate) async fn inventory(
        &self,
        project: &ProjectName,
        environment: &EnvironmentName,
    ) -> Result<Inventory, ClientError> {
        let (project, environment) = (project.as_str(), environment.as_str());
        let (services, instances, info) = tokio::try_join!(
            self.client.services(project, environment),
            self.client.instances(project, environment, None),
            self.client.info()
        )?;
        Ok(Inventory { services, instances, info })
    }
}

/// A request to a cluster's agent that did not end well, for people.
pub(crate) fn fault(cluster: &ClusterName, doing: &str, error: &ClientError) -> Diagnostic {
    let subject = format!("cluster {cluster}");
    match error {
        ClientError::Unreachable { socket, source } => {
            let message = format!("no agent answers at {}", socket.display());
            Diagnostic::error("agent-unreachable", message)
                .about(subject)
                .because(format!("to {doing}: {source}"))
                .hint("start one with `mainstay agent`, or bring the whole project up with `mainstay up`")
        }
        ClientError::Refused { refusal, .. } => {
            let fault = Diagnostic::error("agent-refused", format!("the agent refused to {doing}"))
                .about(subject)
                .because(&refusal.message);
            match &refusal.hint {
                Some(hint) => fault.hint(hint),
                None => fault,
            }
        }
        ClientError::Broken { .. } => Diagnostic::error(
            "agent-broken",
            format!("the agent gave no whole answer when asked to {doing}"),
        )
        .about(subject)
        .because(error.to_string())
        .hint(
            "it may have ended meanwhile: start it again with `mainstay agent`; instances go on without it",
        ),
    }
}
