//! Figures, for people to look at: `cargo test --release -p engine -- --ignored --nocapture scale`.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use diag::Diagnostics;
use engine::{
    Action, Address, ApplyFailure, ApplyRequest, ChangeRequest, Events, PlanMode, PlanRequest, PlannedChange,
    ProjectName, Provider, Providers, ReadRequest, ResourceKind, Snapshot, StateRow,
};
use lang::MemoryFiles;
use value::{Type, Value};

use crate::rig::dev;

/// A world in which everything is as it was last written: what is measured is the engine, not a provider.
struct Still;

fn made(described: &Value, address: &Value) -> Value {
    let mut made = described.as_entries().cloned().unwrap_or_default();
    made.insert("address".into(), address.clone());
    made.insert("addresses".into(), Value::map(Type::String, Vec::<(&str, Value)>::new()));
    Value::object(made)
}

#[async_trait]
impl Provider for Still {
    fn kinds(&self) -> Vec<ResourceKind> {
        vec![ResourceKind::new("service")]
    }

    async fn read(&self, requests: &[ReadRequest]) -> Result<Vec<Option<Value>>, Diagnostics> {
        Ok(requests.iter().map(|request| request.prior.clone()).collect())
    }

    async fn plan(&self, request: &ChangeRequest) -> Result<PlannedChange, Diagnostics> {
        let described = request.described.as_ref().expect("nothing is removed here");
        let planned = match &request.live {
            Some(live) if made(described, &live.get("address").unwrap()) == *live => {
                (Action::None, live.clone())
            }
            _ => (Action::Create, described.clone()),
        };
        Ok(PlannedChange {
            action: planned.0,
            planned: Some(planned.1),
            differences: Vec::new(),
            reason: None,
        })
    }

    async fn apply(&self, _: &ApplyRequest, _: &Events) -> Result<Option<Value>, ApplyFailure> {
        unreachable!("nothing is applied here")
    }
}

#[tokio::test]
#[ignore = "a measurement"]
async fn ten_thousand_services_with_nothing_to_change_are_planned() {
    let mut text = "project {\n  name = \"shop\"\n}\n".to_owned();
    for i in 0..10_000 {
        let cache =
            if i % 10 == 0 { String::new() } else { format!("CACHE = service.s{}.address", i / 10 * 10) };
        let _ = writeln!(
            text,
            r#"service "s{i}" {{
  image    = "shop/s{i}"
  replicas = 3
  env      = {{ MODE = "production", NUMBER = {i}, {cache} }}
  port "http" {{ container = 8080 }}
  health {{ http = "/health" }}
  route {{ host = "s{i}.example.com" }}
  resources {{ memory = "256Mi" }}
}}"#
        );
    }
    let files = MemoryFiles(BTreeMap::from([("mainstay.hcl".to_owned(), text.into_bytes())]));
    let providers: Providers = vec![Arc::new(Still)];
    let mut snapshot = Snapshot::default();
    for round in 0..4 {
        let (cpu, wall) = (cpu_ms(), std::time::Instant::now());
        let loaded = lang::load(&files);
        assert!(!loaded.diagnostics.has_errors());
        let load_ms = cpu_ms() - cpu;
        println!("load: {load_ms} ms of CPU; {}", memory());
        let request = PlanRequest {
            configuration: &loaded.configuration,
            files: &files,
            project: ProjectName::new("shop"),
            environment: dev(),
            others: &engine::OtherOutputs::default(),
            variables: &[],
            mode: PlanMode::Apply,
            targets: Vec::new(),
            snapshot: &snapshot,
            releases: BTreeMap::new(),
            configuration_hash: String::new(),
            providers: &providers,
            now_ms: 0,
            settled: Vec::new(),
        };
        let plan = engine::plan(request, &Events::ignored()).await.unwrap();
        println!(
            "load and plan of {}: {} ms of CPU, {:?} by the clock; {}",
            plan.changes.len(),
            cpu_ms() - cpu,
            wall.elapsed(),
            memory()
        );
        assert_eq!(plan.has_changes(), round == 0, "{round}");
        snapshot.serial = 1;
        snapshot.rows = plan.changes.iter().map(|change| row(&change.address, change)).collect();
        snapshot.rows.sort_by(|a, b| a.address.cmp(&b.address));
    }
}

/// What an apply would have made of it. In the second round what was unknown is told.
fn row(address: &Address, change: &engine::Change) -> StateRow {
    let described = &change.after.as_ref().unwrap().0;
    let told = Value::string(format!("{address}:80"));
    let mut value = made(described, &told);
    if let Some(env) = value.get("env").filter(|env| !env.is_wholly_known()) {
        let number: usize = address.name[1..].parse().unwrap();
        let cache = Address { name: format!("s{}", number / 10 * 10).into(), ..address.clone() };
        let mut entries = env.as_entries().cloned().unwrap();
        entries.insert("CACHE".into(), Value::string(format!("{cache}:80")));
        let mut object = value.as_entries().cloned().unwrap();
        object.insert("env".into(), Value::map(Type::String, entries));
        value = Value::object(object);
    }
    StateRow::new(address.clone(), value, change.depends_on.clone())
}

/// User and system time of this process (proc(5), fields 14 and 15), in ticks of ten milliseconds.
fn cpu_ms() -> u64 {
    let text = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = text.rsplit_once(')').map_or("", |(_, rest)| rest).split_ascii_whitespace();
    fields.skip(11).take(2).filter_map(|ticks| ticks.parse::<u64>().ok()).sum::<u64>() * 10
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"))
        .collect::<Vec<_>>()
        .join(" ")
}
