//! Results of checks in JSON.

use engine::stack::plan::{CheckInstance, CheckKind, CheckResult, CheckStatus};
use engine::{Address, Mode, ModulePath, Target};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::resource;

/// All results, in the order of the objects' kinds and addresses.
#[must_use]
pub fn checks(results: &[CheckResult]) -> Vec<Json> {
    let mut sorted: Vec<&CheckResult> = results.iter().collect();
    sorted.sort_by(|a, b| a.object.cmp(&b.object));
    sorted.into_iter().map(check).collect()
}

/// The results that a state has kept, in the form of version 4.
#[must_use]
pub fn of_state(kept: &Json) -> Vec<CheckResult> {
    #[derive(Deserialize)]
    struct Kept {
        object_kind: CheckKind,
        config_addr: String,
        status: CheckStatus,
        objects: Option<Vec<Instance>>,
    }
    #[derive(Deserialize)]
    struct Instance {
        object_addr: String,
        status: CheckStatus,
        #[serde(default)]
        failure_messages: Vec<String>,
    }
    let kept: Vec<Kept> = Deserialize::deserialize(kept).unwrap_or_default();
    let instance = |it: Instance| CheckInstance {
        address: it.object_addr,
        status: it.status,
        problems: it.failure_messages,
    };
    let result = |it: Kept| CheckResult {
        kind: it.object_kind,
        object: it.config_addr,
        status: it.status,
        instances: it.objects.unwrap_or_default().into_iter().map(instance).collect(),
    };
    kept.into_iter().map(result).collect()
}

fn check(result: &CheckResult) -> Json {
    let mut instances: Vec<&CheckInstance> = result.instances.iter().collect();
    instances.sort_by(|a, b| a.address.cmp(&b.address));
    let mut out = Map::new();
    out.insert("address".into(), object_address(result));
    out.insert("status".into(), json!(status(result.status)));
    if !instances.is_empty() {
        let instances = instances.into_iter().map(|it| instance(result.kind, it)).collect();
        out.insert("instances".into(), Json::Array(instances));
    }
    Json::Object(out)
}

fn instance(kind: CheckKind, instance: &CheckInstance) -> Json {
    let (module, rest) = split(&instance.address);
    let mut address = Map::new();
    address.insert("to_display".into(), json!(instance.address));
    if !module.is_root() {
        address.insert("module".into(), json!(module.to_string()));
    }
    if kind == CheckKind::Resource
        && let Ok(parsed) = rest.parse::<Address>()
        && let Some(index) = resource::index(&parsed)
    {
        address.insert("instance_key".into(), index);
    }
    let mut out = Map::new();
    out.insert("address".into(), Json::Object(address));
    out.insert("status".into(), json!(status(instance.status)));
    if !instance.problems.is_empty() {
        let problems: Vec<Json> = instance.problems.iter().map(|it| json!({ "message": it })).collect();
        out.insert("problems".into(), Json::Array(problems));
    }
    Json::Object(out)
}

fn object_address(result: &CheckResult) -> Json {
    let (module, rest) = split(&result.object);
    let mut out = Map::new();
    out.insert("to_display".into(), json!(result.object));
    let word = match result.kind {
        CheckKind::Resource => "resource",
        CheckKind::OutputValue => "output_value",
        CheckKind::Check => "check",
        CheckKind::InputVariable => "var",
    };
    out.insert("kind".into(), json!(word));
    if !module.is_root() {
        out.insert("module".into(), json!(module.to_string()));
    }
    match rest.parse::<Address>() {
        Ok(address) if result.kind == CheckKind::Resource => {
            let mode = if address.mode == Mode::Data { "data" } else { resource::mode(address.mode) };
            out.insert("mode".into(), json!(mode));
            out.insert("type".into(), json!(address.kind.as_str()));
            out.insert("name".into(), json!(address.name));
        }
        _ => {
            let name = rest.rsplit_once('.').map_or(rest, |(_, name)| name);
            out.insert("name".into(), json!(name));
        }
    }
    Json::Object(out)
}

/// The module and the rest of the address of an object.
fn split(object: &str) -> (ModulePath, &str) {
    // A rest is two words at least; the longest start that is a module's address is the module.
    let mut best = (ModulePath::default(), object);
    for (at, _) in object.match_indices('.') {
        if let Ok(Target::Module(path)) = object[..at].parse::<Target>() {
            best = (path, &object[at + 1..]);
        }
    }
    best
}

fn status(status: CheckStatus) -> &'static str {
    match status {
        CheckStatus::Unknown => "unknown",
        CheckStatus::Pass => "pass",
        CheckStatus::Fail => "fail",
        CheckStatus::Error => "error",
    }
}
