//! Projects in folders of their own, a server on loopback, archives and repositories.

use std::collections::{BTreeMap, HashMap};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Response, StatusCode};
use diag::Diagnostics;
use packages::{
    CliConfiguration, Completeness, Event, Installed, Installer, LockMode, ModuleRequest, Patience, Place,
    Places, Settings,
};

/// A root module's folder, and what an installation into it tells.
pub struct Project {
    folder: tempfile::TempDir,
    pub settings: Settings,
    pub configuration: CliConfiguration,
    events: Arc<Mutex<Vec<String>>>,
}

/// A call: its path, source, version, and the folder of the calling module.
pub struct Call(String, String, Option<String>, String);

pub fn call(key: &str, source: &str) -> Call {
    Call(key.into(), source.into(), None, ".".into())
}

impl Call {
    pub fn version(mut self, version: &str) -> Self {
        self.2 = Some(version.into());
        self
    }

    pub fn from(mut self, caller: &str) -> Self {
        self.3 = caller.into();
        self
    }
}

impl Project {
    pub fn new() -> Self {
        let patience = Patience { retry_delay: Duration::from_millis(1), ..Patience::default() };
        Self {
            folder: tempfile::tempdir().unwrap(),
            settings: Settings { patience, ..Settings::default() },
            configuration: CliConfiguration::default(),
            events: Arc::default(),
        }
    }

    /// With a registry at `example.com` that is the server.
    pub fn with_registry(server: &Server) -> Self {
        let mut project = Self::new();
        project.configuration = project.registry_configuration(server);
        project
    }

    pub fn registry_configuration(&self, server: &Server) -> CliConfiguration {
        self.configuration.clone().with_service(
            "example.com",
            "modules.v1",
            &format!("{}/v1/modules/", server.url),
        )
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn place(&self) -> Place {
        Place::new(self.path())
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    pub fn read(&self, path: &str) -> String {
        let text = std::fs::read_to_string(self.path().join(path));
        text.unwrap_or_else(|e| format!("{path}: {e}"))
    }

    pub fn has(&self, path: &str) -> bool {
        self.path().join(path).exists()
    }

    /// What has been told since it was last asked.
    pub fn events(&self) -> String {
        let events = std::mem::take(&mut *self.events.lock().unwrap());
        events.join("\n")
    }

    pub async fn open(&self) -> Result<Installer, Diagnostics> {
        let events = self.events.clone();
        let listen = move |event: Event| {
            let text = match event {
                Event::Waiting { .. } => "waiting".to_owned(),
                Event::Fetching { key, source, version } => {
                    let version = version.map_or(String::new(), |v| format!(" {v}"));
                    format!("fetching {source}{version} for {key}")
                }
                Event::Retrying { .. } => "again".to_owned(),
                Event::Installed { key, folder } => format!("{key} in {}", folder.display()),
                Event::Warning(warning) => format!("warning: {warning}"),
            };
            events.lock().unwrap().push(text);
        };
        Installer::open(self.place(), self.settings.clone(), self.configuration.clone(), Arc::new(listen))
            .await
    }

    /// Installs, one call after another; the first fault ends it.
    pub async fn install(&self, calls: &[Call]) -> Result<BTreeMap<String, Installed>, Diagnostics> {
        let installer = self.open().await?;
        let mut found = BTreeMap::new();
        let mut faults = Diagnostics::default();
        for Call(key, source, version, caller) in calls {
            let request = ModuleRequest::parse(
                key,
                source,
                version.as_deref(),
                PathBuf::from(caller),
                Places::default(),
            );
            match request {
                Ok(request) => match installer.install(&request).await {
                    Ok(installed) => {
                        found.insert(key.clone(), installed);
                    }
                    Err(found) => faults.extend(found),
                },
                Err(found) => faults.extend(found),
            }
        }
        let completeness = if faults.is_empty() { Completeness::Whole } else { Completeness::Part };
        installer.finish(completeness)?;
        if faults.is_empty() { Ok(found) } else { Err(faults) }
    }

    /// Installs, and tells folders and versions, or the faults, in lines.
    pub async fn outcome(&self, calls: &[Call]) -> String {
        match self.install(calls).await {
            Ok(found) => {
                let line = |(key, installed): (&String, &Installed)| {
                    let version = installed.version.as_ref().map_or(String::new(), |v| format!(" {v}"));
                    format!("{key} {}{version}", installed.folder.display())
                };
                found.iter().map(line).collect::<Vec<_>>().join("\n")
            }
            Err(faults) => told(&faults),
        }
    }

    /// The same after an upgrade.
    pub async fn upgraded(&mut self, calls: &[Call]) -> String {
        self.settings.upgrade = true;
        let outcome = self.outcome(calls).await;
        self.settings.upgrade = false;
        outcome
    }

    pub fn without_lock(mut self) -> Self {
        self.settings.lock = LockMode::Off;
        self
    }
}

/// Faults with codes, causes and hints, in lines.
pub fn told(faults: &Diagnostics) -> String {
    let mut lines = Vec::new();
    for fault in &faults.0 {
        lines.push(format!("{}: {fault}", fault.code));
        lines.extend(fault.hint.iter().map(|hint| format!("  hint: {hint}")));
    }
    lines.join("\n")
}

/// What is answered to a path.
#[derive(Clone)]
pub struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

pub fn body(body: impl Into<Vec<u8>>) -> Reply {
    Reply { status: 200, headers: Vec::new(), body: body.into() }
}

pub fn status(status: u16) -> Reply {
    Reply { status, headers: Vec::new(), body: Vec::new() }
}

impl Reply {
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }
}

#[derive(Default)]
struct Served {
    /// Replies to a path in turn; the last one stays.
    replies: HashMap<String, Vec<Reply>>,
    /// Paths with arguments, and the token if one was shown.
    seen: Vec<String>,
}

/// A server on loopback that ends with the test.
pub struct Server {
    pub url: String,
    served: Arc<Mutex<Served>>,
    task: tokio::task::JoinHandle<()>,
}

impl Server {
    pub async fn start() -> Self {
        let served: Arc<Mutex<Served>> = Arc::default();
        let router = Router::new().fallback(answer).with_state(served.clone());
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, served, task }
    }

    pub fn on(&self, path: &str, reply: Reply) -> &Self {
        self.served.lock().unwrap().replies.entry(path.into()).or_default().push(reply);
        self
    }

    /// Forgets what was to be answered, and answers this.
    pub fn only(&self, path: &str, reply: Reply) -> &Self {
        self.served.lock().unwrap().replies.insert(path.into(), vec![reply]);
        self
    }

    /// A module of the registry with one archive for every version.
    pub fn module(&self, name: &str, versions: &[&str], package: &[u8]) -> &Self {
        let list: Vec<String> = versions.iter().map(|v| format!("{{\"version\":\"{v}\"}}")).collect();
        let list = format!("{{\"modules\":[{{\"versions\":[{}]}}]}}", list.join(","));
        self.on(&format!("/v1/modules/{name}/versions"), body(list));
        for version in versions {
            let version = version.trim_start_matches('v');
            let place = format!("/packages/{name}/{version}.zip");
            let reply = status(204).header("X-Terraform-Get", &place);
            self.on(&format!("/v1/modules/{name}/{version}/download"), reply);
            self.on(&place, body(package));
        }
        self
    }

    /// The requests since it was last asked.
    pub fn seen(&self) -> String {
        std::mem::take(&mut self.served.lock().unwrap().seen).join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(served): State<Arc<Mutex<Served>>>, request: Request) -> Response<axum::body::Body> {
    let mut served = served.lock().unwrap();
    let token = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    let token = token.map_or(String::new(), |token| format!(" {token}"));
    let path = request.uri().path().to_owned();
    served.seen.push(format!("{}{token}", request.uri()));
    let reply = match served.replies.get_mut(&path) {
        Some(replies) if replies.len() > 1 => replies.remove(0),
        Some(replies) => replies[0].clone(),
        None => Reply { status: 404, headers: Vec::new(), body: b"nothing here".to_vec() },
    };
    let mut response = Response::new(axum::body::Body::from(reply.body));
    *response.status_mut() = StatusCode::from_u16(reply.status).unwrap();
    for (name, value) in reply.headers {
        let name = HeaderName::try_from(name).unwrap();
        response.headers_mut().insert(name, HeaderValue::try_from(value).unwrap());
    }
    response
}

/// A zip archive of files.
pub fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut archive = zip::ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (path, text) in files {
        archive.start_file(*path, zip::write::SimpleFileOptions::default()).unwrap();
        archive.write_all(text.as_bytes()).unwrap();
    }
    archive.finish().unwrap().into_inner()
}

/// A module with another one inside of it.
pub fn package() -> Vec<u8> {
    zip(&[
        ("main.tf", "module \"in\" {\n  source = \"./inner\"\n}\n"),
        ("inner/main.tf", "output \"x\" {\n  value = 1\n}\n"),
    ])
}

/// Runs git in a folder; `None` where there is no git.
pub fn git(folder: &Path, arguments: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .args(["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "commit.gpgsign=false"])
        .args(["-c", "init.defaultBranch=main", "-c", "protocol.file.allow=always"])
        .args(arguments)
        .current_dir(folder)
        .output();
    match output {
        Ok(output) => {
            assert!(
                output.status.success(),
                "git {arguments:?}: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            Some(String::from_utf8(output.stdout).unwrap().trim().to_owned())
        }
        Err(e) => {
            eprintln!("skipped: git cannot be started: {e}");
            None
        }
    }
}

/// A repository with a module, another one in a folder, and a tag `v1.0.0`.
pub struct Repository {
    pub folder: tempfile::TempDir,
}

impl Repository {
    pub fn new() -> Option<Self> {
        let repository = Self { folder: tempfile::tempdir().unwrap() };
        git(repository.path(), &["init", "--quiet"])?;
        repository.commit("main.tf", "output \"x\" {\n  value = 1\n}\n");
        repository.commit("net/main.tf", "module \"up\" {\n  source = \"../other\"\n}\n");
        repository.commit("other/main.tf", "output \"o\" {\n  value = 1\n}\n");
        git(repository.path(), &["tag", "v1.0.0"])?;
        Some(repository)
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    pub fn url(&self) -> String {
        format!("git::file://{}", self.path().display())
    }

    /// Changes a file, and tells the commit.
    pub fn commit(&self, path: &str, text: &str) -> String {
        let file = self.path().join(path);
        std::fs::create_dir_all(file.parent().unwrap()).unwrap();
        std::fs::write(file, text).unwrap();
        git(self.path(), &["add", "--all"]).unwrap();
        git(self.path(), &["commit", "--quiet", "--message", path]).unwrap();
        git(self.path(), &["rev-parse", "HEAD"]).unwrap()
    }
}
