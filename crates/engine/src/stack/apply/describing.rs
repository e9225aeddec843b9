//! What an instance is described as, now that everything that it depends on is made, and what its provider plans for that. What it
//! plans has to be what was agreed to.

use diag::{Diagnostic, Diagnostics, Severity};
use lang::configuration::Resource;
use lang::schema::decode;
use value::Value;

use super::context::{Context, Located};
use super::result::null_like;
use crate::StateRow;
use crate::inconsistency::inconsistency;
use crate::stack::plan::{CheckKind, ResourceChange};
use crate::stack::planning::ignored::with_ignored;
use crate::stack::planning::marks::{at, copy, plain, same};
use crate::stack::planning::proposed::proposed;
use crate::stack::provider::{KindSchema, Part, PlanResource};
use crate::stack::walk::block_address;
use crate::stack::world::{Telling, judge};

/// What an instance is described as.
pub(super) struct Described<'a> {
    pub(super) resource: &'a Resource,
    pub(super) kind: &'a KindSchema,
    /// By the schema, with marks.
    pub(super) configuration: Value,
    pub(super) warnings: Diagnostics,
}

/// What a provider plans for it.
pub(super) struct Planned<'a> {
    pub(super) described: Described<'a>,
    /// With marks.
    pub(super) planned: Value,
    /// What the provider answered for itself.
    pub(super) private: Vec<u8>,
}

/// What an instance is described as.
pub(super) fn describe<'a>(
    context: &Context<'a>,
    change: &ResourceChange,
    located: &Located,
) -> Result<Described<'a>, Diagnostics> {
    let (_, kind) = context.world.made_by(located.at)?;
    let Some(resource) = context.world.resource(located.at) else { return Err(not_described(change).into()) };
    let what = format!("resource \"{}\" \"{}\"", resource.kind.name, resource.name.name);
    let decoded = decode(&resource.body, resource.header, &what, &kind.block, &[], &context.place(located));
    if decoded.diagnostics.has_errors() {
        return Err(decoded.diagnostics);
    }
    Ok(Described { resource, kind, configuration: decoded.value, warnings: decoded.diagnostics })
}

/// What the provider plans for an instance, now that it can be described as a whole. `updated`: what is there, to be changed.
///
/// # Errors
/// If it cannot be described, its provider refuses that, or plans something else than was agreed to.
pub(super) async fn plan_again<'a>(
    context: &Context<'a>,
    change: &ResourceChange,
    located: &Located,
    updated: Option<&StateRow>,
) -> Result<Planned<'a>, Diagnostics> {
    let mut described = describe(context, change, located)?;
    let block = &described.kind.block;
    let before = context.prior(change).map(|row| plain(&row.value));
    let nothing = null_like(&described.configuration);
    let ignored = &described.resource.lifecycle.ignore_changes;
    let unmarked = plain(&described.configuration);
    if !unmarked.is_wholly_known() {
        return Err(described.not_known(context, change).into());
    }
    // Of what is replaced nothing is kept, and so nothing is ignored.
    let prior = updated.and(before.as_ref()).unwrap_or(&nothing);
    let configuration = with_ignored(block, ignored, prior, &unmarked);
    let proposed = proposed(block, prior, &block.without_write_only(&configuration));
    let provider = context.provider(change)?;
    let kind = change.address.kind.as_str();
    let remarks = provider.validate(Part::Managed, kind, &unmarked).await;
    described.warnings.extend(context.told(change, Some(located), remarks));
    if described.warnings.has_errors() {
        return Err(described.warnings);
    }
    let request = PlanResource {
        prior,
        configuration: &configuration,
        proposed: &proposed,
        private: updated.map_or(&[], |row| row.record.private.as_slice()),
    };
    let planned = provider.plan(kind, &request).await;
    let planned = planned.map_err(|remarks| context.told(change, Some(located), remarks))?;
    described.warnings.extend(context.told(change, Some(located), planned.remarks));
    let about = context.about(change, Some(located));
    if !planned.is_legacy
        && let Some(why) = inconsistency(&change.after, &planned.planned)
    {
        return Err(about.other_plan(&why).into());
    }
    if updated.is_some() {
        let moved = planned.requires_replace.iter().find(|path| {
            match (at(prior, path), at(&planned.planned, path)) {
                (Some(then), Some(now)) => !same(&then, &now),
                (then, now) => then.is_some() != now.is_some(),
            }
        });
        if let Some(path) = moved {
            let why = format!("`{}` was to be changed in place, and now needs another object", place(path));
            return Err(about.other_plan(&why).into());
        }
    }
    // What the provider is told is what was ignored as well; marks are those of the configuration.
    described.configuration = copy(&described.configuration, &configuration);
    let value = described.marked(&planned.planned, &change.after);
    Ok(Planned { described, planned: value, private: planned.private })
}

impl Described<'_> {
    /// A value of the provider's with the marks that the configuration, the plan and the schema give it. What is given to the
    /// provider and never kept is null in it, and gives none.
    pub(super) fn marked(&self, value: &Value, planned: &Value) -> Value {
        let block = &self.kind.block;
        let value = copy(planned, &block.with_sensitive(value));
        if self.configuration.marks_deep().is_empty() {
            return value;
        }
        copy(&block.without_write_only(&self.configuration), &value)
    }

    /// A configuration that is not known even now.
    pub(super) fn not_known(&self, context: &Context<'_>, change: &ResourceChange) -> Diagnostic {
        let fault = Diagnostic::error(
            "unknown-value",
            "the configuration holds values that are not known even at the apply",
        )
        .at(self.resource.header)
        .about(change.address.to_string());
        let environments = &context.world.input.environments;
        match environments.iter().find(|(_, outputs)| !outputs.is_wholly_known()) {
            Some((other, _)) => fault
                .because(format!("it may hang on an output that the environment `{other}` does not have yet"))
                .hint(format!(
                    "apply that first, or both together: `mainstay apply --env {other},{}`",
                    context.world.input.environment
                )),
            None => {
                fault.hint("does it hang on a service? The infrastructure is made before any service runs")
            }
        }
    }
}

/// What the conditions of an instance say. `own`: the object, for what has to hold of it.
pub(super) fn conditions(
    context: &Context<'_>,
    change: &ResourceChange,
    located: &Located,
    telling: Telling,
    own: Option<&Value>,
) -> Diagnostics {
    let Some(resource) = context.world.resource(located.at) else { return Diagnostics::default() };
    let lifecycle = &resource.lifecycle;
    let conditions = if own.is_some() { &lifecycle.postconditions } else { &lifecycle.preconditions };
    if conditions.is_empty() {
        return Diagnostics::default();
    }
    // What a check only looks at stops nothing.
    let telling = match resource.in_check {
        Some(_) => Telling { severity: Severity::Warning, ..telling },
        None => telling,
    };
    let place = context.place(located);
    let judged = match own {
        Some(own) => judge(conditions, &place.with_self(own), telling),
        None => judge(conditions, &place, telling),
    };
    if let Some(block) = block_address(&context.world.input.tree, located.at) {
        let instance = change.address.to_string();
        context.world.checks.note(CheckKind::Resource, block.to_string(), instance, &judged);
    }
    judged.diagnostics
}

fn not_described(change: &ResourceChange) -> Diagnostic {
    Diagnostic::error(
        "plan-inconsistent",
        "the plan makes an instance that the configuration does not describe",
    )
    .about(change.address.to_string())
    .hint("make a new plan; nothing was done to it")
}

fn place(path: &value::Path) -> String {
    let text = path.to_string();
    text.strip_prefix('.').map_or_else(|| text.clone(), str::to_owned)
}
