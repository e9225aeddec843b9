//! Circles of references among locals and services, and the order in which locals can be evaluated.
//!
//! No recursion: a chain of references may be as long as the configuration.

use diag::Diagnostic;

use super::Configuration;
use crate::resolve::{LocalId, Reference};

/// Locals in an order in which each comes after those it refers to, and a fault for each circle.
pub(super) fn order(configuration: &Configuration) -> (Vec<LocalId>, Vec<Diagnostic>) {
    let locals = configuration.locals.len();
    let services = configuration.services.len();
    let edges: Vec<Vec<usize>> =
        (0..locals + services).map(|node| targets(configuration, node, locals)).collect();
    let mut walk = Walk { marks: vec![Mark::New; edges.len()], done: Vec::new(), circles: Vec::new() };
    for node in 0..edges.len() {
        walk.visit(node, &edges);
    }
    let order = walk
        .done
        .iter()
        .filter(|node| **node < locals)
        .map(|node| LocalId(u32::try_from(*node).unwrap_or(u32::MAX)))
        .collect();
    (order, walk.circles.iter().map(|circle| fault(configuration, circle, locals)).collect())
}

fn targets(configuration: &Configuration, node: usize, locals: usize) -> Vec<usize> {
    let service = node.checked_sub(locals).and_then(|i| configuration.services.get(i));
    let references = match service {
        Some(service) => &service.references,
        None => match configuration.locals.get(node) {
            Some(local) => &local.references,
            None => return Vec::new(),
        },
    };
    let explicit = service.into_iter().flat_map(|s| s.depends_on.iter().map(|d| &d.on));
    references
        .iter()
        .chain(explicit)
        .filter_map(|reference| match reference {
            Reference::Local(id) => Some(id.0 as usize),
            Reference::Service(id) => Some(locals + id.0 as usize),
            _ => None,
        })
        .collect()
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

struct Walk {
    marks: Vec<Mark>,
    done: Vec<usize>,
    circles: Vec<Vec<usize>>,
}

impl Walk {
    /// Depth first, with a stack of its own: each node with the number of its edges that have been followed.
    fn visit(&mut self, root: usize, edges: &[Vec<usize>]) {
        if self.marks[root] != Mark::New {
            return;
        }
        let mut path: Vec<(usize, usize)> = vec![(root, 0)];
        self.marks[root] = Mark::Open;
        while let Some((node, followed)) = path.last_mut() {
            let Some(next) = edges[*node].get(*followed).copied() else {
                self.marks[*node] = Mark::Done;
                self.done.push(*node);
                path.pop();
                continue;
            };
            *followed += 1;
            match self.marks[next] {
                Mark::Done => {}
                Mark::New => {
                    self.marks[next] = Mark::Open;
                    path.push((next, 0));
                }
                Mark::Open => {
                    let from = path.iter().position(|(n, _)| *n == next).unwrap_or(0);
                    self.circles.push(path[from..].iter().map(|(n, _)| *n).collect());
                }
            }
        }
    }
}

fn fault(configuration: &Configuration, circle: &[usize], locals: usize) -> Diagnostic {
    let named = |node: &usize| match node.checked_sub(locals) {
        Some(service) => {
            configuration.services.get(service).map(|s| (format!("service.{}", s.name.name), s.header))
        }
        None => configuration.locals.get(*node).map(|l| (format!("local.{}", l.name.name), l.name.span)),
    };
    let nodes: Vec<_> = circle.iter().filter_map(named).collect();
    let Some((first, span)) = nodes.first() else {
        return Diagnostic::error("reference-cycle", "references go in a circle");
    };
    if nodes.len() == 1 {
        return Diagnostic::error("reference-cycle", format!("`{first}` refers to itself")).at(*span);
    }
    let mut names: Vec<&str> = nodes.iter().map(|(name, _)| name.as_str()).collect();
    names.push(first);
    let mut diagnostic =
        Diagnostic::error("reference-cycle", format!("references go in a circle: {}", names.join(" -> ")))
            .at(*span)
            .label(format!("refers to {}", nodes.get(1).map_or(first, |(name, _)| name)))
            .hint("take one of these references out");
    for (i, (_, span)) in nodes.iter().enumerate().skip(1).take(5) {
        let next = nodes.get(i + 1).map_or(first, |(name, _)| name);
        diagnostic = diagnostic.see(*span, format!("refers to {next}"));
    }
    diagnostic
}
