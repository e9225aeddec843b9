//! What shows of a stack's expressions as they are written, without working them out: which of them are at fault already, and attributes
//! that no instance of a resource has.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::{Condition, Configuration, IgnoreChanges, NodeId};
use lang::eval::evaluate;
use lang::resolve::ResourceId;
use lang::syntax::{Body, Expr, ExprKind, Step as Into};
use lang::{ProjectFiles, Reference, Scope};
use value::{Type, Value};

use super::ignored::redundant;
use crate::stack::provider::KindSchema;
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

/// Attributes of resources, as in `aws_vpc.main[0].id`, that their kind does not have. Working an expression out tells them only where it
/// comes to that.
pub(super) fn unknown_attributes(world: &World) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let mut seen: Vec<*const Configuration> = Vec::new();
    let mut kinds = HashMap::new();
    for (at, tree_node) in (0..).zip(&world.input.tree.nodes) {
        let configuration = &tree_node.configuration;
        if seen.contains(&Arc::as_ptr(configuration)) {
            continue;
        }
        seen.push(Arc::as_ptr(configuration));
        let mut look = Look { world, node: NodeId(at), kinds: &mut kinds, faults: &mut faults };
        each_expr(configuration, &mut |own, expr| look.at(own, expr));
    }
    faults
}

/// Attributes that are ignored though no description can give them.
pub(super) fn redundant_ignored(world: &World) -> Diagnostics {
    let mut warnings = Diagnostics::default();
    let mut seen: Vec<*const Configuration> = Vec::new();
    for (node, tree_node) in (0..).map(NodeId).zip(&world.input.tree.nodes) {
        let configuration = &tree_node.configuration;
        if seen.contains(&Arc::as_ptr(configuration)) {
            continue;
        }
        seen.push(Arc::as_ptr(configuration));
        for (id, resource) in (0..).map(ResourceId).zip(&configuration.resources) {
            if let IgnoreChanges::Places(_) = &resource.lifecycle.ignore_changes
                && let Ok((_, kind)) = world.made_by(ResourceAt { node, resource: id })
            {
                warnings.extend(redundant(resource, &kind.block));
            }
        }
    }
    warnings
}

/// What the objects of a kind are.
type Kinds = HashMap<*const KindSchema, Value>;

struct Look<'a> {
    world: &'a World,
    node: NodeId,
    kinds: &'a mut Kinds,
    faults: &'a mut Diagnostics,
}

impl Look<'_> {
    /// At an expression. `own`: the resource that `self` is.
    fn at(&mut self, own: Option<ResourceId>, expr: &Expr) {
        let ExprKind::Traversal(source, steps) = &expr.kind else { return };
        let (resource, is_self) = match (&source.kind, own) {
            (ExprKind::Reference(Reference::Resource(id)), _) => (*id, false),
            (ExprKind::Reference(Reference::SelfObject), Some(own)) => (own, true),
            _ => return,
        };
        let at = ResourceAt { node: self.node, resource };
        let Some(block) = self.world.resource(at) else { return };
        let is_repeated = !is_self && (block.count.is_some() || block.for_each.is_some());
        let steps = match (is_repeated, steps.as_slice()) {
            (true, [Into::Index(..) | Into::LegacyIndex(..), rest @ ..]) => rest,
            (_, all) => all,
        };
        let known = steps.iter().take_while(|step| is_fixed(step)).count();
        let (Some(Into::Attribute(name)), Ok((_, kind))) = (steps.first(), self.world.made_by(at)) else {
            return;
        };
        let object = self.kinds.entry(kind).or_insert_with(|| Value::unknown(kind.block.ty())).clone();
        // Most are that simple.
        if known == 1
            && let Type::Object(object) = object.ty()
            && object.attributes.contains_key(&name.name)
        {
            return;
        }
        let traversal = ExprKind::Traversal(source.clone(), steps[..known].to_vec());
        let scope = Any { files: self.world.files(self.node), object };
        let found = evaluate(&Expr { kind: traversal, span: expr.span }, &scope);
        self.faults.extend(found.err().unwrap_or_default());
    }
}

/// Whether a step is one whatever the values are.
fn is_fixed(step: &Into) -> bool {
    match step {
        Into::Attribute(_) | Into::LegacyIndex(..) => true,
        Into::Index(key, _) => matches!(key.kind, ExprKind::Literal(_)),
        Into::Splat { .. } => false,
    }
}

/// Any object of a kind.
struct Any<'a> {
    files: &'a dyn ProjectFiles,
    object: Value,
}

impl Scope for Any<'_> {
    fn get(&self, _: Reference) -> Result<Value, Diagnostic> {
        Ok(self.object.clone())
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.files
    }
}

/// Every expression of a module that may name a resource, with the resource that it belongs to.
fn each_expr<'a>(configuration: &'a Configuration, visit: &mut dyn FnMut(Option<ResourceId>, &'a Expr)) {
    for (id, resource) in (0..).map(ResourceId).zip(&configuration.resources) {
        let mut of_resource = |expr| visit(Some(id), expr);
        resource.body.each_expr(&mut of_resource);
        resource.count.iter().chain(&resource.for_each).for_each(|expr| expr.each(&mut of_resource));
        resource.connection.iter().for_each(|body| body.each_expr(&mut of_resource));
        for provisioner in &resource.provisioners {
            provisioner.body.each_expr(&mut of_resource);
            provisioner.connection.iter().for_each(|body| body.each_expr(&mut of_resource));
        }
        let lifecycle = &resource.lifecycle;
        each_of(lifecycle.preconditions.iter().chain(&lifecycle.postconditions), &mut of_resource);
    }
    let visit = &mut |expr| visit(None, expr);
    configuration.locals.iter().for_each(|local| local.expr.each(visit));
    for output in &configuration.outputs {
        output.expr.each(visit);
        each_of(output.preconditions.iter(), visit);
    }
    for call in &configuration.calls {
        call.body.each_expr(visit);
        call.count.iter().chain(&call.for_each).for_each(|expr| expr.each(visit));
    }
    configuration.providers.iter().for_each(|provider| provider.body.each_expr(visit));
    each_of(configuration.checks.iter().flat_map(|check| &check.assertions), visit);
    each_of(configuration.variables.iter().flat_map(|variable| &variable.validations), visit);
}

fn each_of<'a>(conditions: impl Iterator<Item = &'a Condition>, visit: &mut dyn FnMut(&'a Expr)) {
    for condition in conditions {
        condition.condition.each(visit);
        condition.message.each(visit);
    }
}
