//! The rows of a state by what describes them: the resource block that each belongs to, where there is one.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use lang::configuration::{NodeId, Tree};

use crate::stack::world::ResourceAt;
use crate::{Address, ModulePath, StateRow};

/// A row of the state, at the address that it has now.
#[derive(Debug, Clone)]
pub(in crate::stack) struct Row {
    /// With the present address.
    pub row: StateRow,
    /// The address that it had, where it was moved.
    pub previous: Option<Address>,
}

/// All rows.
#[derive(Debug, Default)]
pub(super) struct Rows {
    pub described: HashMap<ResourceAt, Vec<Row>>,
    /// Those that no block describes.
    pub orphans: Vec<Row>,
}

impl Rows {
    pub(super) fn new(tree: &Tree, rows: Vec<Row>) -> Self {
        let mut all = Self::default();
        for row in rows {
            match block_of(tree, &row.row.address) {
                Some(at) => all.described.entry(at).or_default().push(row),
                None => all.orphans.push(row),
            }
        }
        all
    }
}

/// Whether a row is a resource of a stack; the others are services, which are planned apart.
pub(in crate::stack) fn is_resource(row: &StateRow) -> bool {
    !row.record.provider.is_empty()
}

/// The providers that rows name.
pub(in crate::stack) fn providers<'a>(rows: impl IntoIterator<Item = &'a StateRow>) -> BTreeSet<Arc<str>> {
    let mut names = BTreeSet::new();
    for row in rows {
        // Most rows name the same few.
        if !names.contains(&row.record.provider) {
            names.insert(row.record.provider.clone());
        }
    }
    names
}

/// The module of the tree that a module instance is one of; `None` where nothing calls it.
pub(in crate::stack) fn node_of(tree: &Tree, path: &ModulePath) -> Option<NodeId> {
    let mut node = NodeId::ROOT;
    for step in path.0.iter() {
        let here = tree.node(node)?;
        let call = here.configuration.names.calls.get(&step.name)?;
        node = here.children.get(call.0 as usize).copied().flatten()?;
    }
    tree.node(node).map(|_| node)
}

/// The block that describes an address, whatever its keys.
pub(in crate::stack) fn block_of(tree: &Tree, address: &Address) -> Option<ResourceAt> {
    let node = node_of(tree, &address.module)?;
    let names = &tree.node(node)?.configuration.names;
    let kind: Arc<str> = shared_kind(address);
    let resource = names.resources.get(&(address.mode, kind))?.get(&address.name)?;
    Some(ResourceAt { node, resource: *resource })
}

/// The kind of an address as tables have it.
pub(in crate::stack) fn shared_kind(address: &Address) -> Arc<str> {
    address.kind.as_str().into()
}
