//! The slots of one module of the tree. Each is written once.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use lang::configuration::{NodeId, Tree};
use value::Value;

use super::{Each, Expansion};
use crate::ModulePath;

/// The values of one declaration, by module instance.
pub(super) type Slot = OnceLock<Box<[Value]>>;

/// One instance of a module.
#[derive(Debug, Clone)]
pub struct ModuleInstance {
    /// Where it is.
    pub path: ModulePath,
    /// The instance of the calling module, by place.
    pub parent: usize,
    /// What `each` and `count` are in the call.
    pub each: Option<Each>,
}

/// The instances of a module, ordered by the instance of the caller.
#[derive(Debug)]
pub struct Instances {
    /// All of them.
    pub all: Vec<ModuleInstance>,
    /// By the caller's instance: how the call is repeated there, and where its instances begin.
    pub of_parent: Vec<(Expansion, usize)>,
}

/// What is known of one module of the tree.
pub(in crate::stack) struct NodeSlots {
    pub(super) instances: OnceLock<Instances>,
    pub(super) variables: Box<[Slot]>,
    pub(super) locals: Box<[Slot]>,
    pub(super) outputs: Box<[Slot]>,
    /// The outputs as the caller sees them, each alone in its object: by the caller's instance.
    pub(super) seen_outputs: Box<[Slot]>,
    /// All outputs together as the caller sees them: by the caller's instance.
    pub(super) seen: Slot,
    pub(super) expansions: Box<[OnceLock<Box<[Expansion]>>]>,
    /// Resources as expressions see them.
    pub(super) resources: Box<[Slot]>,
    /// By call, then as [`lang::configuration::Call::outputs`] counts: which output of the called module is meant.
    pub(super) call_outputs: Vec<Vec<Option<usize>>>,
}

impl NodeSlots {
    pub(super) fn of_tree(tree: &Tree) -> Vec<Self> {
        // The same folder is called many times; its outputs are looked up by one map.
        let mut names: HashMap<usize, HashMap<&str, usize>> = HashMap::new();
        for node in &tree.nodes {
            names.entry(Arc::as_ptr(&node.configuration) as usize).or_insert_with(|| {
                let outputs = node.configuration.outputs.iter().enumerate();
                outputs.map(|(at, output)| (output.name.name.as_ref(), at)).collect()
            });
        }
        let outputs_of = |node: NodeId| {
            tree.node(node).and_then(|node| names.get(&(Arc::as_ptr(&node.configuration) as usize)))
        };
        let slots = |many: usize| std::iter::repeat_with(OnceLock::new).take(many).collect::<Box<[Slot]>>();
        tree.nodes
            .iter()
            .map(|node| {
                let configuration = &node.configuration;
                let call_outputs = configuration.calls.iter().enumerate().map(|(at, call)| {
                    let child = node.children.get(at).copied().flatten().and_then(outputs_of);
                    call.outputs.iter().map(|(name, _)| child?.get(name.as_ref()).copied()).collect()
                });
                Self {
                    instances: OnceLock::new(),
                    variables: slots(configuration.variables.len()),
                    locals: slots(configuration.locals.len()),
                    outputs: slots(configuration.outputs.len()),
                    seen_outputs: slots(configuration.outputs.len()),
                    seen: OnceLock::new(),
                    expansions: std::iter::repeat_with(OnceLock::new)
                        .take(configuration.resources.len())
                        .collect(),
                    resources: slots(configuration.resources.len()),
                    call_outputs: call_outputs.collect(),
                }
            })
            .collect()
    }
}
