//! Starting an instance: a folder, a network, and a supervisor that takes over.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use agent_api::{InstanceId, InstanceSpec, InstanceStatus, Sandbox};
use nix::unistd::Pid;

use super::ports::{self, INSTANCE_PORTS, LOOPBACK};
use super::{Entry, folder};
use crate::error::Refused;
use crate::hidden::SUPERVISE;
use crate::order::{ContainerOrder, Order, SandboxOrder};
use crate::record::{self, Kept, Readiness, Record, now_ms};
use crate::sandbox::program::DEFAULT_PATH;
use crate::supervisor::{TAKEN_OVER, place};
use crate::{Agent, admission, kernel, sandbox};

/// Starts an instance, or answers what is there of it.
pub(crate) async fn start(agent: Arc<Agent>, spec: InstanceSpec) -> Result<InstanceStatus, Refused> {
    admission::instance(&spec)?;
    let _claim = agent.instances.claim(&spec.id).await;
    if let Some(there) = agent.instances.status(&spec.id) {
        if there.spec_hash != spec.spec_hash || there.service != spec.service {
            return Err(Refused::conflict(format!("instance {} is there with another description", spec.id))
                .hint("stop and remove it first, or choose another id"));
        }
        if !there.phase.is_over() {
            return Ok(there);
        }
    }
    if agent.ending.is_cancelled() {
        return Err(Refused::unavailable("the agent is ending"));
    }
    // Until it is in the table, nothing else tells that its image is needed.
    let _images = agent.images_gate.read().await;
    let prepared = Prepared::of(&agent, &spec).await?;
    agent.instances.release_address(&agent, &spec.id);
    let Prepared { sandbox, image, missing } = prepared;
    let place = Place::find(&agent, &spec)?;
    let result = launch(&agent, &spec, sandbox, &image, &place, missing).await;
    if result.is_err() {
        agent.instances.forget(&spec.id);
        place.give_back(&agent);
    }
    result
}

async fn launch(
    agent: &Arc<Agent>,
    spec: &InstanceSpec,
    mut sandbox: SandboxOrder,
    image: &oci::RunConfig,
    place: &Place,
    missing: Vec<String>,
) -> Result<InstanceStatus, Refused> {
    let id = &spec.id;
    let path = agent.dir.instance(id);
    let failed =
        |fault: std::io::Error| Refused::failed(&format!("instance {id} could not be started"), &fault);
    let renewed = path.clone();
    blocking(move || folder::renew(&renewed)).await?.map_err(failed)?;
    let mut network = None;
    if let (SandboxOrder::Container(container), Some(own), Some(ours)) =
        (&mut sandbox, place.own_network, &agent.network)
    {
        let file = ours.attach(&id.0, own).await.map_err(failed)?;
        container.network = Some(sandbox::path_of(&file));
        container.address = own.to_string();
        network = Some(file);
    }
    if let SandboxOrder::Process { directory } = &mut sandbox
        && directory.as_os_str().is_empty()
    {
        *directory = path.join("directory");
        crate::data_dir::private_folder(directory).map_err(failed)?;
    }
    let mut env = environment(spec, image, place);
    if matches!(sandbox, SandboxOrder::Process { .. }) {
        let search = std::env::var("PATH").unwrap_or_else(|_| DEFAULT_PATH.into());
        env.entry("PATH".into()).or_insert(search);
    }
    let order = Order {
        id: id.clone(),
        folder: path.clone(),
        notify: agent.dir.notify(),
        command: command(spec, image),
        env,
        resources: spec.resources.clone(),
        cgroup: agent.hierarchy.as_ref().map(|hierarchy| hierarchy.of_instance(&id.0)),
        restart: spec.restart.clone(),
        stop: spec.stop.clone(),
        sandbox,
    };
    let kept = Kept {
        spec: InstanceSpec { env: BTreeMap::new(), ..spec.clone() },
        address: place.address.clone(),
        ports: place.ports.clone(),
        started_at_ms: now_ms(),
        missing_isolation: missing,
        retires_at_ms: None,
        directory: match &order.sandbox {
            SandboxOrder::Container(container) => container.directory.clone(),
            SandboxOrder::Process { directory } => directory.to_string_lossy().into_owned(),
        },
    };
    record::write_json(&place::spec(&path), &kept).map_err(failed)?;
    let binary = agent.options.binary.clone();
    let log = path.join("supervisor");
    let child = blocking(move || spawn_supervisor(&binary, &log, &order))
        .await?
        .map_err(|fault| Refused::failed(&format!("instance {id} could not be started"), &fault))?;
    // The supervisor holds the network now.
    drop(network);
    let pid = i32::try_from(child.id())
        .map(Pid::from_raw)
        .map_err(|fault| Refused::failed("read a process id", &fault))?;
    let supervisor = Arc::new(kernel::pidfd_open(pid).map_err(failed)?);
    agent.instances.insert(Entry {
        kept,
        record: Record::starting(),
        readiness: Readiness::default(),
        supervisor: Some(supervisor.clone()),
        stop_asked: false,
    });
    if agent.taking_down.load(Ordering::SeqCst) {
        // The list of what is to be stopped may have been read before this one was in it.
        let _ = super::stop(agent, id);
    }
    super::refresh(agent, id);
    tokio::spawn(super::follow_supervisor(agent.clone(), id.clone(), supervisor, Some(child)));
    agent.instances.status(id).ok_or_else(|| Refused::unknown(format!("instance {id} was removed meanwhile")))
}

/// What stands around an instance's program, resolved.
struct Prepared {
    sandbox: SandboxOrder,
    image: oci::RunConfig,
    missing: Vec<String>,
}

impl Prepared {
    async fn of(agent: &Agent, spec: &InstanceSpec) -> Result<Self, Refused> {
        let mut missing = agent.missing.clone();
        let digest = match &spec.sandbox {
            Sandbox::Container { image } => admission::digest(image)?,
            Sandbox::Process { directory } => {
                let directory = directory.clone().map(PathBuf::from).unwrap_or_default();
                let image = oci::RunConfig::default();
                return Ok(Self { sandbox: SandboxOrder::Process { directory }, image, missing });
            }
        };
        let (layout, layers, rootless) = (agent.layout.clone(), agent.dir.layers(), agent.rootless);
        let found = blocking(move || crate::images::unpacked(&layout, &layers, &digest, rootless)).await?;
        let (config, folders) = found.map_err(|fault| {
            Refused::conflict(format!("image {digest} cannot be used: {}", diag::with_causes(&fault)))
                .hint("put the image's blobs and then the image into the agent first")
        })?;
        if rootless && !matches!(config.user.as_str(), "" | "0" | "root" | "0:0" | "root:root") {
            missing.push(format!(
                "The image's user `{}` is not used: the agent is not root, so that its own user is the only one.",
                config.user
            ));
        }
        let sandbox = SandboxOrder::Container(ContainerOrder {
            layers: folders,
            rootless,
            network: None,
            address: LOOPBACK.into(),
            directory: config.working_dir.clone(),
            user: config.user.clone(),
        });
        Ok(Self { sandbox, image: config, missing })
    }
}

/// Where an instance is reached.
struct Place {
    address: String,
    ports: BTreeMap<String, u16>,
    own_network: Option<std::net::Ipv4Addr>,
}

impl Place {
    fn find(agent: &Agent, spec: &InstanceSpec) -> Result<Self, Refused> {
        if let (Sandbox::Container { .. }, Some(network)) = (&spec.sandbox, &agent.network) {
            let own = network
                .allocate()
                .ok_or_else(|| Refused::unavailable("every address of the agent is in use"))?;
            let ports = spec.ports.iter().map(|port| (port.name.clone(), port.container)).collect();
            return Ok(Self { address: own.to_string(), ports, own_network: Some(own) });
        }
        // Two starts at once must not be given the same port before either is in the table.
        let mut reserved = agent.reserved_ports.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let known = agent.instances.host_ports();
        let mut ports = BTreeMap::new();
        for port in &spec.ports {
            let taken = known.union(&reserved).copied().collect();
            let address = std::net::Ipv4Addr::LOCALHOST.into();
            let found = ports::find(address, &INSTANCE_PORTS, agent.seed, &taken)
                .ok_or_else(|| Refused::unavailable("every port for instances is in use"))?;
            reserved.insert(found);
            ports.insert(port.name.clone(), found);
        }
        Ok(Self { address: LOOPBACK.into(), ports, own_network: None })
    }

    fn give_back(&self, agent: &Agent) {
        match (&agent.network, self.own_network) {
            (Some(network), Some(_)) => network.release(&self.address),
            _ => agent.release_ports(self.ports.values()),
        }
    }
}

impl super::Instances {
    /// Gives back where an instance that is over was reached, before it is started anew.
    fn release_address(&self, agent: &Agent, id: &InstanceId) {
        if let Some(entry) = self.forget(id) {
            agent.release(&entry);
        }
    }
}

/// The image's environment, the service's over it, and the ports over both.
fn environment(spec: &InstanceSpec, image: &oci::RunConfig, place: &Place) -> BTreeMap<String, String> {
    let mut env: BTreeMap<String, String> = image
        .env
        .iter()
        .filter_map(|entry| entry.split_once('='))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    env.extend(spec.env.clone());
    // A network of its own holds nothing but the instance, so that all of its addresses are private.
    let host = if place.own_network.is_some() { "0.0.0.0" } else { "127.0.0.1" };
    env.entry("HOST".into()).or_insert_with(|| host.into());
    for (at, port) in spec.ports.iter().enumerate() {
        let Some(number) = place.ports.get(&port.name) else { continue };
        env.insert(admission::variable(&port.name), number.to_string());
        if at == 0 {
            env.insert("PORT".into(), number.to_string());
        }
    }
    env
}

fn command(spec: &InstanceSpec, image: &oci::RunConfig) -> Vec<String> {
    if spec.command.is_empty() {
        image.entrypoint.iter().chain(&image.cmd).cloned().collect()
    } else {
        spec.command.clone()
    }
}

/// Starts a supervisor and waits until it has taken over.
fn spawn_supervisor(binary: &Path, log: &Path, order: &Order) -> Result<Child, String> {
    let text = serde_json::to_vec(order).map_err(|fault| fault.to_string())?;
    let errors = record::private_file(log).map_err(|fault| format!("{}: {fault}", log.display()))?;
    let mut child = Command::new(binary)
        .arg(SUPERVISE)
        .env_clear()
        .current_dir("/")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(errors)
        .spawn()
        .map_err(|fault| format!("{}: {fault}", binary.display()))?;
    let answer = hand_over(&mut child, &text);
    match answer {
        Ok(answer) if answer == TAKEN_OVER => Ok(child),
        Ok(answer) => {
            let _ = child.wait();
            let said = if answer.is_empty() { end_of(log) } else { answer };
            Err(format!("its supervisor did not take over: {said}"))
        }
        Err(fault) => {
            let _ = child.kill();
            let _ = child.wait();
            Err(format!("its supervisor did not take over: {fault}"))
        }
    }
}

fn hand_over(child: &mut Child, text: &[u8]) -> std::io::Result<String> {
    if let Some(mut input) = child.stdin.take() {
        input.write_all(text)?;
    }
    let mut answer = String::new();
    if let Some(output) = child.stdout.take() {
        output.take(4096).read_to_string(&mut answer)?;
    }
    Ok(answer)
}

fn end_of(log: &Path) -> String {
    let mut text = String::new();
    if let Ok(file) = File::open(log) {
        // What cannot be read says no less than an empty text.
        let _ = file.take(4096).read_to_string(&mut text);
    }
    text.trim().to_owned()
}

/// Runs what waits for the disk or for another process where it holds nothing up.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, Refused> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|fault| Refused::failed("a task of the agent ended early", &fault))
}
