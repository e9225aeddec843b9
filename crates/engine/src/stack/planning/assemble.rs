//! The plan as data, of what the walk has found.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::NodeId;
use value::{Marks, Value};

use super::StackRequest;
use super::planner::{Found, Planner};
use super::relevant::relevant;
use crate::stack::plan::{Action, CheckKind, OutputChange, StackMode, StackPlan};
use crate::stack::world::World;
use crate::{Address, Mode, Snapshot};

/// A plan with nothing in it, stopped by faults.
pub(super) fn errored(request: &StackRequest) -> StackPlan {
    StackPlan {
        environment: request.input.environment.clone(),
        mode: request.mode,
        created_at_ms: request.input.now_ms,
        base_serial: request.state.serial,
        lineage: request.state.lineage.clone(),
        variables: variables(request),
        targets: request.targets.clone(),
        replaced: request.replaced.clone(),
        changes: Vec::new(),
        drift: Vec::new(),
        outputs: Vec::new(),
        checks: Vec::new(),
        prior: Vec::new(),
        prior_outputs: request.state.outputs.clone(),
        stacks: Vec::new(),
        relevant: Vec::new(),
        generated: Vec::new(),
        is_errored: true,
        is_complete: false,
    }
}

/// The plan of what was found. Warnings about the plan as a whole are added to `told`.
pub(super) fn plan(
    request: &StackRequest,
    world: &World,
    planner: &Planner,
    told: &mut Diagnostics,
) -> StackPlan {
    let Found { mut changes, mut drift, mut prior, generated } = planner.take_all();
    let by_address = |a: (&Address, Option<&Arc<str>>), b: (&Address, Option<&Arc<str>>)| a.cmp(&b);
    changes.sort_by(|a, b| by_address((&a.address, a.deposed.as_ref()), (&b.address, b.deposed.as_ref())));
    drift.sort_by(|a, b| by_address((&a.address, a.deposed.as_ref()), (&b.address, b.deposed.as_ref())));
    prior.sort_by(|a, b| {
        by_address((&a.address, a.record.deposed.as_ref()), (&b.address, b.record.deposed.as_ref()))
    });
    let is_errored = told.has_errors();
    let (outputs, prior_outputs) = outputs(&request.state, world, planner);
    if request.mode == StackMode::Destroy {
        declare_checks(world);
    }
    if !is_errored {
        told.extend(forgotten(&changes));
        told.extend(unmatched_replacements(request, &changes));
    }
    let relevant = if is_errored { Vec::new() } else { relevant(world, &changes, &outputs) };
    StackPlan {
        relevant,
        outputs,
        prior_outputs,
        stacks: world.stack_outputs(),
        checks: world.checks.results(),
        changes,
        drift,
        prior,
        generated,
        is_errored,
        is_complete: !is_errored && planner.selection.is_everything(),
        ..errored(request)
    }
}

/// Root variables as they were given, or their defaults; ephemeral ones are never kept, and sensitive ones are marked.
fn variables(request: &StackRequest) -> BTreeMap<Arc<str>, Value> {
    let Some(root) = request.input.tree.root() else { return BTreeMap::new() };
    let given = root.variables.iter().zip(&request.input.variables);
    let value = |(variable, value): (&lang::configuration::Variable, &Option<Value>)| {
        let kept = value.clone().filter(|_| !variable.ephemeral);
        let value = kept.or_else(|| variable.default.clone())?;
        let marks = if variable.sensitive { Marks::SENSITIVE } else { Marks::NONE };
        Some((variable.name.name.clone(), value.with_marks(marks)))
    };
    given.filter_map(value).collect()
}

/// What becomes of each output of the root module, and outputs as they are now as far as they are known.
fn outputs(state: &Snapshot, world: &World, planner: &Planner) -> (Vec<OutputChange>, Vec<(String, Value)>) {
    let before: BTreeMap<&str, &Value> =
        state.outputs.iter().map(|(name, value)| (name.as_str(), value)).collect();
    let declared = world.configuration(NodeId::ROOT).map_or(&[][..], |root| &root.outputs);
    let mut now: BTreeMap<String, Value> = state.outputs.iter().cloned().collect();
    let mut changes = BTreeMap::new();
    let destroys = planner.mode == StackMode::Destroy;
    let is_sensitive =
        |value: Option<&&Value>| value.is_some_and(|value| value.marks().contains(Marks::SENSITIVE));
    for (at, output) in declared.iter().enumerate() {
        let name = &output.name.name;
        let then = before.get(name.as_ref());
        let Some(after) = world.root_output(at) else { continue };
        // An output that is null is as good as none.
        if after.is_null() {
            now.remove(name.as_ref());
        } else if after.is_wholly_known() {
            now.insert(name.to_string(), after.clone());
        }
        if destroys {
            continue;
        }
        let change = OutputChange {
            name: name.clone(),
            before: then.map(|value| (*value).clone()),
            after: Some(after.clone()),
            is_sensitive: output.sensitive || is_sensitive(then),
        };
        changes.insert(name.clone(), change);
    }
    let names: HashSet<&str> = declared.iter().map(|output| output.name.name.as_ref()).collect();
    // Where everything is removed, what an output is now counts, and not what it was when it was last written.
    let before: BTreeMap<&str, Value> = match destroys {
        true => now.iter().map(|(name, value)| (name.as_str(), value.clone())).collect(),
        false => before.into_iter().map(|(name, value)| (name, value.clone())).collect(),
    };
    for (name, value) in &before {
        let goes = planner.selection.is_everything() && (destroys || !names.contains(name));
        if goes {
            let change = OutputChange {
                name: Arc::from(*name),
                before: Some(value.clone()),
                after: None,
                is_sensitive: is_sensitive(Some(&value)),
            };
            changes.insert(Arc::from(*name), change);
        }
    }
    (changes.into_values().collect(), now.into_iter().collect())
}

/// Where everything is removed, everything that has conditions is there and says nothing.
fn declare_checks(world: &World) {
    for (number, node) in (0_u32..).zip(&world.input.tree.nodes) {
        for variable in node.configuration.variables.iter().filter(|it| !it.validations.is_empty()) {
            let object = format!("{}var.{}", world.prefix(NodeId(number)), variable.name.name);
            world.checks.declare(CheckKind::InputVariable, object);
        }
        for output in node.configuration.outputs.iter().filter(|it| !it.preconditions.is_empty()) {
            let object = format!("{}output.{}", world.prefix(NodeId(number)), output.name.name);
            world.checks.declare(CheckKind::OutputValue, object);
        }
        for check in &node.configuration.checks {
            let object = format!("{}check.{}", world.prefix(NodeId(number)), check.name.name);
            world.checks.declare(CheckKind::Check, object);
        }
    }
}

fn forgotten(changes: &[crate::stack::plan::ResourceChange]) -> Option<Diagnostic> {
    let names: Vec<String> = changes
        .iter()
        .filter(|it| it.action == Action::Forget && it.address.mode == Mode::Managed)
        .map(|it| format!(" - {}", it.address))
        .collect();
    if names.is_empty() {
        return None;
    }
    Some(
        Diagnostic::warning("forgotten", "Some objects will no longer be managed by Terraform")
            .because(format!(
                "if you apply this plan, these objects are forgotten and stay as they are:\n{}",
                names.join("\n")
            ))
            .hint("after that, `import` takes them back"),
    )
}

/// Resources with several instances that were to be replaced as if they had one.
fn unmatched_replacements(
    request: &StackRequest,
    changes: &[crate::stack::plan::ResourceChange],
) -> Diagnostics {
    let mut told = Diagnostics::default();
    if request.replaced.is_empty() {
        return told;
    }
    let there: HashSet<&Address> = changes.iter().map(|change| &change.address).collect();
    for address in request.replaced.iter().filter(|address| address.key.is_none() && !there.contains(address))
    {
        let instances: Vec<String> = changes
            .iter()
            .filter(|change| change.address.resource() == address.resource())
            .map(|change| format!("-replace={:?}", change.address.to_string()))
            .take(10)
            .collect();
        if !instances.is_empty() {
            let message = format!(
                "Incompletely-matched force-replace resource instance: {address} names no single instance"
            );
            let warning = Diagnostic::warning("replace-unmatched", message);
            told.push(warning.hint(format!("name an instance: {}", instances.join(", "))));
        }
    }
    told
}
