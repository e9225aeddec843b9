//! The sequence of a plan's changes: what is made after what, and what is removed before what.

use std::collections::HashMap;

use crate::graph::Graph;
use crate::{Action, Address, Change, ResourceKind, Snapshot};

/// The graph over `changes`: node `i` is `changes[i]`; nodes beyond are joints, at which all instances that one address names
/// come together, so that many that depend on many do not make an edge for each pair.
///
/// What is made or stays comes after what it depends on. What is removed comes after everything that depended on it when it
/// was last written, whether that is removed too or goes on without it. Rows were written at different times and may depend
/// on each other in a circle; there one edge does not count, since removing in the wrong order is better than not at all.
pub(crate) fn sequence(changes: &[Change], snapshot: &Snapshot) -> Graph {
    let members = Members::new(changes);
    let mut graph = Graph::new(changes.len());
    let mut joints: HashMap<&Address, Option<usize>> = HashMap::new();
    let stays = |change: &Change| change.action != Action::Delete;
    for (node, change) in changes.iter().enumerate().filter(|(_, change)| stays(change)) {
        for dependency in &change.depends_on {
            let joint = joints.entry(dependency).or_insert_with(|| {
                match members.within(dependency, stays).as_slice() {
                    [] => None,
                    [one] => Some(*one),
                    several => {
                        let joint = graph.add_node();
                        several.iter().for_each(|one| graph.add_edge(joint, *one));
                        Some(joint)
                    }
                }
            });
            if let Some(joint) = *joint {
                graph.add_edge(node, joint);
            }
        }
    }
    if changes.iter().all(stays) {
        return graph;
    }
    let at: HashMap<&Address, usize> =
        changes.iter().enumerate().map(|(i, change)| (&change.address, i)).collect();
    let mut joints: HashMap<&Address, Option<usize>> = HashMap::new();
    for row in &snapshot.rows {
        let Some(dependent) = at.get(&row.address) else { continue };
        for dependency in &row.depends_on {
            let removed = |change: &Change| change.action == Action::Delete;
            let joint = joints.entry(dependency).or_insert_with(|| {
                match members.within(dependency, removed).as_slice() {
                    [] => None,
                    [one] => Some(*one),
                    several => {
                        let joint = graph.add_node();
                        several.iter().for_each(|one| graph.add_edge(*one, joint));
                        Some(joint)
                    }
                }
            });
            if let Some(joint) = *joint {
                graph.add_edge(joint, *dependent);
            }
        }
    }
    graph.without_circles()
}

/// Changes by the block that they are of.
struct Members<'a> {
    changes: &'a [Change],
    by_block: HashMap<(&'a ResourceKind, &'a str), Vec<usize>>,
}

impl<'a> Members<'a> {
    fn new(changes: &'a [Change]) -> Self {
        let mut by_block: HashMap<_, Vec<usize>> = HashMap::new();
        for (i, change) in changes.iter().enumerate() {
            by_block.entry((&change.address.kind, change.address.name.as_ref())).or_default().push(i);
        }
        Self { changes, by_block }
    }

    /// The changes that an address names and that count.
    fn within(&self, address: &Address, counts: impl Fn(&Change) -> bool) -> Vec<usize> {
        let block = self.by_block.get(&(&address.kind, address.name.as_ref()));
        let change = |i: &usize| &self.changes[*i];
        block
            .into_iter()
            .flatten()
            .copied()
            .filter(|i| counts(change(i)) && change(i).address.is_within(address))
            .collect()
    }
}
