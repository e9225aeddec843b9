//! `moved` blocks, and the moves that follow from `count` coming or going: rows of the state get the addresses that they have now.
//!
//! Each row follows the statements by itself, the narrowest first, through tables by names, so that it is linear in rows.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::{NodeId, Tree};

use super::rows::{Row, block_of, is_resource, shared_kind};
use crate::{Address, Key, Mode, ModulePath, ModuleStep, StateRow, Target};

/// A chain of more statements than this goes round; a circle was told when the modules were read.
const CHAIN_MAX: usize = 100;

/// What a `moved` block says, in a module of the tree.
struct Statement<'a> {
    /// How many calls lead to the module with the block.
    depth: usize,
    from: &'a Target,
    to: &'a Target,
    span: Span,
}

/// Names from the root on without keys: of modules, then kind and name of a resource where it is one.
type Names = (Vec<Arc<str>>, Option<(Mode, Arc<str>, Arc<str>)>);

/// Statements by what they are about.
struct Statements<'a>(HashMap<Names, Vec<Statement<'a>>>);

/// The rows at their present addresses. A row whose place is taken stays where it is, which is told.
pub(super) fn moved_rows(tree: &Tree, rows: Vec<StateRow>) -> (Vec<Row>, Diagnostics) {
    let statements = Statements::new(tree);
    let mut told = Diagnostics::default();
    let rows: Vec<StateRow> = rows.into_iter().filter(is_resource).collect();
    let mut taken: HashSet<Address> = rows.iter().map(|row| row.address.clone()).collect();
    let mut blocked: Vec<(Address, Address, Span)> = Vec::new();
    let mut moved = Vec::with_capacity(rows.len());
    let mut implied: HashMap<Address, Address> = HashMap::new();
    for mut row in rows {
        let before = row.address.clone();
        if row.record.deposed.is_some() {
            // Deposed objects go where the current one goes.
            row.address = statements.follow(&before, |_, _| true);
        } else {
            row.address = statements.follow(&before, |to, span| {
                let free = !taken.contains(to);
                if !free {
                    blocked.push((before.clone(), to.clone(), span));
                }
                free
            });
        }
        if row.address == before
            && let Some(to) = implied_move(tree, &statements, &before)
        {
            let known = implied.get(&before) == Some(&to);
            if known || !taken.contains(&to) {
                implied.insert(before.clone(), to.clone());
                row.address = to;
            }
        }
        let previous = (row.address != before).then_some(before);
        if let Some(previous) = &previous {
            if row.record.deposed.is_none() {
                taken.remove(previous);
            }
            taken.insert(row.address.clone());
        }
        moved.push(Row { row, previous });
    }
    if let Some((_, _, span)) = blocked.first() {
        let list: Vec<String> = blocked
            .iter()
            .map(|(from, to, _)| {
                format!("{from} could not move to {to}: there is an object at that address already")
            })
            .collect();
        told.push(
            Diagnostic::warning("moved-blocked", "Unresolved resource instance address changes")
                .at(*span)
                .because(list.join("\n"))
                .hint("remove one of the two objects, or move one of them away with `state mv`"),
        );
    }
    (moved, told)
}

/// That a plan of a part does not look at everything that was moved: what is left out would be neither here nor there.
pub(super) fn excluded(rows: &[Row], targets: &[Target]) -> Option<Diagnostic> {
    let moved = rows.iter().filter_map(|row| Some([row.previous.as_ref()?, &row.row.address]));
    let left: BTreeSet<String> = moved
        .flatten()
        .filter(|address| !targets.iter().any(|target| target.includes(address)))
        .map(ToString::to_string)
        .collect();
    if targets.is_empty() || left.is_empty() {
        return None;
    }
    let left: Vec<&str> = left.iter().map(String::as_str).collect();
    Some(
        Diagnostic::error("moved-excluded", "Moved resource instances excluded by targeting")
            .because(format!("moved, and not among the targets: {}", left.join(", ")))
            .hint("name these as targets, too, or plan everything"),
    )
}

/// From no key to the number 0 where `count` came, and back where it went.
fn implied_move(tree: &Tree, statements: &Statements<'_>, address: &Address) -> Option<Address> {
    if address.mode != Mode::Managed {
        return None;
    }
    let at = block_of(tree, address)?;
    let resource = tree.node(at.node)?.configuration.resources.get(at.resource.0 as usize)?;
    let key = match (&address.key, &resource.count, &resource.for_each) {
        (None, Some(_), _) => Some(Key::Index(0)),
        (Some(Key::Index(0)), None, None) => None,
        _ => return None,
    };
    let to = address.clone().with_key(key);
    (!statements.are_about(address) && !statements.lead_to(&to)).then_some(to)
}

impl<'a> Statements<'a> {
    fn new(tree: &'a Tree) -> Self {
        let mut all: HashMap<Names, Vec<Statement<'a>>> = HashMap::new();
        for node in &tree.nodes {
            for moved in &node.configuration.moved {
                let mut names = names_of(&moved.from.0);
                names.0.splice(0..0, node.path.iter().cloned());
                all.entry(names).or_default().push(Statement {
                    depth: node.path.len(),
                    from: &moved.from.0,
                    to: &moved.to.0,
                    span: moved.header,
                });
            }
        }
        Self(all)
    }

    /// Where an address leads. `may`: whether the place that a statement names may be taken.
    fn follow(&self, address: &Address, mut may: impl FnMut(&Address, Span) -> bool) -> Address {
        let mut at = address.clone();
        if self.0.is_empty() {
            return at;
        }
        for _ in 0..CHAIN_MAX {
            let Some((next, span)) = self.step(&at).filter(|(next, _)| *next != at) else { break };
            if !may(&next, span) {
                break;
            }
            at = next;
        }
        at
    }

    /// One statement further: that of the resource first, then those of the modules around it, from the inside out.
    fn step(&self, address: &Address) -> Option<(Address, Span)> {
        let modules: Vec<Arc<str>> = address.module.0.iter().map(|step| step.name.clone()).collect();
        let resource = (address.mode, shared_kind(address), address.name.clone());
        let of_resource = self.0.get(&(modules.clone(), Some(resource))).into_iter().flatten();
        let of_modules = (1..=modules.len())
            .rev()
            .filter_map(|many| self.0.get(&(modules.get(..many)?.to_vec(), None)))
            .flatten();
        of_resource.chain(of_modules).find_map(|statement| Some((statement.apply(address)?, statement.span)))
    }

    fn are_about(&self, address: &Address) -> bool {
        !self.0.is_empty() && self.step(address).is_some()
    }

    /// Whether a statement brings something to an address.
    fn lead_to(&self, address: &Address) -> bool {
        self.0.values().flatten().any(|statement| match statement.to {
            Target::Resource(to) => {
                to.name == address.name
                    && to.kind == address.kind
                    && address.module.0.len() == statement.depth + to.module.0.len()
            }
            Target::Module(_) => false,
        })
    }
}

fn names_of(target: &Target) -> Names {
    let names = |path: &ModulePath| path.0.iter().map(|step| step.name.clone()).collect();
    match target {
        Target::Module(path) => (names(path), None),
        Target::Resource(address) => {
            (names(&address.module), Some((address.mode, shared_kind(address), address.name.clone())))
        }
    }
}

impl Statement<'_> {
    /// The address that this one becomes; `None` where the statement is about another instance.
    fn apply(&self, address: &Address) -> Option<Address> {
        let outer = address.module.0.get(..self.depth)?;
        let inner = address.module.0.get(self.depth..)?;
        match (self.from, self.to) {
            (Target::Resource(from), Target::Resource(to)) => {
                if inner != from.module.0.as_ref() {
                    return None;
                }
                let whole = from.key.is_none() && to.key.is_none();
                if !whole && from.key != address.key {
                    return None;
                }
                let mut moved = to.clone();
                moved.module = ModulePath(outer.iter().chain(to.module.0.iter()).cloned().collect());
                moved.key = if whole { address.key.clone() } else { to.key.clone() };
                Some(moved)
            }
            (Target::Module(from), Target::Module(to)) => {
                let rest = inner.get(from.0.len()..)?;
                let (last, before) = inner.get(..from.0.len())?.split_last()?;
                let (from_last, from_before) = from.0.split_last()?;
                let (to_last, to_before) = to.0.split_last()?;
                if before != from_before || last.name != from_last.name {
                    return None;
                }
                let whole = from_last.key.is_none() && to_last.key.is_none();
                if !whole && from_last.key != last.key {
                    return None;
                }
                let key = if whole { last.key.clone() } else { to_last.key.clone() };
                let call = ModuleStep { name: to_last.name.clone(), key };
                let path = outer.iter().chain(to_before).cloned().chain([call]).chain(rest.iter().cloned());
                Some(Address { module: ModulePath(path.collect()), ..address.clone() })
            }
            _ => None,
        }
    }
}

/// The modules of the tree that a node is in, itself first.
pub(super) fn ancestors(tree: &Tree, node: NodeId) -> impl Iterator<Item = NodeId> + '_ {
    std::iter::successors(Some(node), |node| tree.node(*node)?.caller.map(|(caller, _)| caller))
}
