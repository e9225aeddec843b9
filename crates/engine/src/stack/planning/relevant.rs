//! Which attributes of resources the changes hang on: what drift is worth telling of.
//!
//! From everything that would be changed, references are followed through locals, variables and outputs down to resources; what these
//! hang on in turn does not count. Each declaration is followed once.

use std::collections::{BTreeSet, HashSet};

use lang::Reference;
use lang::configuration::{NodeId, Tree};
use lang::syntax::{Body, Expr, ExprKind, Part, Step as Traversed};
use value::{Kind, Path, Step};

use super::rows::block_of;
use crate::stack::plan::{Action, OutputChange, ResourceChange};
use crate::stack::world::{Phase, World};
use crate::{Address, Key, ModulePath};

/// A module instance.
type At = (NodeId, ModulePath);

/// What was found, and what is still to be followed.
struct Search<'t> {
    tree: &'t Tree,
    found: BTreeSet<(Address, Path)>,
    seen: HashSet<(At, Reference)>,
}

/// What the changes hang on, ordered.
pub(super) fn relevant(
    world: &World,
    changes: &[ResourceChange],
    outputs: &[OutputChange],
) -> Vec<(Address, Path)> {
    let tree = &*world.input.tree;
    let mut search = Search { tree, found: BTreeSet::new(), seen: HashSet::new() };
    let mut blocks = HashSet::new();
    for change in changes.iter().filter(|change| change.action != Action::NoOp) {
        let Some(at) = block_of(tree, &change.address) else { continue };
        // All instances of a block refer to the same.
        if !blocks.insert((at, change.address.module.clone())) {
            continue;
        }
        let Some(resource) = world.resource(at) else { continue };
        let module = (at.node, change.address.module.clone());
        search.body(&module, &resource.body);
        // As for Terraform, what `count` refers to is nothing that a change hangs on.
        resource.for_each.iter().for_each(|expr| search.expr(&module, expr));
    }
    for (at, node) in (0_u32..).zip(&tree.nodes) {
        let id = NodeId(at);
        for output in &node.configuration.outputs {
            let is_changed =
                |change: &OutputChange| change.name == output.name.name && change.action() != Action::NoOp;
            // What a module that is called answered before is not kept: it counts as changed wherever it is answered again.
            let is_told =
                if id == NodeId::ROOT { outputs.iter().any(is_changed) } else { world.phase == Phase::Plan };
            if is_told {
                for instance in world.instances(id) {
                    search.expr(&(id, instance.path.clone()), &output.expr);
                }
            }
        }
    }
    search.found.into_iter().collect()
}

impl Search<'_> {
    fn body(&mut self, at: &At, body: &Body) {
        body.attributes.iter().for_each(|attribute| self.expr(at, &attribute.expr));
        body.blocks.iter().for_each(|block| self.body(at, &block.body));
    }

    fn expr(&mut self, at: &At, expr: &Expr) {
        match &expr.kind {
            ExprKind::Reference(reference) => self.follow(at, *reference, &[]),
            ExprKind::Literal(_) | ExprKind::Name(_) | ExprKind::Broken => {}
            ExprKind::Template(parts) => self.parts(at, parts),
            ExprKind::Wrap(inner)
            | ExprKind::Parens(inner)
            | ExprKind::Negate(inner)
            | ExprKind::Not(inner) => self.expr(at, inner),
            ExprKind::Tuple(elements) => elements.iter().for_each(|element| self.expr(at, element)),
            ExprKind::Object(items) => {
                for item in items {
                    self.expr(at, &item.key);
                    self.expr(at, &item.value);
                }
            }
            ExprKind::Traversal(source, steps) => {
                match &source.kind {
                    ExprKind::Reference(reference) => self.follow(at, *reference, steps),
                    _ => self.expr(at, source),
                }
                self.steps(at, steps);
            }
            ExprKind::Call(call) => call.arguments.iter().for_each(|argument| self.expr(at, argument)),
            ExprKind::Conditional(parts) => parts.iter().for_each(|part| self.expr(at, part)),
            ExprKind::Binary(first, rest) => {
                self.expr(at, first);
                rest.iter().for_each(|(_, operand)| self.expr(at, operand));
            }
            ExprKind::For(for_) => {
                self.expr(at, &for_.collection);
                let inner = for_.key.iter().chain([&for_.value]).chain(&for_.condition);
                inner.for_each(|expr| self.expr(at, expr));
            }
        }
    }

    fn steps(&mut self, at: &At, steps: &[Traversed]) {
        for step in steps {
            match step {
                Traversed::Index(key, _) => self.expr(at, key),
                Traversed::Splat { steps, .. } => self.steps(at, steps),
                Traversed::Attribute(_) | Traversed::LegacyIndex(..) => {}
            }
        }
    }

    fn parts(&mut self, at: &At, parts: &[Part]) {
        for part in parts {
            match part {
                Part::Text(_) => {}
                Part::Value(expr) => self.expr(at, expr),
                Part::If { condition, then, otherwise } => {
                    self.expr(at, condition);
                    self.parts(at, then);
                    self.parts(at, otherwise);
                }
                Part::For { collection, body, .. } => {
                    self.expr(at, collection);
                    self.parts(at, body);
                }
            }
        }
    }

    /// Follows a reference with the steps after it.
    fn follow(&mut self, at: &At, reference: Reference, steps: &[Traversed]) {
        let tree = self.tree;
        let Some(node) = tree.node(at.0) else { return };
        let configuration = &node.configuration;
        match reference {
            Reference::Resource(id) => {
                let Some(resource) = configuration.resources.get(id.0 as usize) else { return };
                let is_repeated = resource.count.is_some() || resource.for_each.is_some();
                let mut path: Vec<Step> = steps.iter().map_while(constant).collect();
                let mut key = None;
                if is_repeated && let Some(Step::Index(_) | Step::Key(_)) = path.first() {
                    key = match path.remove(0) {
                        Step::Index(number) => number.to_usize().map(|index| Key::Index(index as u64)),
                        Step::Key(name) | Step::Attribute(name) => Some(Key::Name(name)),
                    };
                } else if is_repeated {
                    // All instances, or one that is not known before: what is behind them has no one place.
                    path.clear();
                }
                let address = Address {
                    module: at.1.clone(),
                    mode: resource.mode,
                    kind: crate::ResourceKind::new(resource.kind.name.clone()),
                    name: resource.name.name.clone(),
                    key,
                    cluster: None,
                };
                self.found.insert((address, Path(path)));
            }
            Reference::Local(id) if self.seen.insert((at.clone(), reference)) => {
                if let Some(local) = configuration.local(id) {
                    self.expr(at, &local.expr);
                }
            }
            Reference::Variable(id) if self.seen.insert((at.clone(), reference)) => {
                let (Some(variable), Some((caller, call))) = (configuration.variable(id), node.caller) else {
                    return;
                };
                let above =
                    tree.node(caller).and_then(|above| above.configuration.calls.get(call.0 as usize));
                let Some(given) = above.and_then(|call| call.body.attribute(&variable.name.name)) else {
                    return;
                };
                let Some(outer) = at.1.parent() else { return };
                self.expr(&(caller, outer), &given.expr);
            }
            Reference::Module(call) | Reference::ModuleOutput(call, _) => {
                let Some(child) = node.children.get(call.0 as usize).copied().flatten() else { return };
                let Some(call_block) = configuration.calls.get(call.0 as usize) else { return };
                let Some(called) = tree.node(child) else { return };
                let is_repeated = call_block.count.is_some() || call_block.for_each.is_some();
                let key = match steps.first().and_then(constant) {
                    Some(Step::Index(number)) if is_repeated => {
                        number.to_usize().map(|index| Key::Index(index as u64))
                    }
                    Some(Step::Key(name)) if is_repeated => Some(Key::Name(name)),
                    _ => None,
                };
                let inner = (child, at.1.child(call_block.name.name.clone(), key));
                let named = match reference {
                    Reference::ModuleOutput(_, output) => {
                        call_block.outputs.get(output as usize).map(|(name, _)| name.clone())
                    }
                    _ => None,
                };
                for output in &called.configuration.outputs {
                    if named.as_ref().is_none_or(|name| *name == output.name.name) {
                        self.expr(&inner, &output.expr);
                    }
                }
            }
            _ => {}
        }
    }
}

/// A step that is the same whatever the values.
fn constant(step: &Traversed) -> Option<Step> {
    match step {
        Traversed::Attribute(name) => Some(Step::Attribute(name.name.clone())),
        Traversed::LegacyIndex(index, _) => Some(Step::Index(index.clone())),
        Traversed::Index(Expr { kind: ExprKind::Literal(key), .. }, _) => match key.kind() {
            Kind::String(name) => Some(Step::Key(name.clone())),
            Kind::Number(number) => Some(Step::Index(number.clone())),
            _ => None,
        },
        Traversed::Index(..) | Traversed::Splat { .. } => None,
    }
}
