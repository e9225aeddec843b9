//! Loads a stack: a folder of Terraform's files, or a project's root, with every module that it calls. A folder that is called many times
//! is read and resolved once.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use diag::{Diagnostic, Sources};

use super::collect::Collector;
use super::findings::Findings;
use super::links::{self, Module};
use super::read::{PROJECT_FILE, Reader};
use super::tree::{ModuleFolders, NodeId, Tree, TreeNode};
use super::{Configuration, cycles};
use crate::files::ProjectFiles;
use crate::resolve::CallId;

/// More module calls than this in one stack are modules that call each other twice, level by level.
const CALLS_MAX: usize = 200_000;

/// What [`load_stack`] found.
#[derive(Debug)]
pub struct LoadedTree {
    /// The texts that places point into.
    pub sources: Sources,
    /// The root module and all that it calls; it has a root even where that is at fault.
    pub tree: Tree,
    /// Every fault that shows without a value and without a provider.
    pub findings: Findings,
}

/// Reads the stack at the root of the files.
#[must_use]
pub fn load_stack(files: &dyn ProjectFiles, folders: &mut dyn ModuleFolders) -> LoadedTree {
    load_stack_in(files, "", folders)
}

/// Reads the stack in a folder, whose path is relative to the root of the files.
#[must_use]
pub fn load_stack_in(files: &dyn ProjectFiles, folder: &str, folders: &mut dyn ModuleFolders) -> LoadedTree {
    let mut loader = Loader {
        reader: Reader::new(files),
        findings: Findings::default(),
        modules: Vec::new(),
        by_folder: HashMap::new(),
        nodes: Vec::new(),
    };
    loader.root(folder);
    if folders.goes_on() || !loader.has_faults() {
        loader.descend(folders);
    }
    loader.finish()
}

/// One call of the tree while it is loaded.
struct LoadingNode {
    caller: Option<(NodeId, CallId)>,
    path: Vec<Arc<str>>,
    /// Which of the modules it is.
    module: usize,
    children: Vec<Option<NodeId>>,
}

struct Loader<'a> {
    reader: Reader<'a>,
    findings: Findings,
    modules: Vec<Module>,
    /// The module of a folder; `None` where it cannot be read, which has been said.
    by_folder: HashMap<Arc<str>, Option<usize>>,
    nodes: Vec<LoadingNode>,
}

impl Loader<'_> {
    fn root(&mut self, folder: &str) {
        let folder: Arc<str> = folder.trim_matches('/').into();
        let module = self.module(&folder, true).unwrap_or_else(|| {
            let empty = Configuration { folder: folder.clone(), ..Configuration::default() };
            self.modules.push(Module::new(Arc::new(empty), Vec::new(), false));
            self.modules.len() - 1
        });
        self.by_folder.insert(folder, Some(module));
        self.node(None, Vec::new(), module);
    }

    fn has_faults(&self) -> bool {
        self.findings.blocks.has_errors() || self.reader.diagnostics.has_errors()
    }

    fn node(&mut self, caller: Option<(NodeId, CallId)>, path: Vec<Arc<str>>, module: usize) -> NodeId {
        let calls = self.modules.get(module).map_or(0, |module| module.configuration.calls.len());
        let id = NodeId(u32::try_from(self.nodes.len()).unwrap_or(u32::MAX));
        self.nodes.push(LoadingNode { caller, path, module, children: vec![None; calls] });
        id
    }

    /// Follows every call, level by level, so that callers come before what they call.
    fn descend(&mut self, folders: &mut dyn ModuleFolders) {
        let mut at = 0;
        while at < self.nodes.len() {
            let (module, path) = (self.nodes[at].module, self.nodes[at].path.clone());
            let configuration = self.modules[module].configuration.clone();
            for (i, call) in configuration.calls.iter().enumerate() {
                if call.source.is_none() {
                    continue;
                }
                let mut path = path.clone();
                path.push(call.name.name.clone());
                let folder = match folders.folder(&path, call, &configuration.folder) {
                    Ok(folder) => folder,
                    Err(fault) => {
                        self.findings.blocks.push(*fault);
                        continue;
                    }
                };
                let place = call.source.as_ref().map_or(call.header, |(_, span)| *span);
                if self.is_called_by_itself(at, &folder) {
                    self.findings.blocks.push(
                        Diagnostic::error(
                            "module-cycle",
                            format!("module \"{}\" calls itself", call.name.name),
                        )
                        .at(call.header)
                        .because(format!("the call is inside of `{folder}`, or of what that calls"))
                        .hint("take the call out, or name another folder in `source`"),
                    );
                    continue;
                }
                if self.nodes.len() >= CALLS_MAX {
                    self.findings.blocks.push(
                        Diagnostic::error(
                            "too-many-modules",
                            format!("there are more than {CALLS_MAX} module calls"),
                        )
                        .at(place)
                        .hint(
                            "do modules call others twice, level by level? `for_each` on one call costs less",
                        ),
                    );
                    return;
                }
                let Some(child) = self.module(&folder, false) else { continue };
                let call_id = CallId(u32::try_from(i).unwrap_or(u32::MAX));
                let caller = NodeId(u32::try_from(at).unwrap_or(u32::MAX));
                let id = self.node(Some((caller, call_id)), path, child);
                self.nodes[at].children[i] = Some(id);
            }
            at += 1;
        }
    }

    /// Whether a folder is that of a node or of one of its callers: what it calls is static, so that this would never end.
    fn is_called_by_itself(&self, node: usize, folder: &Arc<str>) -> bool {
        let Some(Some(module)) = self.by_folder.get(folder) else { return false };
        let mut next = Some(node);
        while let Some(node) = next.and_then(|at| self.nodes.get(at)) {
            if node.module == *module {
                return true;
            }
            next = node.caller.map(|(caller, _)| caller.0 as usize);
        }
        false
    }

    /// The module of a folder, read when it is asked for first.
    fn module(&mut self, folder: &Arc<str>, is_root: bool) -> Option<usize> {
        if let Some(known) = self.by_folder.get(folder) {
            return *known;
        }
        let module = self.read(folder, is_root);
        self.by_folder.insert(folder.clone(), module);
        module
    }

    fn read(&mut self, folder: &str, is_root: bool) -> Option<usize> {
        self.reader.unbalanced = false;
        let entries = self.reader.list(folder)?;
        let is_project =
            is_root && folder.is_empty() && entries.iter().any(|entry| entry.name == PROJECT_FILE);
        let parsed =
            if is_project { self.reader.project(&entries) } else { self.reader.module(folder, &entries) };
        if self.reader.unbalanced {
            return None;
        }
        let collected = Collector::new(self.reader.files, folder, !is_project).run(parsed);
        self.findings.extend(collected.findings);
        let configuration = Arc::new(collected.configuration);
        self.modules.push(Module::new(configuration, collected.uses.places, is_project));
        Some(self.modules.len() - 1)
    }

    fn finish(mut self) -> LoadedTree {
        let modules: Vec<usize> = self.nodes.iter().map(|node| node.module).collect();
        let nodes: Vec<TreeNode> = self
            .nodes
            .into_iter()
            .map(|node| TreeNode {
                caller: node.caller,
                path: node.path,
                configuration: self.modules[node.module].configuration.clone(),
                children: node.children,
            })
            .collect();
        let tree = Tree { nodes };
        // The same call of the same module is looked at once, however often its caller is called.
        let mut seen: HashSet<(usize, CallId, usize)> = HashSet::new();
        for (node, module) in tree.nodes.iter().zip(&modules) {
            let calls = node.children.iter().zip(0..);
            for (child, call) in calls.filter_map(|(child, call)| Some(((*child)?, CallId(call)))) {
                let child = modules.get(child.0 as usize).copied().unwrap_or(0);
                if seen.insert((*module, call, child)) {
                    let (caller, called) = (&self.modules[*module], &self.modules[child]);
                    links::check(caller, call, called, &mut self.findings);
                }
            }
        }
        let mut findings = self.findings;
        findings.blocks.extend(self.reader.diagnostics);
        findings.references.extend(self.reader.templates);
        links::check_tree(&tree, &mut findings);
        let circles = cycles::of_tree(&tree);
        findings.references.extend(circles.others);
        findings.planning.extend(circles.selves);
        findings.sort();
        LoadedTree { sources: self.reader.sources, tree, findings }
    }
}
