//! What the tests share: an agent that is stopped whatever happens, and an image with busybox in it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use agent_api::{
    Client, HealthCheck, InstanceId, InstanceSpec, InstanceStatus, LogLine, Phase, PortSpec, Probe,
    Resources, RestartPolicy, Sandbox, ServiceKey, StopPolicy,
};

use sha2::{Digest as _, Sha256};

/// Far beyond what anything here takes; only a test that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent in a folder of its own.
pub struct Rig {
    pub client: Client,
    pub dir: PathBuf,
    process: Option<Child>,
    user: Option<u32>,
    /// What is run as the agent.
    program: PathBuf,
    folder: tempfile::TempDir,
}

/// Whether this machine lets us make sandboxes as root; says why not.
pub fn root() -> bool {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: not root");
        return false;
    }
    if busybox().is_none() {
        eprintln!("skipped: there is no static busybox");
        return false;
    }
    true
}

pub fn busybox() -> Option<PathBuf> {
    let found =
        ["/bin/busybox", "/usr/bin/busybox"].map(PathBuf::from).into_iter().find(|path| path.exists())?;
    // A dynamic one would miss its libraries in the image.
    let bytes = fs::read(&found).ok()?;
    let interpreted = bytes.windows(10).take(4096).any(|window| window == b"ld-linux-x");
    (!interpreted).then_some(found)
}

impl Rig {
    pub async fn start() -> Self {
        Self::start_as(None).await
    }

    /// With another user's rights, if one is given.
    pub async fn start_as(user: Option<u32>) -> Self {
        let folder = tempfile::Builder::new().prefix("agent-").tempdir().expect("a folder");
        let dir = folder.path().join("data");
        if let Some(user) = user {
            fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).expect("opened");
            std::os::unix::fs::chown(folder.path(), Some(user), Some(user)).expect("given away");
        }
        let client = Client::new(dir.join("agent.sock"));
        let mut rig = Self { client, dir, process: None, user, program: binary(), folder };
        rig.launch().await;
        rig
    }

    /// Starts the agent, and waits until it answers.
    pub async fn launch(&mut self) {
        self.launch_program().await;
    }

    /// Kills the agent and starts another program's, as an upgrade does.
    pub async fn upgrade(&mut self) {
        self.kill();
        let fresh = self.folder.path().join("agent-upgraded");
        fs::copy(&self.program, &fresh).expect("copied");
        self.program = fresh;
        self.launch_program().await;
    }

    async fn launch_program(&mut self) {
        let mut command = match self.user {
            None => Command::new(&self.program),
            Some(user) => {
                // The test's own folder may be closed to other users, so the program is copied to an open one.
                let copy = self.folder.path().join("agent-under-test");
                if !copy.exists() {
                    fs::copy(binary(), &copy).expect("copied");
                }
                let mut command = Command::new("setpriv");
                command.args([&format!("--reuid={user}"), &format!("--regid={user}")]);
                command.arg("--clear-groups").arg(copy);
                command
            }
        };
        let log = fs::File::options().create(true).append(true).open(self.folder.path().join("agent.log"));
        let process = command
            .arg(&self.dir)
            .arg("127.0.0.1:0")
            .current_dir("/")
            .stdin(Stdio::null())
            .stderr(log.expect("a log"))
            .spawn()
            .expect("the agent starts");
        self.process = Some(process);
        let started = Instant::now();
        while let Err(fault) = self.client.info().await {
            let ended = self.process.as_mut().and_then(|process| process.try_wait().ok().flatten());
            assert!(ended.is_none() && started.elapsed() < PATIENCE, "{fault}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    pub fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("agent.log")).unwrap_or_default()
    }

    /// SIGKILL, and wait.
    pub fn kill(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("killed");
        process.wait().expect("waited");
    }

    /// Stops everything and checks that nothing is left. Call it at the end of each test.
    pub async fn finish(mut self) {
        self.client.shutdown_all().await.expect("it ends");
        let mut process = self.process.take().expect("it runs");
        tokio::task::spawn_blocking(move || process.wait()).await.expect("joined").expect("waited");
        let left = processes_of(&self.dir);
        assert!(left.is_empty(), "left running: {left:?}");
        let links = fs::read_dir("/sys/class/net").expect("links").flatten();
        let names: Vec<String> = links.map(|link| link.file_name().to_string_lossy().into_owned()).collect();
        let bridge =
            format!("ms-{}", hex::encode(&Sha256::digest(self.dir.as_os_str().as_encoded_bytes())[..4]));
        assert!(!names.contains(&bridge), "left: {names:?}");
        let mounts = fs::read_to_string("/proc/self/mountinfo").expect("mounts");
        assert!(!mounts.contains(&self.dir.display().to_string()), "left mounted: {mounts}");
    }

    pub async fn spec(&self, id: &str, script: &str) -> InstanceSpec {
        InstanceSpec {
            sandbox: Sandbox::Container { image: self.image().await },
            ..process(id, &["/bin/sh", "-c", script])
        }
    }

    /// Builds the image with busybox, and puts it into the agent where it is not there yet.
    pub async fn image(&self) -> String {
        let layout = self.layout();
        let layout_path = layout.root().to_path_buf();
        let built = tokio::task::spawn_blocking(move || build_image(&layout)).await.expect("joined");
        let layout = oci::Layout::open(layout_path).expect("opened");
        self.put(&layout, &built).await;
        built.to_string()
    }

    pub fn layout(&self) -> oci::Layout {
        oci::Layout::create(self.folder.path().join("client-images")).expect("a layout")
    }

    pub async fn put(&self, layout: &oci::Layout, digest: &oci::Digest) {
        if self.client.has_image(&digest.to_string()).await.expect("asked") {
            return;
        }
        let image = layout.image(digest).expect("the image");
        let mut blobs: Vec<oci::Digest> = image.layers().map(|layer| layer.descriptor.digest).collect();
        blobs.extend([image.manifest.config.digest, *digest]);
        for blob in blobs {
            let size = layout.blob_size(&blob).expect("a size");
            let file = tokio::fs::File::from_std(layout.open_blob(&blob).expect("a blob"));
            self.client.put_blob(&blob.to_string(), size, file).await.expect("the blob is taken");
        }
        self.client.put_image(&digest.to_string()).await.expect("the image is taken");
    }

    /// Starts an instance, and waits until it is in one of the phases.
    pub async fn run(&self, spec: &InstanceSpec, phases: &[Phase]) -> InstanceStatus {
        self.client.start(spec).await.unwrap_or_else(|fault| panic!("{fault}\n{}", self.log()));
        self.until(&spec.id, |status| phases.contains(&status.phase)).await
    }

    /// Waits until an instance is as wanted.
    pub async fn until(&self, id: &InstanceId, wanted: impl Fn(&InstanceStatus) -> bool) -> InstanceStatus {
        let started = Instant::now();
        let mut after = 0;
        loop {
            let list = self.client.watch("shop", "dev", None, after, 1_000).await.expect("watched");
            after = list.version;
            let status = list.instances.into_iter().find(|status| status.id == *id);
            if let Some(status) = status.clone().filter(&wanted) {
                return status;
            }
            if started.elapsed() > PATIENCE {
                let tail = self.client.tail(id, 20).await;
                panic!("it never came: {status:?}\n{tail:?}\n{}", self.log());
            }
        }
    }

    /// A file of a running container, as it sees it.
    pub fn inside(&self, status: &InstanceStatus, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root", status.pid.expect("it runs"))).join(path)
    }

    pub async fn stop(&self, id: &InstanceId) -> InstanceStatus {
        self.client.stop(id).await.expect("told to stop");
        self.until(id, |status| status.phase.is_over()).await
    }

    /// What the program of an instance wrote.
    pub async fn output(&self, id: &InstanceId) -> String {
        let lines = self.client.tail(id, 1_000).await.expect("lines");
        let own = lines.into_iter().filter(|line: &LogLine| line.stream != "mainstay");
        own.map(|line| line.text + "\n").collect()
    }
}

impl Drop for Rig {
    /// A test that failed leaves nothing running either.
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let client = self.client.clone();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async {
                tokio::time::timeout(Duration::from_secs(20), client.shutdown_all()).await.ok()?.ok()
            })
        });
        let _ = ended.join();
        let _ = process.kill();
        let _ = process.wait();
        for pid in processes_of(&self.dir) {
            let _ =
                nix::sys::signal::kill(nix::unistd::Pid::from_raw(pid), nix::sys::signal::Signal::SIGKILL);
        }
    }
}

/// Processes whose command line or working directory names the folder.
fn processes_of(dir: &Path) -> Vec<i32> {
    let name = dir.display().to_string();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc").expect("proc").flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        let command = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let directory = fs::read_link(entry.path().join("cwd")).unwrap_or_default();
        if String::from_utf8_lossy(&command).contains(&name) || directory.starts_with(dir) {
            found.push(pid);
        }
    }
    found
}

/// The example `agent-under-test`, which cargo builds beside the tests.
fn binary() -> PathBuf {
    let mut path = std::env::current_exe().expect("own path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("examples/agent-under-test");
    assert!(path.exists(), "{} is not built", path.display());
    path
}

fn build_image(layout: &oci::Layout) -> oci::Digest {
    let folder = tempfile::tempdir().expect("a folder");
    let bin = folder.path().join("bin");
    fs::create_dir(&bin).expect("made");
    fs::copy(busybox().expect("busybox"), bin.join("busybox")).expect("copied");
    for applet in APPLETS {
        std::os::unix::fs::symlink("busybox", bin.join(applet)).expect("linked");
    }
    let layer = oci::LayerSpec { files: vec![oci::FileEntry::new(&bin, "/bin")], programs: Vec::new() };
    build(layout, vec![layer], oci::Settings::default())
}

/// An image of these layers.
pub fn build(layout: &oci::Layout, layers: Vec<oci::LayerSpec>, settings: oci::Settings) -> oci::Digest {
    let spec = oci::BuildSpec {
        base: oci::Base::Scratch,
        platform: oci::Platform::host(),
        layers,
        settings,
        name: None,
    };
    oci::build(&spec, layout).expect("built").digest
}

const APPLETS: [&str; 28] = [
    "sh", "cat", "chroot", "dd", "echo", "env", "false", "grep", "head", "hostname", "httpd", "id", "kill",
    "ls", "mkdir", "mknod", "mount", "nc", "ps", "pwd", "readlink", "setsid", "sleep", "tail", "touch",
    "true", "unshare", "wget",
];

/// A service of the tests.
pub fn service(name: &str) -> ServiceKey {
    ServiceKey { project: "shop".into(), environment: "dev".into(), service: name.into() }
}

/// A process of the host that is not restarted and is given a short time to stop.
pub fn process(id: &str, command: &[&str]) -> InstanceSpec {
    InstanceSpec {
        id: InstanceId(id.into()),
        service: service("web"),
        spec_hash: "1".into(),
        sandbox: Sandbox::Process { directory: None },
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        env: BTreeMap::new(),
        ports: Vec::new(),
        resources: Resources::default(),
        health: None,
        restart: RestartPolicy { attempts: 0, window_ms: 60_000, backoff_ms: 10, success_is_final: true },
        stop: StopPolicy { signal: "SIGTERM".into(), grace_ms: 2_000 },
    }
}

pub fn port(name: &str, container: u16) -> PortSpec {
    PortSpec { name: name.into(), container }
}

pub fn check(probe: Probe) -> HealthCheck {
    HealthCheck { probe, interval_ms: 50, timeout_ms: 2_000, passes: 2, failures: 2 }
}
