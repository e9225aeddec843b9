//! A service's description, typed, with the platform's defaults filled in.
//!
//! It is read from the value that the language makes of a `service` block. It resolves no image, compares nothing, and asks
//! nobody.

mod attributes;
mod defaults;
mod footprint;
mod instance;
mod reach;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::net::SocketAddr;

use agent_api::{HealthCheck, Probe, Protocol, Resources, RestartPolicy, Route, StopPolicy};
use value::{Marks, Value};

use attributes::Attributes;
pub use attributes::DescriptionFault;
pub use defaults::Defaults;
pub(crate) use defaults::{default_of, is_default};
pub(crate) use footprint::Footprint;

/// A service as it is to be in one cluster.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServiceDescription {
    /// What is run.
    pub run: Run,
    /// Program and arguments in an image (empty: the image's own), or arguments of a host program.
    pub command: Vec<String>,
    /// Environment variables; sensitive ones are marked.
    pub env: BTreeMap<String, Value>,
    /// Ports, the first one first: `http` where there is one of that name, then in the order of their names.
    pub ports: Vec<Port>,
    /// The readiness check. None: ready as soon as it runs.
    pub health: Option<HealthCheck>,
    /// Routes from the cluster's entry.
    pub routes: Vec<Route>,
    /// Limits.
    pub resources: Resources,
    /// How a change is rolled out.
    pub rollout: Rollout,
    /// What happens when the program exits.
    pub restart: RestartPolicy,
    /// How an instance is stopped.
    pub stop: StopPolicy,
    /// How many instances; 0 is none.
    pub replicas: u32,
}

/// What a service runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    /// An image in a container.
    Image {
        /// As it is written: `shop/web`, `shop/web@sha256:…` or `sha256:…`.
        reference: String,
    },
    /// A program of the host: its path or name, and its first arguments.
    Program {
        /// Program and arguments.
        command: Vec<String>,
        /// Where it runs; absolute. None: a fresh folder of its own.
        directory: Option<String>,
    },
}

/// A port that the program listens on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Port {
    /// Its name.
    pub name: String,
    /// The port inside a container.
    pub container: u16,
    /// How it is balanced.
    pub protocol: Protocol,
    /// An address for clients outside, beside the stable one.
    pub publish: Option<SocketAddr>,
    /// The largest body of a request, in bytes. None: any.
    pub body_bytes_max: Option<u64>,
    /// Milliseconds until the head of an answer. None: as long as it takes.
    pub answer_ms_max: Option<u64>,
    /// Milliseconds that upgraded connections are given.
    pub upgraded_drain_ms: u64,
}

/// How a change is rolled out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rollout {
    /// How many more instances than `replicas` there may be meanwhile.
    pub surge: Surge,
    /// Milliseconds that a new instance has to be ready without a break.
    pub min_healthy_ms: u64,
    /// Milliseconds without progress after which it has failed.
    pub progress_deadline_ms: u64,
    /// Milliseconds that requests in flight are given.
    pub drain_ms: u64,
    /// In which order instances are put into the balancer and taken out of it.
    pub strategy: Strategy,
    /// Milliseconds that instances of the release before are kept without traffic; 0: they stop at once.
    pub warm_ms: u64,
}

/// In which order instances are replaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Strategy {
    /// A few at a time.
    Rolling,
    /// All new ones first, at full size; then all of them serve, and none of the old ones.
    BlueGreen,
}

/// How many more instances than `replicas` there may be during a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Surge {
    /// One, or a quarter of the replicas, the larger.
    Default,
    /// So many; at least 1.
    Count(u32),
    /// So many hundredths of the replicas, rounded up; at least one instance.
    Percent(u32),
}

impl Surge {
    /// The number of instances for a number of replicas; at least 1.
    #[must_use]
    pub fn of(self, replicas: u32) -> u32 {
        let part = |percent: u32| {
            let part = (u64::from(replicas) * u64::from(percent)).div_ceil(100);
            u32::try_from(part).unwrap_or(u32::MAX)
        };
        match self {
            Self::Default => part(25),
            Self::Count(count) => count,
            Self::Percent(percent) => part(percent),
        }
        .max(1)
    }
}

impl ServiceDescription {
    /// The longest time that an instance may take to leave by its own settings, in milliseconds: draining, then stopping.
    #[must_use]
    pub fn leave_ms(&self) -> u64 {
        let upgraded = self.ports.iter().filter(|port| port.protocol == Protocol::Http);
        let upgraded = upgraded.map(|port| port.upgraded_drain_ms).max().unwrap_or(0);
        self.rollout.drain_ms.max(upgraded).saturating_add(self.stop.grace_ms)
    }

    /// Reads a description, wholly known, from the value of a service.
    ///
    /// # Errors
    /// All that is wrong with it: parts that are not known yet, values out of their range, names of ports that there are
    /// not, secrets elsewhere than in `env`.
    pub fn read(value: &Value, defaults: &Defaults) -> Result<Self, Vec<DescriptionFault>> {
        let faults = RefCell::new(Vec::new());
        let service = Attributes::new("", value, &faults);
        refuse_secrets(value, &service);
        let ports = reach::ports(&service, defaults);
        let description = Self {
            run: run(&service),
            command: service.texts("command").unwrap_or_default(),
            env: env(&service),
            health: health(&service, &ports, defaults),
            routes: reach::routes(&service, &ports),
            resources: resources(&service),
            rollout: rollout(&service, defaults),
            restart: restart(&service),
            stop: stop(&service),
            replicas: service.small_count("replicas").unwrap_or(1),
            ports,
        };
        let faults = faults.into_inner();
        if faults.is_empty() { Ok(description) } else { Err(faults) }
    }
}

/// The agent keeps everything but `env` in clear on its disk, so nothing else may be secret.
fn refuse_secrets(value: &Value, service: &Attributes<'_>) {
    for (name, attribute) in value.as_entries().into_iter().flatten() {
        let marks = attribute.marks_deep().union(value.marks());
        if marks.contains(Marks::EPHEMERAL) {
            service.fault(
                name,
                "an ephemeral value is in it, and a service's description is kept; pass it another way",
            );
        } else if marks.contains(Marks::SENSITIVE) && name.as_ref() != "env" {
            let way_out = "a sensitive value is in it, and only `env` may have one; put it there and write `$(NAME)` here";
            service.fault(name, way_out);
        }
    }
}

fn run(service: &Attributes<'_>) -> Run {
    let (image, program) = (service.text("image"), service.texts("program"));
    match (image, program.filter(|program| !program.is_empty())) {
        (Some(reference), None) => return Run::Image { reference },
        (None, Some(command)) => {
            let directory = service.text("directory");
            if directory.as_deref().is_some_and(|it| !it.starts_with('/')) {
                service.fault("directory", "it has to be an absolute path");
            }
            return Run::Program { command, directory };
        }
        (Some(_), Some(_)) => {
            service.fault("program", "`image` and `program` exclude each other; leave one out")
        }
        (None, None) => service.fault("image", "a service needs an `image`, or a `program` of the host"),
    }
    Run::Program { command: Vec::new(), directory: None }
}

fn env(service: &Attributes<'_>) -> BTreeMap<String, Value> {
    let Some(env) = service.value("env") else { return BTreeMap::new() };
    let marks = env.marks();
    let entries = env.as_entries().into_iter().flatten().filter(|(_, value)| !value.is_null());
    let mut variables = BTreeMap::new();
    for (name, value) in entries {
        if name.is_empty() || name.contains(['=', '\0']) {
            service.fault("env", format!("{name:?} cannot be the name of a variable"));
        }
        match value.as_str() {
            Some(text) if text.contains('\0') => {
                service.fault("env", format!("`{name}` has a zero byte in it"))
            }
            Some(_) => {
                variables.insert(name.to_string(), value.clone().with_marks(marks));
            }
            None => service.fault("env", format!("`{name}` is not a text")),
        }
    }
    variables
}

/// The port that a part of the description names, or the first.
fn named_port(part: &Attributes<'_>, ports: &[Port], first: Option<&Port>) -> Option<String> {
    let names = || ports.iter().map(|port| port.name.as_str()).collect::<Vec<_>>().join("`, `");
    match part.text("port") {
        Some(name) if ports.iter().any(|port| port.name == name) => Some(name),
        Some(name) if ports.is_empty() => {
            part.fault("port", format!("there is no port `{name}`: the service has no `port` block"));
            None
        }
        Some(name) => {
            part.fault("port", format!("there is no port `{name}`; there is `{}`", names()));
            None
        }
        None if first.is_none() => {
            part.fault("port", "the service has no `port` block that it could be for");
            None
        }
        None => first.map(|port| port.name.clone()),
    }
}

fn health(service: &Attributes<'_>, ports: &[Port], defaults: &Defaults) -> Option<HealthCheck> {
    let health = service.nested("health");
    if !health.is_there() {
        return None;
    }
    let (http, tcp) = (health.text("http"), health.flag("tcp").unwrap_or(false));
    let command = health.texts("command").filter(|command| !command.is_empty());
    let kinds = usize::from(http.is_some()) + usize::from(tcp) + usize::from(command.is_some());
    if kinds != 1 {
        health.fault("http", "a check asks exactly one of `http`, `tcp` and `command`");
        return None;
    }
    let probe = match (http, command) {
        (Some(path), _) => {
            if !path.starts_with('/') {
                health.fault("http", format!("`{path}` is not a path; it starts with `/`"));
            }
            let port = named_port(&health, ports, ports.first())?;
            if ports.iter().any(|it| it.name == port && it.protocol == Protocol::H2c) {
                let way_out = "ask with `tcp` or `command`, or another port";
                health.fault("http", format!("port `{port}` is `h2c`, and checks speak HTTP/1.1; {way_out}"));
            }
            Probe::Http { port, path }
        }
        (None, Some(command)) => Probe::Command { command },
        (None, None) => Probe::Tcp { port: named_port(&health, ports, ports.first())? },
    };
    let at_least_1 = |name: &str, otherwise: u32| {
        let count = health.small_count(name).unwrap_or(otherwise);
        if count == 0 {
            health.fault(name, "it is at least 1");
        }
        count
    };
    let check = HealthCheck {
        probe,
        interval_ms: health.milliseconds("interval").unwrap_or(defaults.interval_ms),
        timeout_ms: health.milliseconds("timeout").unwrap_or(defaults.timeout_ms),
        passes: at_least_1("passes", defaults.passes),
        failures: at_least_1("failures", defaults.failures),
    };
    for (name, ms) in [("interval", check.interval_ms), ("timeout", check.timeout_ms)] {
        if ms == 0 {
            health.fault(name, "it is longer than no time");
        }
    }
    Some(check)
}

fn resources(service: &Attributes<'_>) -> Resources {
    let resources = service.nested("resources");
    let cpu_millis = resources.value("cpu").and_then(|cpu| {
        let millis = cpu.as_number().map(|cores| cores.to_f64() * 1000.0).filter(|millis| *millis >= 1.0);
        if millis.is_none() {
            resources.fault("cpu", format!("it is a number of cores from 0.001 on, and not {cpu}"));
        }
        // A float becomes the nearest integer that there is: far above any machine's cores it is simply no limit.
        millis.map(|millis| millis.round() as u64)
    });
    let memory_bytes = resources.bytes("memory");
    // Below this no program of any kind starts, and a slip of the pen (`256` for `256Mi`) is told apart from a failing one.
    if memory_bytes.is_some_and(|bytes| bytes < 1 << 20) {
        resources.fault("memory", "less than 1Mi is not enough for any program");
    }
    Resources { cpu_millis, memory_bytes, pids: resources.count("pids") }
}

fn rollout(service: &Attributes<'_>, defaults: &Defaults) -> Rollout {
    let rollout = service.nested("rollout");
    let surge = rollout.value("surge").map_or(Surge::Default, |value| {
        let percent = |text: &str| text.trim().strip_suffix('%').and_then(|text| text.trim().parse().ok());
        let surge = match (value.as_str(), value.as_number()) {
            (Some(text), _) => {
                percent(text).map(Surge::Percent).or_else(|| text.trim().parse().ok().map(Surge::Count))
            }
            (None, Some(_)) => rollout.small_count("surge").map(Surge::Count),
            (None, None) => None,
        };
        match surge {
            Some(Surge::Count(0) | Surge::Percent(0)) | None => {
                rollout.fault(
                    "surge",
                    format!("it is a number from 1 on or a percentage like `\"25%\"`, and not {value}"),
                );
                Surge::Default
            }
            Some(surge) => surge,
        }
    });
    let it = Rollout {
        surge,
        min_healthy_ms: rollout.milliseconds("min_healthy").unwrap_or(defaults.min_healthy_ms),
        progress_deadline_ms: rollout
            .milliseconds("progress_deadline")
            .unwrap_or(defaults.progress_deadline_ms),
        drain_ms: rollout.milliseconds("drain").unwrap_or(defaults.drain_ms),
        strategy: match rollout.text("strategy").as_deref() {
            Some("blue_green") => Strategy::BlueGreen,
            None | Some("rolling") => Strategy::Rolling,
            Some(other) => {
                rollout.fault("strategy", format!("it is `rolling` or `blue_green`, and not `{other}`"));
                Strategy::Rolling
            }
        },
        warm_ms: rollout.milliseconds("warm").unwrap_or(defaults.warm_ms),
    };
    if it.progress_deadline_ms <= it.min_healthy_ms {
        rollout.fault(
            "progress_deadline",
            "it has to be longer than `min_healthy`, or no rollout could succeed",
        );
    }
    it
}

fn restart(service: &Attributes<'_>) -> RestartPolicy {
    let restart = service.nested("restart");
    let otherwise = RestartPolicy::default();
    RestartPolicy {
        attempts: restart.small_count("attempts").unwrap_or(otherwise.attempts),
        window_ms: restart.milliseconds("window").unwrap_or(otherwise.window_ms),
        backoff_ms: restart.milliseconds("backoff").unwrap_or(otherwise.backoff_ms),
        success_is_final: otherwise.success_is_final,
    }
}

fn stop(service: &Attributes<'_>) -> StopPolicy {
    let stop = service.nested("stop");
    let otherwise = StopPolicy::default();
    StopPolicy {
        signal: stop.text("signal").unwrap_or(otherwise.signal),
        grace_ms: stop.milliseconds("grace").unwrap_or(otherwise.grace_ms),
    }
}
