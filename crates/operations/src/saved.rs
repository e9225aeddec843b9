//! A plan in a file: what would be done, and everything it was computed from, so that it can be applied elsewhere and later.

use std::collections::BTreeMap;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use diag::Diagnostic;
use engine::stack::StackPlan;
use engine::{EnvironmentName, Plan, Release, Revision, RevisionId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use value::Encoded;

use crate::{Fault, Planned, Session, stack};

/// The file's content. Sensitive parts of values are sealed with the environment's key.
#[derive(Serialize, Deserialize)]
struct File {
    format: u32,
    environment: EnvironmentName,
    plan: Json,
    revision: RevisionId,
    /// By path, in Base64: a file that was read need not be text.
    files: BTreeMap<String, String>,
    values: BTreeMap<String, Encoded>,
    releases: BTreeMap<String, Release>,
    /// What would be done to the infrastructure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    infrastructure: Option<Json>,
}

/// What is read of any version, to say which one it is.
#[derive(Deserialize)]
struct Head {
    format: u32,
    environment: EnvironmentName,
}

/// Writes a plan to a file that only its owner can read.
///
/// # Errors
/// If it cannot be written.
pub fn write_plan(session: &Session, planned: &Planned, path: &Path) -> Result<(), Fault> {
    let failed =
        |why: String| Fault::failed(Diagnostic::error("plan-file", why).about(path.display().to_string()));
    let seal =
        |context: &str, encoded: &Encoded| session.keys.seal_encoded(&session.environment, context, encoded);
    let mut plan = serde_json::to_value(&planned.plan).map_err(|e| failed(e.to_string()))?;
    walk_values(&mut plan, &mut |encoded| seal("plan", &encoded).map_err(Fault::from))?;
    let mut values = BTreeMap::new();
    for (name, value) in &planned.revision.values {
        values.insert(name.clone(), seal("plan", &value::encode(value))?);
    }
    let file = File {
        format: Plan::FORMAT,
        environment: session.environment.clone(),
        plan,
        revision: planned.revision.id.clone(),
        files: planned
            .revision
            .files
            .iter()
            .map(|(path, content)| (path.clone(), BASE64.encode(content)))
            .collect(),
        values,
        releases: planned.revision.releases.clone(),
        infrastructure: match &planned.infrastructure {
            Some(infrastructure) => Some(stack::encode_plan(&session.keys, &infrastructure.plan)?),
            None => None,
        },
    };
    let text = serde_json::to_vec(&file).map_err(|e| failed(e.to_string()))?;
    let mut out = std::fs::OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(path)
        .map_err(|e| Fault::io("the plan could not be written", path, &e))?;
    out.write_all(&text).map_err(|e| Fault::io("the plan could not be written", path, &e))
}

/// Reads a plan of this environment.
///
/// # Errors
/// If it is not one, is of another version or environment, or was sealed with another key.
pub fn read_plan(session: &Session, path: &Path) -> Result<(Plan, Option<StackPlan>, Revision), Fault> {
    let not_a_plan = |why: String| {
        Fault::Usage(
            Diagnostic::error("plan-file", "this is not a plan that this program can apply")
                .about(path.display().to_string())
                .because(why)
                .hint("make one with `mainstay plan --out FILE`")
                .into(),
        )
    };
    let text = std::fs::read(path).map_err(|e| Fault::io("the plan could not be read", path, &e))?;
    let head: Head = serde_json::from_slice(&text).map_err(|e| not_a_plan(e.to_string()))?;
    if head.format != Plan::FORMAT {
        return Err(not_a_plan(format!("its format is {}, this program's is {}", head.format, Plan::FORMAT)));
    }
    if head.environment != session.environment {
        return Err(Fault::Usage(
            Diagnostic::error(
                "plan-environment",
                format!("this plan is for `{}`, not `{}`", head.environment, session.environment),
            )
            .about(path.display().to_string())
            .hint(format!("apply it with `--env {}`", head.environment))
            .into(),
        ));
    }
    let mut file: File = serde_json::from_slice(&text).map_err(|e| not_a_plan(e.to_string()))?;
    let unseal = |context: &str, encoded: &Encoded| {
        session.keys.unseal_encoded(&session.environment, context, encoded)
    };
    walk_values(&mut file.plan, &mut |encoded| unseal("plan", &encoded).map_err(Fault::from))?;
    let plan: Plan = serde_json::from_value(file.plan).map_err(|e| not_a_plan(e.to_string()))?;
    let mut values = BTreeMap::new();
    for (name, encoded) in &file.values {
        let value = value::decode(&unseal("plan", encoded)?).map_err(|e| not_a_plan(e.to_string()))?;
        values.insert(name.clone(), value);
    }
    let mut files = BTreeMap::new();
    for (path, content) in file.files {
        let content = BASE64.decode(content).map_err(|e| not_a_plan(format!("{path}: {e}")))?;
        files.insert(path, content);
    }
    let infrastructure = match file.infrastructure {
        Some(encoded) => Some(stack::decode_plan(&session.keys, encoded, path)?),
        None => None,
    };
    Ok((plan, infrastructure, Revision { id: file.revision, files, values, releases: file.releases }))
}

/// Replaces every encoded value in a plan's JSON: `before` and `after` of its changes and outputs.
fn walk_values(
    plan: &mut Json,
    change: &mut dyn FnMut(Encoded) -> Result<Encoded, Fault>,
) -> Result<(), Fault> {
    for list in ["changes", "outputs"] {
        let Some(entries) = plan.get_mut(list).and_then(Json::as_array_mut) else { continue };
        for entry in entries {
            for side in ["before", "after"] {
                let Some(place) = entry.get_mut(side).filter(|v| !v.is_null()) else { continue };
                let broken =
                    |e: serde_json::Error| Fault::failed(Diagnostic::error("plan-file", e.to_string()));
                let encoded: Encoded = serde_json::from_value(place.take()).map_err(broken)?;
                *place = serde_json::to_value(change(encoded)?).map_err(broken)?;
            }
        }
    }
    Ok(())
}
