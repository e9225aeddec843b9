//! What `moved` and `removed` blocks say, against each other and against what is declared. No row of the state is looked at: a statement
//! that contradicts another is wrong whatever there is.

use std::collections::{HashMap, HashSet};

use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::{NodeId, TreeNode};

use super::rows::{block_of, node_of};
use crate::stack::world::World;
use crate::{Address, Key, ModulePath, ModuleStep, Target};

/// A `moved` block with both ends from the root on; the keys of the modules that it is in are left out.
struct Move {
    from: Target,
    to: Target,
    header: Span,
}

/// Everything that contradicts. Which instances there are is known after the walk.
pub(super) fn contradictions(world: &World) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let mut moves = Vec::new();
    for node in &world.input.tree.nodes {
        for removed in &node.configuration.removed {
            faults.extend(still_declared(world, &absolute(node, &removed.from.0)));
        }
        moves.extend(node.configuration.moved.iter().map(|moved| Move {
            from: absolute(node, &moved.from.0),
            to: absolute(node, &moved.to.0),
            header: moved.header,
        }));
    }
    let mut moved = of_moves(world, &moves);
    if moved.is_empty() {
        moved.extend(circle(&moves));
    }
    faults.extend(moved);
    faults.sort();
    faults
}

/// A target as the root module would name it.
fn absolute(node: &TreeNode, target: &Target) -> Target {
    let outer = || node.path.iter().map(|name| ModuleStep { name: name.clone(), key: None });
    let within = |path: &ModulePath| ModulePath(outer().chain(path.0.iter().cloned()).collect());
    match target {
        Target::Module(path) => Target::Module(within(path)),
        Target::Resource(address) => {
            Target::Resource(Address { module: within(&address.module), ..address.clone() })
        }
    }
}

/// Something that is said to be gone and is declared.
fn still_declared(world: &World, target: &Target) -> Option<Diagnostic> {
    let (noun, place) = match target {
        Target::Resource(address) => {
            ("resource", world.resource(block_of(&world.input.tree, address)?)?.header)
        }
        Target::Module(path) => ("module", call_of(world, path)?),
    };
    Some(
        Diagnostic::error(
            "removed-still-declared",
            format!("Removed {noun} still exists: {target} is said to be gone"),
        )
        .at(place)
        .hint("take this block out, or the `removed` block"),
    )
}

/// Where a module is called.
fn call_of(world: &World, path: &ModulePath) -> Option<Span> {
    let (caller, call) = world.tree_node(node_of(&world.input.tree, path)?)?.caller?;
    Some(world.configuration(caller)?.call(call)?.header)
}

fn of_moves(world: &World, moves: &[Move]) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let mut by_from: HashMap<&Target, &Move> = HashMap::new();
    let mut by_to: HashMap<&Target, &Move> = HashMap::new();
    let wrong =
        |code: &'static str, message: String, header: Span| Diagnostic::error(code, message).at(header);
    for one in moves {
        let (from, to) = (&one.from, &one.to);
        if from == to {
            let message = format!("Redundant move statement: {from} is moved to where it is");
            faults.push(wrong("redundant-move", message, one.header).hint("leave this block out"));
            continue;
        }
        let other = by_from.get(from).filter(|other| other.to != *to);
        let other = other.or_else(|| by_to.get(to).filter(|other| other.from != *from));
        if let Some(other) = other {
            let message =
                format!("Ambiguous move statements: {} was to move to {} already", other.from, other.to);
            faults.push(wrong("ambiguous-move", message, one.header).see(other.header, "by this one"));
        }
        by_from.entry(from).or_insert(one);
        by_to.entry(to).or_insert(one);
        if let Some(place) = exists(world, one) {
            let message = format!("Moved object still exists: {from} is said to have moved, and is declared");
            let fault = wrong("moved-still-declared", message, one.header).see(place, "here");
            faults.push(fault.hint("give one of them another address, or leave this block out"));
        }
    }
    faults
}

/// Where what a statement moves away is declared, if it is. With a key at either end it is about one instance, which has to be there.
fn exists(world: &World, one: &Move) -> Option<Span> {
    match (&one.from, &one.to) {
        (Target::Resource(from), Target::Resource(to)) => {
            let at = block_of(&world.input.tree, from)?;
            let is_there = || {
                let expansions = world.expansions(at)?;
                let mut instances = world.instances(at.node).iter().zip(expansions);
                instances
                    .any(|(module, it)| is_within(&module.path, &from.module) && it.has(from.key.as_ref()))
                    .then_some(())
            };
            if from.key.is_some() || to.key.is_some() {
                is_there()?;
            }
            world.resource(at).map(|resource| resource.header)
        }
        (Target::Module(from), Target::Module(to)) => {
            let place = call_of(world, from)?;
            let key = |path: &ModulePath| path.0.last().and_then(|step| step.key.clone());
            if key(from).is_none() && key(to).is_none() {
                return Some(place);
            }
            let node: NodeId = node_of(&world.input.tree, from)?;
            let is_it = |path: &ModulePath| is_within(path, from) && key(path) == key(from);
            world.instances(node).iter().any(|module| is_it(&module.path)).then_some(place)
        }
        _ => None,
    }
}

/// Whether an instance of a module is one that a path means, which leaves out keys.
fn is_within(instance: &ModulePath, path: &ModulePath) -> bool {
    let keys = |path: &ModulePath| path.0.iter().map(|step| step.key.clone()).collect::<Vec<Option<Key>>>();
    keys(instance).into_iter().zip(keys(path)).all(|(instance, key)| key.is_none() || instance == key)
}

/// Statements that lead round, so that nothing comes to rest.
fn circle(moves: &[Move]) -> Option<Diagnostic> {
    let next: HashMap<&Target, &Move> = moves.iter().map(|one| (&one.from, one)).collect();
    let mut done: HashSet<&Target> = HashSet::new();
    for one in moves {
        let mut way: Vec<&Move> = Vec::new();
        let mut at = one;
        loop {
            if let Some(start) = way.iter().position(|step| step.from == at.from) {
                let steps = way[start..].iter().map(|step| format!("{} -> {}", step.from, step.to));
                let steps: Vec<String> = steps.collect();
                let message = "Cyclic dependency in move statements: nothing comes to rest";
                return Some(wrong_circle(message, &steps).at(at.header));
            }
            if !done.insert(&at.from) && way.is_empty() {
                break;
            }
            way.push(at);
            match next.get(&at.to) {
                Some(following) => at = following,
                None => break,
            }
        }
    }
    None
}

fn wrong_circle(message: &str, steps: &[String]) -> Diagnostic {
    Diagnostic::error("moved-circle", message).because(steps.join("\n")).hint("take one of these blocks out")
}
