//! What shows of a stack's expressions as they are written, without working them out: which of them are at fault already, and attributes
//! that no instance of a resource has.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::Reference;
use lang::configuration::{Condition, Configuration, NodeId};
use lang::syntax::{Body, Expr, ExprKind, Step as Into};
use value::Type;

use crate::stack::walk::Step;
use crate::stack::world::{ResourceAt, World};

/// Whether what a step works out names something that is not there, which was told when names were looked up.
pub(super) fn is_broken(world: &World, step: Step) -> bool {
    let configuration = |node: NodeId| world.configuration(node);
    let call = |node: NodeId| {
        let (caller, call) = world.tree_node(node)?.caller?;
        configuration(caller)?.call(call)
    };
    let found = match step {
        Step::Local(node, id) => {
            configuration(node).and_then(|it| it.local(id)).map(|local| local.expr.is_broken())
        }
        Step::Output(node, at) => {
            let output = configuration(node).and_then(|it| it.outputs.get(at as usize));
            output.map(|output| output.expr.is_broken() || output.preconditions.iter().any(of_condition))
        }
        Step::Variable(node, id) => configuration(node)
            .and_then(|it| it.variable(id))
            .and_then(|variable| Some(call(node)?.body.attribute(&variable.name.name)?.expr.is_broken())),
        Step::Validation(node, id) => {
            let variable = configuration(node).and_then(|it| it.variable(id));
            variable.map(|variable| variable.validations.iter().any(of_condition))
        }
        Step::Expand(node) => {
            call(node).map(|call| call.count.iter().chain(&call.for_each).any(Expr::is_broken))
        }
        Step::Provider(id) => world.providers.get(id).and_then(|provider| {
            Some(of_body(&configuration(provider.node)?.providers.get(provider.block?)?.body))
        }),
        Step::Resource(at) => world.resource(at).map(|resource| {
            of_body(&resource.body) || resource.count.iter().chain(&resource.for_each).any(Expr::is_broken)
        }),
        Step::Check(..) | Step::Whole(_) | Step::Own(_) => None,
    };
    found.unwrap_or_default()
}

fn of_condition(condition: &Condition) -> bool {
    condition.condition.is_broken() || condition.message.is_broken()
}

fn of_body(body: &Body) -> bool {
    let mut found = false;
    body.each_expr(&mut |expr| found |= matches!(expr.kind, ExprKind::Broken));
    found
}

/// Attributes of single instances, as in `aws_vpc.main[0].id`, that their kind does not have. Of a resource that is there once, working the
/// expression out tells them.
pub(super) fn unknown_attributes(world: &World) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let mut seen: Vec<*const Configuration> = Vec::new();
    for (at, tree_node) in (0..).zip(&world.input.tree.nodes) {
        let configuration = &tree_node.configuration;
        if seen.contains(&Arc::as_ptr(configuration)) {
            continue;
        }
        seen.push(Arc::as_ptr(configuration));
        each_expr(configuration, &mut |expr| faults.extend(unknown_attribute(world, NodeId(at), expr)));
    }
    faults
}

fn unknown_attribute(world: &World, node: NodeId, expr: &Expr) -> Option<Diagnostic> {
    let ExprKind::Traversal(source, steps) = &expr.kind else { return None };
    let ExprKind::Reference(Reference::Resource(resource)) = source.kind else { return None };
    let (Into::Index(..) | Into::LegacyIndex(..), Into::Attribute(name)) = (steps.first()?, steps.get(1)?)
    else {
        return None;
    };
    let at = ResourceAt { node, resource };
    world.resource(at).filter(|resource| resource.count.is_some() || resource.for_each.is_some())?;
    let (_, kind) = world.made_by(at).ok()?;
    let Type::Object(object) = kind.block.ty() else { return None };
    if object.attributes.contains_key(&name.name) {
        return None;
    }
    let fault =
        Diagnostic::error("no-such-attribute", format!("this object has no attribute `{}`", name.name));
    Some(match diag::closest(&name.name, object.attributes.keys().map(AsRef::as_ref)) {
        Some(meant) => fault.at(name.span).hint(format!("did you mean `{meant}`?")),
        None => fault.at(name.span),
    })
}

/// Every expression of a module that may name a resource.
fn each_expr<'a>(configuration: &'a Configuration, visit: &mut dyn FnMut(&'a Expr)) {
    let mut conditions: Vec<&Condition> = Vec::new();
    configuration.locals.iter().for_each(|local| local.expr.each(visit));
    for output in &configuration.outputs {
        output.expr.each(visit);
        conditions.extend(&output.preconditions);
    }
    for resource in &configuration.resources {
        resource.body.each_expr(visit);
        resource.count.iter().chain(&resource.for_each).for_each(|expr| expr.each(visit));
        resource.provisioners.iter().for_each(|provisioner| provisioner.body.each_expr(visit));
        conditions.extend(resource.lifecycle.preconditions.iter().chain(&resource.lifecycle.postconditions));
    }
    for call in &configuration.calls {
        call.body.each_expr(visit);
        call.count.iter().chain(&call.for_each).for_each(|expr| expr.each(visit));
    }
    configuration.providers.iter().for_each(|provider| provider.body.each_expr(visit));
    conditions.extend(configuration.checks.iter().flat_map(|check| &check.assertions));
    conditions.extend(configuration.variables.iter().flat_map(|variable| &variable.validations));
    for condition in conditions {
        condition.condition.each(visit);
        condition.message.each(visit);
    }
}
