//! Instances: what is asked for, and what is seen.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

/// Names one running copy of a service. Unique on an agent; chosen by the client, so that starting twice is starting once.
///
/// Lower-case letters, digits and `-`, at most 63 characters (it is also the host name inside a container).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct InstanceId(pub String);

impl fmt::Display for InstanceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Names a service on an agent: environments of one or of several projects may share a machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ServiceKey {
    /// The project's name.
    pub project: String,
    /// The environment's name.
    pub environment: String,
    /// The service's name.
    pub service: String,
}

impl fmt::Display for ServiceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}/{}", self.project, self.environment, self.service)
    }
}

/// Everything the agent needs to run one instance.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceSpec {
    /// The instance's id.
    pub id: InstanceId,
    /// The service that it is a copy of.
    pub service: ServiceKey,
    /// Hash of the service's description that this instance was made from; opaque to the agent.
    pub spec_hash: String,
    /// How it is run.
    pub sandbox: Sandbox,
    /// Program and arguments. Empty: the image's own. `$(NAME)` is replaced by the variable of that name, as in Kubernetes.
    #[serde(default)]
    pub command: Vec<String>,
    /// Environment variables, over the image's own. The agent adds `PORT_<NAME>` for each port, `PORT` for the first,
    /// and `HOST`, the address to listen on, unless it is given.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Ports that the program listens on.
    #[serde(default)]
    pub ports: Vec<PortSpec>,
    /// Limits.
    #[serde(default)]
    pub resources: Resources,
    /// The readiness check. None: ready as soon as it runs.
    #[serde(default)]
    pub health: Option<HealthCheck>,
    /// What happens when the program exits.
    #[serde(default)]
    pub restart: RestartPolicy,
    /// How it is stopped.
    #[serde(default)]
    pub stop: StopPolicy,
}

/// How an instance is isolated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Sandbox {
    /// Namespaces and a root of its own, unpacked from an image that was put into the agent before.
    Container {
        /// Digest of the image's manifest, `sha256:…`.
        image: String,
    },
    /// A program of the host under limits and supervision, in the host's network.
    Process {
        /// Where it runs; absolute. None: a fresh folder of its own.
        #[serde(default)]
        directory: Option<String>,
    },
}

/// A port that the program listens on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PortSpec {
    /// The port's name, such as `http`.
    pub name: String,
    /// The port inside a container. Where the instance has no network of its own the agent picks a free one and says which in
    /// `PORT_<NAME>`.
    pub container: u16,
}

/// Limits; `None` is no limit.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Resources {
    /// Processor time in thousandths of a core.
    #[serde(default)]
    pub cpu_millis: Option<u64>,
    /// Memory in bytes.
    #[serde(default)]
    pub memory_bytes: Option<u64>,
    /// Processes and threads.
    #[serde(default)]
    pub pids: Option<u64>,
}

/// A readiness check, made by the agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    /// What is asked.
    pub probe: Probe,
    /// Milliseconds between two checks.
    pub interval_ms: u64,
    /// Milliseconds after which an answer counts as none.
    pub timeout_ms: u64,
    /// Consecutive passes that make an instance ready.
    pub passes: u32,
    /// Consecutive failures that make a ready instance unready.
    pub failures: u32,
}

/// What a readiness check asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Probe {
    /// A GET that answers with a status from 200 to 399.
    Http {
        /// Name of the port.
        port: String,
        /// Path, starting with `/`.
        path: String,
    },
    /// A connection that is accepted.
    Tcp {
        /// Name of the port.
        port: String,
    },
    /// A program, run inside the sandbox, that exits with 0.
    Command {
        /// Program and arguments.
        command: Vec<String>,
    },
}

/// What happens when the program exits by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartPolicy {
    /// Restarts within the window; one more exit is a failure.
    pub attempts: u32,
    /// The window in milliseconds.
    pub window_ms: u64,
    /// The first wait in milliseconds; doubled at each restart.
    pub backoff_ms: u64,
    /// Whether an exit code of 0 ends the instance as `exited` instead of being restarted (for one-off tasks).
    #[serde(default)]
    pub success_is_final: bool,
}

impl Default for RestartPolicy {
    /// 3 times in 5 minutes, from 1 s on.
    fn default() -> Self {
        Self { attempts: 3, window_ms: 300_000, backoff_ms: 1_000, success_is_final: false }
    }
}

/// How an instance is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StopPolicy {
    /// Signal name, such as `SIGTERM`.
    pub signal: String,
    /// Milliseconds until SIGKILL.
    pub grace_ms: u64,
}

impl Default for StopPolicy {
    /// SIGTERM, 30 s.
    fn default() -> Self {
        Self { signal: "SIGTERM".into(), grace_ms: 30_000 }
    }
}

/// Where an instance stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Its sandbox is being made, or its program has not passed its checks yet.
    Starting,
    /// Running, and its check passes.
    Ready,
    /// Running and once ready, but its check fails now.
    Unready,
    /// Its program exited and will be started again after a wait.
    BackingOff,
    /// Told to stop; not gone yet.
    Stopping,
    /// Ended because it was told to, or by itself with `success_is_final`.
    Exited,
    /// The restart policy is spent, or the sandbox could not be made.
    Failed,
}

impl Phase {
    /// Whether nothing of it runs any more and nothing will.
    #[must_use]
    pub fn is_over(self) -> bool {
        matches!(self, Self::Exited | Self::Failed)
    }
}

/// One instance as the agent sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    /// Its id.
    pub id: InstanceId,
    /// Its service.
    pub service: ServiceKey,
    /// The description that it was made from.
    pub spec_hash: String,
    /// Digest of its image; none for a process.
    #[serde(default)]
    pub image: Option<String>,
    /// Where it stands.
    pub phase: Phase,
    /// Process id of the program on the host, while it runs.
    #[serde(default)]
    pub pid: Option<u32>,
    /// Host name or address under which its ports are reached from this machine.
    pub address: String,
    /// Port numbers on that address, by name.
    pub ports: BTreeMap<String, u16>,
    /// When it was first started; Unix milliseconds.
    pub started_at_ms: u64,
    /// Since when it has been ready without a break; Unix milliseconds.
    #[serde(default)]
    pub ready_since_ms: Option<u64>,
    /// Restarts so far.
    #[serde(default)]
    pub restarts: u32,
    /// How its program last ended.
    #[serde(default)]
    pub last_exit: Option<Exit>,
    /// What its check last answered, pass or fail, in one line.
    #[serde(default)]
    pub last_check: Option<CheckAnswer>,
    /// Why the sandbox could not be made or the instance failed.
    #[serde(default)]
    pub reason: Option<String>,
    /// Isolation that was asked for by default but that this agent cannot give, one sentence each.
    #[serde(default)]
    pub missing_isolation: Vec<String>,
    /// When the agent ends it, where it is only kept warm; Unix milliseconds.
    #[serde(default)]
    pub retires_at_ms: Option<u64>,
}

/// When an instance that is kept warm is to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retirement {
    /// Unix milliseconds.
    pub at_ms: u64,
}

/// The answer of one readiness check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckAnswer {
    /// Whether it passed.
    pub passed: bool,
    /// What was answered, such as `GET /healthz: 500 Internal Server Error` or `connection refused`.
    pub message: String,
    /// When; Unix milliseconds.
    pub at_ms: u64,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exit {
    /// Exit code, if it exited.
    #[serde(default)]
    pub code: Option<i32>,
    /// Name of the signal, such as `SIGKILL`, if one ended it.
    #[serde(default)]
    pub signal: Option<String>,
    /// Whether the kernel killed it for its memory limit.
    #[serde(default)]
    pub out_of_memory: bool,
    /// When; Unix milliseconds.
    pub at_ms: u64,
}

impl fmt::Display for Exit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.signal, self.code) {
            _ if self.out_of_memory => f.write_str("killed: it reached its memory limit"),
            (Some(signal), _) => write!(f, "killed by {signal}"),
            (None, Some(code)) => write!(f, "exited with code {code}"),
            (None, None) => f.write_str("ended"),
        }
    }
}

/// The agent's instances that a query asked for.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct InstanceList {
    /// Grows with every change of any instance; hand it back as `after` to wait for the next.
    pub version: u64,
    /// Ordered by id.
    pub instances: Vec<InstanceStatus>,
}

/// One line of an instance's output.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogLine {
    /// The instance.
    pub instance: InstanceId,
    /// The service.
    pub service: String,
    /// When it was read; Unix milliseconds.
    pub at_ms: u64,
    /// `stdout`, `stderr`, or `mainstay` for the supervisor's own words (started, exited, restarting).
    pub stream: String,
    /// The line, without its end.
    pub text: String,
}
