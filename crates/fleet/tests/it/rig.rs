//! What the tests share: an agent that is stopped whatever happens, and services described in the language.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use agent_api::Client;
use engine::{
    Action, Address, ApplyFailure, ApplyRequest, ChangeRequest, ClusterName, DeploymentId, EnvironmentName,
    Event, Events, PlannedChange, ProjectName, Provider, ReadRequest,
};
use fleet::{Cluster, Fleet, FleetOptions};
use lang::{ConstantScope, MemoryFiles};
use value::{Marks, Type, Value};

/// Far beyond what anything here takes; only a test that hangs meets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// An agent in a folder of its own, and what the engine would remember of its services.
pub struct Rig {
    pub client: Client,
    pub state: BTreeMap<Address, Value>,
    pub releases: BTreeMap<String, String>,
    pub said: Arc<Mutex<Vec<String>>>,
    process: Option<Child>,
    folder: tempfile::TempDir,
    deployments: u32,
}

pub fn binary() -> PathBuf {
    let mut path = std::env::current_exe().expect("own path");
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("examples/fleet-under-test");
    assert!(path.exists(), "{} is not built", path.display());
    path
}

pub fn address(text: &str) -> Address {
    text.parse().expect("an address")
}

impl Rig {
    pub async fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("fleet-").tempdir().expect("a folder");
        let dir = folder.path().join("data");
        let client = Client::new(dir.join("agent.sock"));
        let process = launch(folder.path());
        let rig = Self {
            client,
            state: BTreeMap::new(),
            releases: BTreeMap::new(),
            said: Arc::default(),
            process: Some(process),
            folder,
            deployments: 0,
        };
        rig.answers().await;
        rig
    }

    async fn answers(&self) {
        let started = Instant::now();
        while let Err(fault) = self.client.info().await {
            assert!(started.elapsed() < PATIENCE, "{fault}\n{}", self.log());
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Kills the agent alone and starts another.
    pub async fn restart_agent(&mut self) {
        let mut process = self.process.take().expect("it runs");
        process.kill().expect("killed");
        process.wait().expect("waited");
        self.process = Some(launch(self.folder.path()));
        self.answers().await;
    }

    pub fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("agent.log")).unwrap_or_default()
    }

    pub fn images(&self) -> PathBuf {
        self.folder.path().join("images")
    }

    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn fleet(&self) -> Fleet {
        Fleet::new(FleetOptions {
            project: ProjectName::new("shop"),
            environment: EnvironmentName::new("dev"),
            protected: false,
            clusters: BTreeMap::from([(ClusterName::new("local"), Cluster::agent(self.client.socket()))]),
            releases: self.releases.clone(),
            images: self.images(),
            built: std::collections::BTreeSet::new(),
            registries: std::sync::Arc::new(oci::registry::Registries::new(
                oci::registry::Settings::default(),
                oci::registry::DockerConfig::default(),
            )),
            tags_anew: fleet::TagsAnew::None,
        })
    }

    /// What is live, as the engine would ask.
    pub async fn read(&self, fleet: &Fleet, address: &Address) -> Option<Value> {
        let request = ReadRequest { address: address.clone(), prior: self.state.get(address).cloned() };
        fleet.read(&[request]).await.unwrap_or_else(|faults| panic!("{faults}")).remove(0)
    }

    pub async fn plan(&self, fleet: &Fleet, address: &Address, described: Option<&Value>) -> PlannedChange {
        let live = self.read(fleet, address).await;
        let request = ChangeRequest {
            address: address.clone(),
            written: self.state.get(address).cloned(),
            live,
            described: described.cloned(),
        };
        fleet.plan(&request).await.unwrap_or_else(|faults| panic!("{faults:#?}"))
    }

    /// Plans and applies, and keeps what is then true.
    pub async fn apply(&mut self, described: Option<&Value>) -> Result<PlannedChange, ApplyFailure> {
        self.apply_at("service.web@local", described).await
    }

    pub async fn apply_at(
        &mut self,
        text: &str,
        described: Option<&Value>,
    ) -> Result<PlannedChange, ApplyFailure> {
        let (fleet, address) = (self.fleet(), address(text));
        let planned = self.plan(&fleet, &address, described).await;
        let request = self.request(&address, &planned);
        let result = fleet.apply(&request, &self.events()).await;
        let state = match &result {
            Ok(state) => state.clone(),
            Err(failure) => failure.state.clone(),
        };
        match state {
            Some(state) => self.state.insert(address, state),
            None => self.state.remove(&address),
        };
        result.map(|_| planned)
    }

    pub fn request(&mut self, address: &Address, planned: &PlannedChange) -> ApplyRequest {
        self.deployments += 1;
        ApplyRequest {
            address: address.clone(),
            deployment: DeploymentId::new(format!("d{}", self.deployments)),
            action: planned.action,
            before: self.state.get(address).cloned(),
            after: planned.planned.clone(),
            taking_back: false,
        }
    }

    pub fn events(&self) -> Events {
        let said = self.said.clone();
        Events::to(move |event| {
            if let Event::Progress { message, .. } = event {
                said.lock().expect("nobody panics with it").push(message);
            }
        })
    }

    /// Nothing is to be done.
    pub async fn is_settled(&self, described: &Value) {
        let planned = self.plan(&self.fleet(), &address("service.web@local"), Some(described)).await;
        assert_eq!(planned.action, Action::None, "{planned:#?}");
        assert_eq!(
            planned.planned.as_ref(),
            self.state.get(&address("service.web@local")),
            "what is kept is what is planned"
        );
    }

    /// Stops everything. Call it at the end of each test.
    pub async fn finish(mut self) {
        self.client.shutdown_all().await.expect("it ends");
        let mut process = self.process.take().expect("it runs");
        tokio::task::spawn_blocking(move || process.wait()).await.expect("joined").expect("waited");
    }
}

impl Drop for Rig {
    /// A test that failed leaves nothing running either.
    fn drop(&mut self) {
        let Some(mut process) = self.process.take() else { return };
        let client = self.client.clone();
        let ended = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().ok()?;
            runtime.block_on(async { tokio::time::timeout(PATIENCE, client.shutdown_all()).await.ok()?.ok() })
        });
        let _ = ended.join();
        let _ = process.kill();
        let _ = process.wait();
    }
}

fn launch(folder: &Path) -> Child {
    let log =
        std::fs::File::options().create(true).append(true).open(folder.join("agent.log")).expect("a log");
    Command::new(binary())
        .arg("agent")
        .arg(folder.join("data"))
        .arg("127.0.0.1:0")
        .current_dir("/")
        .stdin(Stdio::null())
        .stderr(log)
        .spawn()
        .expect("the agent starts")
}

/// The value of a service of this text, as the language makes it. `TOKEN` in its `env` is sensitive.
pub fn described(body: &str) -> Value {
    let text = format!("service \"web\" {{\n{body}\n}}\n");
    let files = BTreeMap::from([
        ("mainstay.hcl".to_owned(), b"project {\n  name = \"shop\"\n}\n".to_vec()),
        ("web.hcl".to_owned(), text.into_bytes()),
    ]);
    let files = MemoryFiles(files);
    let loaded = lang::load(&files);
    assert!(!loaded.diagnostics.has_errors(), "{}", loaded.diagnostics);
    let scope = ConstantScope { files: &files, project: "shop", environment: Some("dev") };
    let decoded = loaded.configuration.services[0].decode(&scope);
    assert!(!decoded.diagnostics.has_errors(), "{}", decoded.diagnostics);
    let entries = decoded.value.as_entries().expect("an object").iter().map(|(name, value)| {
        let value = match (name.as_ref(), value.as_entries()) {
            ("env", Some(env)) => {
                let secret = |(name, value): (&Arc<str>, &Value)| {
                    let marks = if name.as_ref() == "TOKEN" { Marks::SENSITIVE } else { Marks::NONE };
                    (name.clone(), value.clone().with_marks(marks))
                };
                Value::map(Type::String, env.iter().map(secret))
            }
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::object(entries)
}

/// A web service that the host runs.
pub fn web(version: &str, mode: &str, rest: &str) -> Value {
    let program = binary();
    described(&format!(
        "program = [{program:?}, \"serve\"]
         env = {{ VERSION = \"{version}\", MODE = \"{mode}\", TOKEN = \"swordfish\" }}
         port \"http\" {{ container = 80 }}
         health {{
           http = \"/healthz\"
           interval = \"100ms\"
         }}
         route {{ host = \"web.test\" }}
         stop {{ grace = \"2s\" }}
         {rest}"
    ))
}
