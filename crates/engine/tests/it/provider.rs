//! A provider with real effects: each service is a file in a folder. What goes wrong is asked for in a service's `env`.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};
use engine::{
    Action, Address, ApplyFailure, ApplyRequest, ChangeRequest, Difference, DifferenceKind, Event, Events,
    PlannedChange, Provider, ReadRequest, ResourceKind,
};
use value::{Path, Step, Type, Value, decode, encode};

/// Keeps services as files.
pub struct FileProvider {
    dir: PathBuf,
    pub reads: AtomicUsize,
    running: AtomicUsize,
    pub running_max: AtomicUsize,
}

impl FileProvider {
    pub fn new(dir: PathBuf) -> Self {
        fs::create_dir_all(&dir).unwrap();
        Self {
            dir,
            reads: AtomicUsize::new(0),
            running: AtomicUsize::new(0),
            running_max: AtomicUsize::new(0),
        }
    }

    fn file(&self, address: &Address) -> PathBuf {
        self.dir.join(address.to_string().replace('"', "'"))
    }

    pub fn live(&self, address: &Address) -> Option<Value> {
        let text = fs::read(self.file(address)).ok()?;
        Some(decode(&serde_json::from_slice(&text).unwrap()).unwrap())
    }

    fn write(&self, address: &Address, value: &Value) {
        fs::write(self.file(address), serde_json::to_vec(&encode(value)).unwrap()).unwrap();
    }

    /// Everything that is live, by address.
    pub fn everything(&self) -> BTreeMap<String, Value> {
        let files = fs::read_dir(&self.dir).unwrap().map(|entry| entry.unwrap());
        let files = files.filter(|entry| entry.file_name() != "log");
        files
            .map(|entry| {
                let text = fs::read(entry.path()).unwrap();
                let name = entry.file_name().to_string_lossy().replace('\'', "\"");
                (name, decode(&serde_json::from_slice(&text).unwrap()).unwrap())
            })
            .collect()
    }

    /// Removes one behind the engine's back.
    pub fn lose(&self, address: &str) {
        fs::remove_file(self.file(&address.parse().unwrap())).unwrap();
    }

    /// What was done, in its order.
    pub fn log(&self) -> Vec<String> {
        let text = fs::read_to_string(self.dir.join("log")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn note(&self, line: &str) {
        let mut log = OpenOptions::new().append(true).create(true).open(self.dir.join("log")).unwrap();
        writeln!(log, "{line}").unwrap();
    }

    async fn act(&self, request: &ApplyRequest, events: &Events) -> Result<Option<Value>, ApplyFailure> {
        let address = &request.address;
        let word = match request.action {
            Action::Create => "create",
            Action::Update => "update",
            Action::Delete => "delete",
            Action::None => "nothing",
        };
        let back = if request.taking_back { " back" } else { "" };
        events.send(Event::Progress { address: address.clone(), message: format!("{word}{back}") });
        let wish = if request.taking_back { "UNDO" } else { "APPLY" };
        let asked = request.after.as_ref().or(request.before.as_ref()).and_then(|v| setting(v, wish));
        if asked.as_deref() == Some("reverts") {
            return Err(failure("it did not become healthy", request.before.clone(), true));
        }
        let Some(after) = &request.after else {
            if asked.as_deref() == Some("breaks") {
                return Err(failure("it would not go", request.before.clone(), false));
            }
            let _ = fs::remove_file(self.file(address));
            self.note(&format!("{word}{back} {address}"));
            return Ok(None);
        };
        // Half of it first, as real ones do: whoever is killed in between leaves that behind.
        let mut entries = after.as_entries().cloned().unwrap_or_default();
        entries.insert("address".into(), Value::string(format!("{address}:80")));
        entries.insert("addresses".into(), Value::map(Type::String, Vec::<(&str, Value)>::new()));
        let half = entries.clone().into_iter().chain([("image".into(), Value::string("half"))]);
        self.write(address, &Value::object(half));
        self.note(&format!("{word}{back} {address}"));
        tokio::task::yield_now().await;
        if asked.as_deref() == Some("breaks") {
            return Err(failure("it stayed half-way", self.live(address), false));
        }
        let made = Value::object(entries);
        self.write(address, &made);
        tokio::task::yield_now().await;
        Ok(Some(made))
    }
}

fn failure(message: &str, state: Option<Value>, reverted: bool) -> ApplyFailure {
    ApplyFailure { diagnostic: Box::new(Diagnostic::error("unhealthy", message)), state, reverted }
}

fn setting(value: &Value, name: &str) -> Option<String> {
    value.get("env")?.get(name)?.as_str().map(str::to_owned)
}

#[async_trait]
impl Provider for FileProvider {
    fn kinds(&self) -> Vec<ResourceKind> {
        vec![ResourceKind::new("service")]
    }

    async fn read(&self, requests: &[ReadRequest]) -> Result<Vec<Option<Value>>, Diagnostics> {
        self.reads.fetch_add(1, Ordering::SeqCst);
        Ok(requests.iter().map(|request| self.live(&request.address)).collect())
    }

    async fn plan(&self, request: &ChangeRequest) -> Result<PlannedChange, Diagnostics> {
        let none =
            PlannedChange { action: Action::Delete, planned: None, differences: Vec::new(), reason: None };
        let Some(described) = &request.described else { return Ok(none) };
        if setting(described, "PLAN").as_deref() == Some("refuses") {
            return Err(Diagnostic::error("not-pinned", "no release is pinned").hint("deploy one").into());
        }
        let mut planned = described.as_entries().cloned().unwrap_or_default();
        // A provider that does not keep its word: it plans one thing when it knows less, and another when it knows more.
        if setting(described, "PLAN").as_deref() == Some("wavers")
            && described.get("env").is_some_and(|e| e.is_wholly_known())
        {
            planned.insert("replicas".into(), Value::number(7_i64));
        }
        let Some(live) = &request.live else {
            let planned = Some(Value::object(planned));
            return Ok(PlannedChange { action: Action::Create, planned, ..none });
        };
        for computed in ["address", "addresses"] {
            planned.insert(computed.into(), live.get(computed).unwrap());
        }
        let mut differences = Vec::new();
        for (name, value) in &planned {
            let (now, written) = (live.get(name), request.written.as_ref().and_then(|w| w.get(name)));
            if now.as_ref() != Some(value) {
                let kind = if written == now { DifferenceKind::Ours } else { DifferenceKind::Drift };
                let path = Path(vec![Step::Attribute(name.clone())]);
                differences.push(Difference::new(&path, kind, now.as_ref(), Some(value)));
            }
        }
        let action = if differences.is_empty() { Action::None } else { Action::Update };
        Ok(PlannedChange { action, planned: Some(Value::object(planned)), differences, reason: None })
    }

    async fn apply(&self, request: &ApplyRequest, events: &Events) -> Result<Option<Value>, ApplyFailure> {
        let running = self.running.fetch_add(1, Ordering::SeqCst) + 1;
        self.running_max.fetch_max(running, Ordering::SeqCst);
        tokio::task::yield_now().await;
        let result = self.act(request, events).await;
        self.running.fetch_sub(1, Ordering::SeqCst);
        result
    }
}
