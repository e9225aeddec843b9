//! What a supervisor is told when it is started: everything that it needs to run its instance without asking anybody.
//!
//! It goes through a pipe and is kept in memory only, because the environment may hold secrets.

use std::collections::BTreeMap;
use std::path::PathBuf;

use agent_api::{InstanceId, Resources, RestartPolicy, StopPolicy};
use serde::{Deserialize, Serialize};

use crate::sandbox::cgroup::Cgroup;

/// One instance, as its supervisor is told to run it.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Order {
    /// The instance.
    pub(crate) id: InstanceId,
    /// The instance's folder: lock, status, log, root.
    pub(crate) folder: PathBuf,
    /// Where the agent wants to be told of changes.
    pub(crate) notify: PathBuf,
    /// How it is isolated.
    pub(crate) sandbox: SandboxOrder,
    /// Program and arguments, before `$(NAME)` is replaced.
    pub(crate) command: Vec<String>,
    /// The whole environment.
    pub(crate) env: BTreeMap<String, String>,
    /// Limits.
    pub(crate) resources: Resources,
    /// Where limits and the whole of its processes are kept; none where this agent may not.
    pub(crate) cgroup: Option<Cgroup>,
    /// What happens when the program exits.
    pub(crate) restart: RestartPolicy,
    /// How it is stopped.
    pub(crate) stop: StopPolicy,
}

/// The isolation of one instance, resolved to paths.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum SandboxOrder {
    /// Namespaces and a root of its own.
    Container(ContainerOrder),
    /// A program of the host, started in this folder.
    Process {
        /// Its working directory.
        directory: PathBuf,
    },
}

/// A container, resolved to paths.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct ContainerOrder {
    /// Unpacked layers, the lowest first.
    pub(crate) layers: Vec<PathBuf>,
    /// Whether the agent is not root: a user namespace, the host's network, no device nodes of its own.
    pub(crate) rootless: bool,
    /// The network namespace, as a path that opens it; none: the host's.
    pub(crate) network: Option<PathBuf>,
    /// The address inside that network, for `/etc/hosts`.
    pub(crate) address: String,
    /// Working directory inside.
    pub(crate) directory: String,
    /// User as the image says it: `""`, `uid`, `uid:gid`, `name` or `name:group`.
    pub(crate) user: String,
}
