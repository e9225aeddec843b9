//! The scripted provider with a folder of its own, and values written as configuration.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use diag::{Diagnostic, FileId, Span};
use engine::stack::ResourceProvider;
use engine::stack::provider::{
    AppliedResource, ApplyResource, Observed, PlanResource, PlannedResource, Powers, Remark,
};
use lang::resolve::Reference;
use lang::schema::{Attribute, Block, Given, decode};
use lang::syntax::parse;
use lang::{MemoryFiles, ProjectFiles, Scope};
use plugin::{Plugin, Program, SchemaCache};
use tempfile::TempDir;
use testkit::provider::{Cloud, Entry, Network, SCRIPT, Script, calls};
use value::{Kind, Type, Value};

/// The kind that most tests are about.
pub const THING: &str = "scripted_thing";

/// What is tried with every protocol and every way to listen.
pub const ALL: [(u32, Network); 4] =
    [(5, Network::Unix), (5, Network::Tcp), (6, Network::Unix), (6, Network::Tcp)];

/// A folder for a provider's objects.
pub struct Rig {
    folder: TempDir,
}

impl Rig {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// A good provider.
    pub fn script(&self) -> Script {
        Script::new(self.folder())
    }

    /// The program, which does what a script says.
    pub fn program(&self, script: &Script) -> Program {
        let script = script.write().unwrap();
        Program {
            path: binary(),
            hash: None,
            variables: BTreeMap::from([(SCRIPT.into(), script.into())]),
            wrapper: None,
            reattach: None,
        }
    }

    pub fn plugin(&self, script: &Script) -> Arc<Plugin> {
        Plugin::new(self.program(script), None)
    }

    /// One whose schemas are kept beside its objects.
    pub fn cached(&self, script: &Script) -> Arc<Plugin> {
        let program = Program { hash: Some("h1:scripted".into()), ..self.program(script) };
        Plugin::new(program, Some(SchemaCache::new(self.folder().join("schemas"))))
    }

    /// One that has its configuration.
    pub async fn ready(&self, script: &Script) -> Ready {
        Ready::of(self.plugin(script)).await
    }

    pub fn calls(&self) -> Vec<Entry> {
        calls(self.folder()).unwrap()
    }

    /// The names of the calls so far, of all processes.
    pub fn names(&self) -> Vec<String> {
        self.calls().into_iter().map(|entry| entry.call).collect()
    }

    /// How often something was called.
    pub fn count(&self, call: &str) -> usize {
        self.names().iter().filter(|name| *name == call).count()
    }

    /// The processes that were started.
    pub fn pids(&self) -> Vec<u32> {
        self.calls().into_iter().filter(|entry| entry.call == "start").map(|entry| entry.pid).collect()
    }

    pub fn cloud(&self) -> Cloud {
        Cloud::read(self.folder()).unwrap()
    }
}

/// A provider that has its configuration.
pub struct Ready {
    pub plugin: Arc<Plugin>,
    pub provider: Arc<dyn ResourceProvider>,
    pub block: Arc<Block>,
}

impl Ready {
    pub async fn of(plugin: Arc<Plugin>) -> Self {
        let provider = plugin.provider();
        let schema = provider.schema().await.unwrap();
        provider.configure(&described(&schema.provider.block, "")).await.unwrap();
        let block = schema.resources.get(THING).unwrap().block.clone();
        Self { plugin, provider, block }
    }

    pub fn powers(&self) -> &dyn Powers {
        self.provider.powers().unwrap()
    }

    pub fn thing(&self, text: &str) -> Value {
        described(&self.block, text)
    }

    pub async fn plan(
        &self,
        prior: &Observed,
        configuration: &Value,
    ) -> Result<PlannedResource, Vec<Remark>> {
        let proposed = proposed(&self.block, &prior.value, configuration);
        let request =
            PlanResource { prior: &prior.value, configuration, proposed: &proposed, private: &prior.private };
        self.provider.plan(THING, &request).await
    }

    pub async fn apply(&self, prior: &Observed, configuration: &Value) -> AppliedResource {
        let planned = self.plan(prior, configuration).await.unwrap();
        let request = ApplyResource {
            prior: &prior.value,
            configuration,
            planned: &planned.planned,
            private: &planned.private,
        };
        self.provider.apply(THING, &request).await
    }

    /// A thing that did not exist.
    pub async fn make(&self, text: &str) -> Observed {
        let applied = self.apply(&self.nothing(), &self.thing(text)).await;
        observed(applied)
    }

    pub fn nothing(&self) -> Observed {
        Observed { value: Value::null(self.block.ty()), private: Vec::new(), identity: None }
    }
}

/// What was made, where nothing was wrong.
pub fn observed(applied: AppliedResource) -> Observed {
    assert_eq!(applied.remarks, []);
    assert!(!applied.is_in_doubt);
    Observed { value: applied.value, private: applied.private, identity: applied.identity }
}

/// The example `scripted-provider`, which cargo builds beside the tests.
pub fn binary() -> PathBuf {
    let mut path = std::env::current_exe().unwrap();
    path.pop();
    if path.ends_with("deps") {
        path.pop();
    }
    let path = path.join("examples/scripted-provider");
    assert!(path.exists(), "{} is not built", path.display());
    path
}

struct NoNames(MemoryFiles);

impl Scope for NoNames {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        panic!("{reference:?}")
    }

    fn files(&self) -> &dyn ProjectFiles {
        &self.0
    }
}

/// What a body says, by a schema.
pub fn described(block: &Block, body: &str) -> Value {
    let file = FileId(0);
    let parsed = parse(file, body);
    assert!(parsed.diagnostics.is_empty(), "{:?}", parsed.diagnostics);
    let header = Span { file, start: 0, end: 0 };
    let decoded = decode(&parsed.tree, header, "it", block, &[], &NoNames(MemoryFiles::default()));
    assert!(decoded.diagnostics.is_empty(), "{:?}", decoded.diagnostics);
    decoded.value
}

/// What is described, with what the provider had told of it: of objects in lists at the same place, in maps of the same key, in sets
/// with the same in everything that is not computed. The engine's own rules are more; they are tested there.
pub fn proposed(block: &Block, prior: &Value, configuration: &Value) -> Value {
    let (Some(before), Some(now)) = (entries(prior), entries(configuration)) else {
        return configuration.clone();
    };
    let each = now.iter().map(|(name, value)| {
        let before = &before[name];
        let value = match (block.attribute(name), block.nested(name)) {
            (Some(attribute), _) if is_computed(attribute) && value.is_null() => before.clone(),
            (Some(Attribute { nested: Some(nested), .. }), _) => elements(nested, before, value),
            (_, Some(nested)) => elements(&nested.block, before, value),
            _ => value.clone(),
        };
        (name.clone(), value)
    });
    Value::object(each.collect::<Vec<_>>())
}

fn is_computed(attribute: &Attribute) -> bool {
    matches!(attribute.given, Given::Computed | Given::OptionalComputed)
}

fn elements(block: &Block, before: &Value, value: &Value) -> Value {
    let nothing = Value::null(Type::Dynamic);
    let olds = before.as_slice().unwrap_or_default();
    match value.kind() {
        Kind::List(ty, news) => {
            let each = news.iter().enumerate();
            let each = each.map(|(at, new)| proposed(block, olds.get(at).unwrap_or(&nothing), new));
            Value::list(ty.as_ref().clone(), each.collect::<Vec<_>>())
        }
        Kind::Map(ty, news) => {
            let each = news.iter().map(|(key, new)| {
                (key.clone(), proposed(block, &before.get(key).unwrap_or_else(|| nothing.clone()), new))
            });
            Value::map(ty.as_ref().clone(), each)
        }
        Kind::Set(ty, news) => {
            let written = |one: &Value| {
                let attributes = block.attributes.iter().filter(|attribute| !is_computed(attribute));
                attributes.map(|attribute| one.get(&attribute.name)).collect::<Vec<_>>()
            };
            let each = news.iter().map(|new| {
                let old = olds.iter().find(|old| written(old) == written(new));
                proposed(block, old.unwrap_or(&nothing), new)
            });
            Value::set(ty.as_ref().clone(), each)
        }
        _ => proposed(block, before, value),
    }
}

fn entries(value: &Value) -> Option<&BTreeMap<Arc<str>, Value>> {
    if value.is_null() { None } else { value.as_entries() }
}

/// The object with something else at an attribute.
pub fn with(object: &Value, name: &str, value: Value) -> Value {
    let mut entries = object.as_entries().unwrap().clone();
    entries.insert(name.into(), value);
    Value::object(entries)
}

/// A part of a value: `one.text`, `many.0.mark`.
pub fn at(value: &Value, path: &str) -> Value {
    path.split('.').fold(value.clone(), |value, step| match step.parse::<usize>() {
        Ok(at) => value.as_slice().unwrap()[at].clone(),
        Err(_) => value.get(step).unwrap_or_else(|| panic!("there is no {step} in {value:?}")),
    })
}

pub fn text(value: &Value, path: &str) -> String {
    at(value, path).as_str().unwrap_or_else(|| panic!("{path} of {value:?}")).to_owned()
}

pub fn strings(values: &[&str]) -> Value {
    Value::list(Type::String, values.iter().map(|it| Value::string(*it)).collect::<Vec<_>>())
}

/// What is said, each in a line: `error: summary; detail; .path`.
pub fn lines(remarks: &[Remark]) -> String {
    let each = remarks.iter().map(|remark| {
        let sort = if remark.is_error { "error" } else { "warning" };
        format!("{sort}: {}; {}; {}", remark.summary, remark.detail, remark.path)
    });
    each.collect::<Vec<_>>().join("\n")
}

/// Whether a process runs; one that is only not reaped yet does not.
pub fn runs(pid: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // After the name, which may hold anything.
    !status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

/// Waits until no process of these runs.
pub async fn all_ended(pids: &[u32]) {
    assert!(!pids.is_empty());
    let begun = Instant::now();
    while let Some(pid) = pids.iter().find(|pid| runs(**pid)) {
        assert!(begun.elapsed() < Duration::from_secs(10), "{pid} still runs");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}
