//! The folder that a module's expressions go by: the root's, but in a stack of a project the stack's own, so that it means the same as
//! when it is used alone.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use lang::configuration::{NodeId, Tree};
use lang::{Entry, EntryKind, FileError, ProjectFiles, tidy};

/// The files of a project, seen from the folder of a stack.
pub(super) struct StackFiles {
    below: Arc<dyn ProjectFiles>,
    folder: Arc<str>,
    root: PathBuf,
}

impl StackFiles {
    fn new(below: Arc<dyn ProjectFiles>, folder: Arc<str>) -> Self {
        let root = below.root().join(folder.as_ref());
        Self { below, folder, root }
    }

    fn path(&self, path: &str) -> String {
        if Path::new(path).is_absolute() { path.to_owned() } else { tidy(&format!("{}/{path}", self.folder)) }
    }
}

impl ProjectFiles for StackFiles {
    fn read(&self, path: &str) -> Result<Vec<u8>, FileError> {
        self.below.read(&self.path(path))
    }

    fn list(&self, folder: &str) -> Result<Vec<Entry>, FileError> {
        self.below.list(&self.path(folder))
    }

    fn kind(&self, path: &str) -> Result<Option<EntryKind>, FileError> {
        self.below.kind(&self.path(path))
    }

    fn root(&self) -> &Path {
        &self.root
    }

    fn home(&self) -> Option<&Path> {
        self.below.home()
    }
}

/// The stacks of a tree, and which modules are in them.
#[derive(Default)]
pub(super) struct Stacks {
    files: Vec<StackFiles>,
    /// By node; empty where there is no stack.
    of_nodes: Vec<Option<usize>>,
}

impl Stacks {
    pub fn new(tree: &Tree, files: &Arc<dyn ProjectFiles>) -> Self {
        let is_stack = |node: &lang::configuration::TreeNode| {
            node.caller.is_some_and(|(caller, call)| {
                tree.node(caller)
                    .and_then(|above| above.configuration.call(call))
                    .is_some_and(|call| call.is_stack)
            })
        };
        let mut all = Self::default();
        if !tree.nodes.iter().any(is_stack) {
            return all;
        }
        for node in &tree.nodes {
            // Callers come before what they call.
            let of_caller =
                node.caller.and_then(|(caller, _)| all.of_nodes.get(caller.0 as usize).copied().flatten());
            let stack = if is_stack(node) {
                all.files.push(StackFiles::new(files.clone(), node.configuration.folder.clone()));
                Some(all.files.len() - 1)
            } else {
                of_caller
            };
            all.of_nodes.push(stack);
        }
        all
    }

    /// The files of the stack that a module is in; `None` where it is in none.
    pub fn files(&self, node: NodeId) -> Option<&StackFiles> {
        self.files.get(self.of_nodes.get(node.0 as usize).copied().flatten()?)
    }

    /// The folder of a module as it reads from its stack's.
    pub fn relative(&self, node: NodeId, folder: &str) -> String {
        let Some(files) = self.files(node) else { return folder.to_owned() };
        let from: Vec<&str> = files.folder.split('/').collect();
        let to: Vec<&str> = folder.split('/').collect();
        let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
        let up = std::iter::repeat_n("..", from.len() - shared);
        up.chain(to.into_iter().skip(shared)).collect::<Vec<_>>().join("/")
    }
}
