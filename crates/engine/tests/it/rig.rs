//! A project in memory, a provider of files, a store: plan, apply, settle, and what they come to as text.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use diag::{Diagnostics, Style};
use engine::{
    Action, Applied, ApplyOptions, DeploymentId, EnvironmentName, Events, Execution, Plan, PlanMode,
    PlanRequest, ProjectName, Providers, Settlement, StateStore,
};
use lang::{Loaded, MemoryFiles};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;
use value::Value;

use crate::provider::FileProvider;
use crate::store::MemoryStore;

pub struct Rig {
    _dir: TempDir,
    pub files: MemoryFiles,
    pub loaded: Loaded,
    pub variables: Vec<Value>,
    pub provider: Arc<FileProvider>,
    pub providers: Providers,
    pub store: MemoryStore,
    pub options: ApplyOptions,
    pub targets: Vec<String>,
    pub mode: PlanMode,
}

impl Rig {
    pub fn new(text: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let provider = Arc::new(FileProvider::new(dir.path().join("live")));
        let mut rig = Self {
            _dir: dir,
            files: MemoryFiles::default(),
            loaded: lang::load(&MemoryFiles::default()),
            variables: Vec::new(),
            providers: vec![provider.clone()],
            provider,
            store: MemoryStore::default(),
            options: ApplyOptions::new(DeploymentId::new("d1")),
            targets: Vec::new(),
            mode: PlanMode::Apply,
        };
        rig.describe(text);
        rig
    }

    /// Another configuration.
    pub fn describe(&mut self, text: &str) {
        let text = format!("project {{\n  name = \"shop\"\n}}\n{text}");
        self.files = MemoryFiles(BTreeMap::from([("mainstay.hcl".to_owned(), text.into_bytes())]));
        self.loaded = lang::load(&self.files);
        assert!(!self.loaded.diagnostics.has_errors(), "{}", self.render(&self.loaded.diagnostics));
        let environment = self.loaded.configuration.environment("dev").unwrap();
        let given = BTreeMap::new();
        let (variables, faults) =
            lang::resolve_variables(&self.loaded.configuration, environment, &given, &self.files);
        assert!(!faults.has_errors(), "{}", self.render(&faults));
        self.variables = variables;
    }

    pub fn render(&self, faults: &Diagnostics) -> String {
        diag::render_all(faults, &self.loaded.sources, Style::Plain)
    }

    pub async fn try_plan(&self, settled: Vec<Settlement>) -> Result<Plan, Diagnostics> {
        let snapshot = self.store.snapshot(&dev()).await.unwrap();
        let request = PlanRequest {
            configuration: &self.loaded.configuration,
            files: &self.files,
            project: ProjectName::new("shop"),
            environment: dev(),
            others: &engine::OtherOutputs::default(),
            variables: &self.variables,
            mode: self.mode,
            targets: self.targets.iter().map(|target| target.parse().unwrap()).collect(),
            snapshot: &snapshot,
            releases: BTreeMap::new(),
            configuration_hash: "hash".into(),
            providers: &self.providers,
            now_ms: 1,
            settled,
        };
        engine::plan(request, &Events::ignored()).await
    }

    pub async fn plan(&self) -> Plan {
        match self.try_plan(Vec::new()).await {
            Ok(plan) => plan,
            Err(faults) => panic!("{}", self.render(&faults)),
        }
    }

    /// The faults of a plan as people read them.
    pub async fn faults(&self) -> String {
        self.render(&self.try_plan(Vec::new()).await.unwrap_err())
    }

    pub async fn apply(&self, plan: &Plan) -> Applied {
        self.apply_until(plan, &CancellationToken::new(), &Events::ignored()).await
    }

    pub async fn apply_until(&self, plan: &Plan, cancel: &CancellationToken, events: &Events) -> Applied {
        let execution = Execution {
            plan,
            configuration: &self.loaded.configuration,
            files: &self.files,
            others: &engine::OtherOutputs::default(),
            variables: &self.variables,
            providers: &self.providers,
            store: &self.store,
            options: self.options.clone(),
        };
        engine::apply(execution, events, cancel).await
    }

    /// Plans and applies, as a person who says yes.
    pub async fn make(&self) -> Applied {
        self.apply(&self.plan().await).await
    }

    pub async fn settle(&self) -> Vec<Settlement> {
        engine::settle(&dev(), &self.providers, &self.store, &Events::ignored()).await.unwrap()
    }
}

pub fn dev() -> EnvironmentName {
    EnvironmentName::new("dev")
}

/// A plan as text.
pub fn text(plan: &Plan) -> String {
    let mut text = String::new();
    for change in &plan.changes {
        let sign = match change.action {
            Action::None => '=',
            Action::Create => '+',
            Action::Update => '~',
            Action::Delete => '-',
        };
        let _ = write!(text, "{sign} {}", change.address);
        let after: Vec<String> = change.depends_on.iter().map(ToString::to_string).collect();
        if !after.is_empty() {
            let _ = write!(text, " (with {})", after.join(", "));
        }
        if let Some(reason) = &change.reason {
            let _ = write!(text, ": {reason}");
        }
        text.push('\n');
        if change.action == Action::Create {
            let after = change.after.as_ref().unwrap();
            for name in ["env", "address"] {
                let value = after.0.get(name).unwrap();
                if value.as_entries().is_none_or(|entries| !entries.is_empty()) {
                    let _ = writeln!(text, "    {name} = {value}");
                }
            }
        }
        for d in &change.differences {
            let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
            let _ = writeln!(text, "    {:?} {}: {} -> {}", d.kind, d.path, side(&d.before), side(&d.after));
        }
    }
    for output in &plan.outputs {
        let side =
            |side: &Option<engine::Sealed>| side.as_ref().map_or("nothing".to_owned(), |v| v.0.to_string());
        let _ = writeln!(text, "output {}: {} -> {}", output.name, side(&output.before), side(&output.after));
    }
    text
}

/// What came of an apply as text.
pub fn outcome(applied: &Applied) -> String {
    let mut text = format!("{:?}\n", applied.outcome);
    for cell in &applied.cells {
        let _ = write!(text, "{} {}", cell.address, cell.outcome);
        if let Some(cause) = &cell.cause {
            let _ = write!(text, ": {cause}");
        }
        text.push('\n');
    }
    for fault in &applied.faults.0 {
        let _ = writeln!(text, "[{}] {fault}", fault.code);
    }
    text
}
