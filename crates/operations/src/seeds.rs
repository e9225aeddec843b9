//! Seed data: JSON objects of the project's files, put into a service. Loading is idempotent, and `up` loads at each start, since
//! a cache forgets.

use diag::{Diagnostic, Diagnostics};
use engine::Event;
use lang::functions::FunctionContext;
use lang::{DiskFiles, ProjectFiles, Seed};
use serde_json::Value as Json;
use value::Value;

use crate::planning::Watch;
use crate::scope::ValueScope;
use crate::{Fault, Session};

/// A seed that was loaded.
#[derive(Debug, Clone, serde::Serialize)]
pub struct SeedReport {
    /// Its name.
    pub name: String,
    /// The service.
    pub service: String,
    /// How many entries there are.
    pub entries: u64,
}

/// Loads all seeds of the configuration.
///
/// # Errors
/// If a file is missing or broken, or a service refuses; what was loaded before that stays.
pub async fn load_seeds(session: &Session, watch: &Watch) -> Result<Vec<SeedReport>, Fault> {
    let description = &session.description;
    let (scope, mut faults) = ValueScope::new(description, &session.environment);
    let mut reports = Vec::new();
    for seed in &description.configuration.seeds {
        let name = seed.name.name.to_string();
        watch.events.send(Event::Step { message: format!("seed {name}: loading") });
        let decoded = seed.decode(&scope);
        faults.extend(decoded.diagnostics);
        if faults.has_errors() {
            return Err(description.fault(faults));
        }
        let entries = entries(session, seed, &decoded.value, &scope)?;
        let service =
            decoded.value.get("service").and_then(|v| v.as_str().map(str::to_owned)).unwrap_or_default();
        let address = address(session, seed, &service).await?;
        let failed = |e: fleet::SeedError| {
            let mut fault = Diagnostic::error("seed", e.to_string()).about(format!("seed {name}"));
            if let Some(source) = std::error::Error::source(&e) {
                fault = fault.because(source.to_string());
            }
            Fault::failed(fault)
        };
        let loaded = fleet::load_redis(&address, entries).await.map_err(failed)?;
        reports.push(SeedReport { name, service, entries: loaded });
    }
    Ok(reports)
}

/// Where the service answers, as its state tells.
async fn address(session: &Session, seed: &Seed, service: &str) -> Result<String, Fault> {
    let snapshot = session.store.snapshot(&session.environment).await?;
    let row = snapshot
        .rows
        .iter()
        .find(|r| r.address.kind.as_str() == "service" && r.address.name.as_ref() == service);
    let address = row.and_then(|r| r.value.get("address")).and_then(|a| a.as_str().map(str::to_owned));
    address.ok_or_else(|| {
        let fault = Diagnostic::error("seed", format!("service `{service}` has no address to load into"))
            .at(seed.header)
            .hint("give the service a `port`");
        session.description.fault(fault.into())
    })
}

/// Keys and texts of all objects of a seed's files.
fn entries(
    session: &Session,
    seed: &Seed,
    described: &Value,
    scope: &ValueScope<'_>,
) -> Result<Vec<(String, String)>, Fault> {
    let broken = |what: String| {
        Fault::failed(Diagnostic::error("seed", what).about(format!("seed {}", seed.name.name)))
    };
    let disk = DiskFiles::new(&session.root).map_err(|e| broken(e.to_string()))?;
    let mut entries = Vec::new();
    let files = described.get("files");
    for pattern in
        files.as_ref().and_then(Value::as_slice).unwrap_or_default().iter().filter_map(Value::as_str)
    {
        let paths = matching(&disk, pattern).map_err(&broken)?;
        if paths.is_empty() {
            return Err(broken(format!("no file of the project matches `{pattern}`")));
        }
        for path in paths {
            let text = disk.read(&path).map_err(|e| broken(e.to_string()))?;
            let json: Json =
                serde_json::from_slice(&text).map_err(|e| broken(format!("{path} is not JSON: {e}")))?;
            let objects = match json {
                Json::Array(objects) => objects,
                object @ Json::Object(_) => vec![object],
                _ => return Err(broken(format!("{path} is neither an object nor a list of objects"))),
            };
            for object in objects {
                let key = seed
                    .key(value::from_json(&object), scope)
                    .map_err(|d: Diagnostics| session.description.fault(d))?;
                entries.push((key.to_string(), object.to_string()));
            }
        }
    }
    Ok(entries)
}

/// The project's files that match a pattern, in order; `*` and `**` are those of `fileset`.
fn matching(files: &DiskFiles, pattern: &str) -> Result<Vec<String>, String> {
    let context = FunctionContext {
        files,
        template: &|_, _, _| Err("a pattern is no template".to_owned()),
        may_draw: false,
        now: None,
        plan_time: None,
    };
    let arguments = [Value::string("."), Value::string(pattern)];
    let set = lang::functions::call("fileset", &arguments, &context).map_err(|e| e.to_string())?;
    Ok(set.as_slice().unwrap_or_default().iter().filter_map(Value::as_str).map(str::to_owned).collect())
}
