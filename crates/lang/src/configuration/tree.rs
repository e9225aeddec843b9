//! The tree of modules: each call with the configuration that it calls. A folder that is called many times is read and resolved once.

use std::sync::Arc;

use diag::Diagnostic;

use super::{Call, Configuration};
use crate::resolve::CallId;

/// Which call of the tree; the root is 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct NodeId(pub u32);

impl NodeId {
    /// The root module.
    pub const ROOT: Self = Self(0);
}

/// A root module with everything that it calls. Parents come before their children.
#[derive(Debug, Clone, Default)]
pub struct Tree {
    /// By [`NodeId`].
    pub nodes: Vec<TreeNode>,
}

/// One module call with its configuration.
#[derive(Debug, Clone)]
pub struct TreeNode {
    /// Who calls it; none for the root.
    pub caller: Option<(NodeId, CallId)>,
    /// The names of the calls from the root.
    pub path: Vec<Arc<str>>,
    /// What it declares; shared by all calls of the same folder.
    pub configuration: Arc<Configuration>,
    /// By [`CallId`]; `None` where the called module could not be read, which was told.
    pub children: Vec<Option<NodeId>>,
}

/// Where called modules are.
pub trait ModuleFolders {
    /// The folder of a called module, relative to the root. `path`: the names of the calls from the root, this one last;
    /// `caller`: the folder of the module with the call.
    ///
    /// # Errors
    /// If it is not there: not installed, or not to be had.
    fn folder(&mut self, path: &[Arc<str>], call: &Call, caller: &str) -> Result<Arc<str>, Box<Diagnostic>>;

    /// Whether called modules are read where the root module has faults of its own.
    fn goes_on(&self) -> bool {
        true
    }
}

impl Tree {
    /// A node.
    #[must_use]
    pub fn node(&self, id: NodeId) -> Option<&TreeNode> {
        self.nodes.get(id.0 as usize)
    }

    /// The root module.
    #[must_use]
    pub fn root(&self) -> Option<&Configuration> {
        self.nodes.first().map(|node| node.configuration.as_ref())
    }
}
