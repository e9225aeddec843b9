//! Circles of references over the whole tree of modules, and the order in which a module's locals can be evaluated.
//!
//! No recursion: a chain of references may be as long as the configuration. Each reference is followed once.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Span};

use super::tree::{NodeId, Tree};
use super::{Configuration, Dependency};
use crate::resolve::{CallId, LocalId, Reference};
use crate::syntax::{Body, Expr};

mod places;

pub(super) use places::references_of;

/// Locals in an order in which each comes after those that it refers to; of a circle, in any.
pub(super) fn local_order(configuration: &Configuration) -> Vec<LocalId> {
    let count = configuration.locals.len();
    let mut walk = Walk::new(count);
    for node in 0..count {
        walk.visit(node, |node| {
            let references = configuration.locals.get(node).map_or(&[][..], |local| &local.references);
            references
                .iter()
                .filter_map(|reference| match reference {
                    Reference::Local(id) => Some(id.0 as usize),
                    _ => None,
                })
                .collect()
        });
    }
    walk.done.iter().map(|node| LocalId(u32::try_from(*node).unwrap_or(u32::MAX))).collect()
}

/// What goes round.
#[derive(Debug, Default)]
pub(super) struct Circles {
    /// Resources that refer to themselves: an instance could mean another, so that whoever plans them says it.
    pub selves: Vec<Diagnostic>,
    /// All others.
    pub others: Vec<Diagnostic>,
}

/// The circles within one module, whatever the modules that it calls do.
pub(super) fn of_module(configuration: &Configuration) -> Circles {
    let member = Member { configuration, caller: None, children: &[], path: &[] };
    Graph::new(vec![member]).circles()
}

/// The circles of a whole tree.
pub(super) fn of_tree(tree: &Tree) -> Circles {
    let members = tree
        .nodes
        .iter()
        .map(|node| Member {
            configuration: &node.configuration,
            caller: node.caller,
            children: &node.children,
            path: &node.path,
        })
        .collect();
    Graph::new(members).circles()
}

/// A module call of the tree.
struct Member<'a> {
    configuration: &'a Configuration,
    caller: Option<(NodeId, CallId)>,
    children: &'a [Option<NodeId>],
    path: &'a [Arc<str>],
}

/// What a vertex of the graph stands for, by its number in its module.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Variable(usize),
    Local(usize),
    Resource(usize),
    Output(usize),
    Service(usize),
    /// How often a module is called: everything in the module comes after it.
    Expand(usize),
    /// What a call depends on: every resource in the module comes after it.
    Before(usize),
    /// All outputs of a call.
    Outputs(usize),
    /// All outputs and resources of a call, and of what that calls.
    Whole(usize),
}

/// The vertices of all modules, numbered one module after the other.
struct Graph<'a> {
    members: Vec<Member<'a>>,
    /// The first vertex of each module, and the end.
    firsts: Vec<usize>,
    /// Of each module its outputs by name.
    outputs: Vec<HashMap<&'a str, usize>>,
    /// Of each called module, the argument that each of its variables is given.
    arguments: Vec<Vec<Option<&'a Expr>>>,
}

impl<'a> Graph<'a> {
    fn new(members: Vec<Member<'a>>) -> Self {
        let mut firsts = Vec::with_capacity(members.len() + 1);
        let mut next = 0;
        for member in &members {
            firsts.push(next);
            next += size(member.configuration);
        }
        firsts.push(next);
        let mut outputs = Vec::with_capacity(members.len());
        let mut arguments = Vec::with_capacity(members.len());
        for member in &members {
            let named = member.configuration.outputs.iter().enumerate();
            outputs.push(named.map(|(i, output)| (output.name.name.as_ref(), i)).collect());
            let body = member.caller.and_then(|(caller, call)| {
                Some(&members.get(caller.0 as usize)?.configuration.call(call)?.body)
            });
            arguments.push(body.map_or_else(Vec::new, |body| given(member.configuration, body)));
        }
        Self { members, firsts, outputs, arguments }
    }

    fn circles(&self) -> Circles {
        let count = self.firsts.last().copied().unwrap_or(0);
        let mut walk = Walk::new(count);
        for vertex in 0..count {
            walk.visit(vertex, |vertex| self.targets(vertex));
        }
        let mut circles = Circles::default();
        for circle in &walk.circles {
            let is_self =
                matches!(circle.as_slice(), [one] if matches!(self.part(*one).1, Part::Resource(_)));
            let list = if is_self { &mut circles.selves } else { &mut circles.others };
            list.push(self.fault(circle));
        }
        circles
    }

    fn vertex(&self, member: usize, part: Part) -> Option<usize> {
        let configuration = self.members.get(member)?.configuration;
        Some(self.firsts.get(member)? + offset(configuration, part))
    }

    /// The module and the part of it that a vertex is.
    fn part(&self, vertex: usize) -> (usize, Part) {
        let member = self.firsts.partition_point(|first| *first <= vertex).saturating_sub(1);
        // Modules without anything begin where the next one does.
        let at = vertex - self.firsts.get(member).copied().unwrap_or(0);
        (member, self.members.get(member).map_or(Part::Local(0), |m| part_at(m.configuration, at)))
    }

    fn targets(&self, vertex: usize) -> Vec<usize> {
        let (member, part) = self.part(vertex);
        let Some(module) = self.members.get(member) else { return Vec::new() };
        let configuration = module.configuration;
        let mut targets = Vec::new();
        match part {
            Part::Variable(i) => {
                if let (Some((caller, _)), Some(Some(expr))) =
                    (module.caller, self.arguments.get(member).and_then(|given| given.get(i)))
                {
                    self.follow(caller.0 as usize, &references_of(expr), &mut targets);
                }
                self.within(member, &mut targets);
            }
            Part::Local(i) => {
                if let Some(local) = configuration.locals.get(i) {
                    self.follow(member, &local.references, &mut targets);
                }
                self.within(member, &mut targets);
            }
            Part::Resource(i) => {
                if let Some(resource) = configuration.resources.get(i) {
                    self.follow(member, &resource.references, &mut targets);
                    self.wait(member, &resource.depends_on, &mut targets);
                    let own =
                        Reference::Resource(crate::resolve::ResourceId(u32::try_from(i).unwrap_or(u32::MAX)));
                    for provisioner in &resource.provisioners {
                        let others: Vec<Reference> =
                            provisioner.references.iter().copied().filter(|r| *r != own).collect();
                        self.follow(member, &others, &mut targets);
                    }
                }
                self.within(member, &mut targets);
                if let Some((caller, call)) = module.caller {
                    targets.extend(self.vertex(caller.0 as usize, Part::Before(call.0 as usize)));
                }
            }
            Part::Output(i) => {
                if let Some(output) = configuration.outputs.get(i) {
                    self.follow(member, &output.references, &mut targets);
                    self.wait(member, &output.depends_on, &mut targets);
                }
                self.within(member, &mut targets);
            }
            Part::Service(i) => {
                if let Some(service) = configuration.services.get(i) {
                    self.follow(member, &service.references, &mut targets);
                    self.wait(member, &service.depends_on, &mut targets);
                }
            }
            Part::Expand(i) => {
                if let Some(call) = configuration.calls.get(i) {
                    for expr in call.count.iter().chain(&call.for_each) {
                        self.follow(member, &references_of(expr), &mut targets);
                    }
                }
                self.within(member, &mut targets);
            }
            Part::Before(i) => {
                if let Some(call) = configuration.calls.get(i) {
                    self.wait(member, &call.depends_on, &mut targets);
                }
                if let Some((caller, call)) = module.caller {
                    targets.extend(self.vertex(caller.0 as usize, Part::Before(call.0 as usize)));
                }
            }
            Part::Outputs(i) | Part::Whole(i) => self.all_of(module, i, part, &mut targets),
        }
        targets
    }

    /// Everything in a called module comes after how often it is called.
    fn within(&self, member: usize, targets: &mut Vec<usize>) {
        if let Some((caller, call)) = self.members.get(member).and_then(|member| member.caller) {
            targets.extend(self.vertex(caller.0 as usize, Part::Expand(call.0 as usize)));
        }
    }

    fn all_of(&self, module: &Member<'_>, call: usize, part: Part, targets: &mut Vec<usize>) {
        let Some(Some(child)) = module.children.get(call) else { return };
        let child = child.0 as usize;
        let Some(called) = self.members.get(child) else { return };
        targets.extend(
            (0..called.configuration.outputs.len()).filter_map(|i| self.vertex(child, Part::Output(i))),
        );
        if matches!(part, Part::Whole(_)) {
            let resources = 0..called.configuration.resources.len();
            targets.extend(resources.filter_map(|i| self.vertex(child, Part::Resource(i))));
            let calls = 0..called.configuration.calls.len();
            targets.extend(calls.filter_map(|i| self.vertex(child, Part::Whole(i))));
        }
    }

    fn follow(&self, member: usize, references: &[Reference], targets: &mut Vec<usize>) {
        let Some(module) = self.members.get(member) else { return };
        for reference in references {
            let part = match reference {
                Reference::Variable(id) => Part::Variable(id.0 as usize),
                Reference::Local(id) => Part::Local(id.0 as usize),
                Reference::Service(id) => Part::Service(id.0 as usize),
                Reference::Resource(id) => Part::Resource(id.0 as usize),
                Reference::Module(id) => Part::Outputs(id.0 as usize),
                Reference::ModuleOutput(id, output) => {
                    targets.extend(self.output(module, *id, *output));
                    continue;
                }
                _ => continue,
            };
            targets.extend(self.vertex(member, part));
        }
    }

    fn output(&self, module: &Member<'_>, call: CallId, output: u32) -> Option<usize> {
        let child = (*module.children.get(call.0 as usize)?)?.0 as usize;
        let (name, _) = module.configuration.call(call)?.outputs.get(output as usize)?;
        self.vertex(child, Part::Output(*self.outputs.get(child)?.get(name.as_ref())?))
    }

    /// As [`Self::follow`], where a module stands for everything in it.
    fn wait(&self, member: usize, dependencies: &[Dependency], targets: &mut Vec<usize>) {
        for dependency in dependencies {
            match dependency.on {
                Reference::Module(id) => targets.extend(self.vertex(member, Part::Whole(id.0 as usize))),
                on => self.follow(member, &[on], targets),
            }
        }
    }

    /// How a vertex is called, and where it is declared; what only joins others has neither.
    fn named(&self, vertex: usize) -> Option<(String, Span)> {
        let (member, part) = self.part(vertex);
        let module = self.members.get(member)?;
        let configuration = module.configuration;
        let (name, span) = match part {
            Part::Variable(i) => {
                let variable = configuration.variables.get(i)?;
                (format!("var.{}", variable.name.name), variable.header)
            }
            Part::Local(i) => {
                let local = configuration.locals.get(i)?;
                (format!("local.{}", local.name.name), local.name.span)
            }
            Part::Resource(i) => {
                let resource = configuration.resources.get(i)?;
                let prefix = match resource.mode {
                    crate::address::Mode::Managed => "",
                    crate::address::Mode::Data => "data.",
                    crate::address::Mode::Ephemeral => "ephemeral.",
                };
                (format!("{prefix}{}.{}", resource.kind.name, resource.name.name), resource.header)
            }
            Part::Output(i) => {
                let output = configuration.outputs.get(i)?;
                (format!("output.{}", output.name.name), output.header)
            }
            Part::Service(i) => {
                let service = configuration.services.get(i)?;
                (format!("service.{}", service.name.name), service.header)
            }
            Part::Expand(i) => {
                let call = configuration.calls.get(i)?;
                (format!("module.{}", call.name.name), call.header)
            }
            Part::Before(_) | Part::Outputs(_) | Part::Whole(_) => return None,
        };
        let path: String = module.path.iter().map(|step| format!("module.{step}.")).collect();
        Some((format!("{path}{name}"), span))
    }

    fn fault(&self, circle: &[usize]) -> Diagnostic {
        let nodes: Vec<(String, Span)> = circle.iter().filter_map(|vertex| self.named(*vertex)).collect();
        let Some((first, span)) = nodes.first() else {
            return Diagnostic::error("reference-cycle", "references go in a circle");
        };
        if nodes.len() == 1 {
            let place = circle.first().and_then(|vertex| self.own_place(*vertex)).unwrap_or(*span);
            let fault = Diagnostic::error("reference-cycle", format!("`{first}` refers to itself")).at(place);
            return match circle.first().map(|vertex| self.part(*vertex).1) {
                Some(Part::Resource(_)) => fault.summary("Self-referential block"),
                Some(Part::Local(_)) => fault.summary("Self-referencing local value"),
                _ => fault,
            };
        }
        let mut names: Vec<&str> = nodes.iter().map(|(name, _)| name.as_str()).collect();
        names.push(first);
        let message = format!("references go in a circle: {}", names.join(" -> "));
        let mut diagnostic = Diagnostic::error("reference-cycle", message)
            .at(*span)
            .label(format!("refers to {}", nodes.get(1).map_or(first, |(name, _)| name)))
            .hint("take one of these references out");
        for (i, (_, span)) in nodes.iter().enumerate().skip(1).take(5) {
            let next = nodes.get(i + 1).map_or(first, |(name, _)| name);
            diagnostic = diagnostic.see(*span, format!("refers to {next}"));
        }
        diagnostic
    }

    /// Where a resource refers to itself.
    fn own_place(&self, vertex: usize) -> Option<Span> {
        let (member, Part::Resource(i)) = self.part(vertex) else { return None };
        let resource = self.members.get(member)?.configuration.resources.get(i)?;
        let own = Reference::Resource(crate::resolve::ResourceId(u32::try_from(i).ok()?));
        let depends = resource.depends_on.iter().find(|d| d.on == own).map(|d| d.span);
        depends
            .or_else(|| {
                let repeated = resource.count.iter().chain(&resource.for_each);
                repeated.filter_map(|expr| places::first_place(expr, own)).next()
            })
            .or_else(|| places::first_place_in(&resource.body, own))
    }
}

/// The argument that each variable of a called module is given.
fn given<'a>(called: &Configuration, body: &'a Body) -> Vec<Option<&'a Expr>> {
    let mut given = vec![None; called.variables.len()];
    for attribute in &body.attributes {
        let id = called.names.variables.get(&attribute.name.name);
        if let Some(slot) = id.and_then(|id| given.get_mut(id.0 as usize)) {
            *slot = Some(&attribute.expr);
        }
    }
    given
}

/// How many of each sort of part come one after the other: variables, locals, resources, outputs, services, and four for each call.
fn sizes(configuration: &Configuration) -> [usize; 9] {
    let calls = configuration.calls.len();
    [
        configuration.variables.len(),
        configuration.locals.len(),
        configuration.resources.len(),
        configuration.outputs.len(),
        configuration.services.len(),
        calls,
        calls,
        calls,
        calls,
    ]
}

fn size(configuration: &Configuration) -> usize {
    sizes(configuration).iter().sum()
}

fn offset(configuration: &Configuration, part: Part) -> usize {
    let (sort, at) = match part {
        Part::Variable(at) => (0, at),
        Part::Local(at) => (1, at),
        Part::Resource(at) => (2, at),
        Part::Output(at) => (3, at),
        Part::Service(at) => (4, at),
        Part::Expand(at) => (5, at),
        Part::Before(at) => (6, at),
        Part::Outputs(at) => (7, at),
        Part::Whole(at) => (8, at),
    };
    sizes(configuration).iter().take(sort).sum::<usize>() + at
}

fn part_at(configuration: &Configuration, mut at: usize) -> Part {
    let make: [fn(usize) -> Part; 9] = [
        Part::Variable,
        Part::Local,
        Part::Resource,
        Part::Output,
        Part::Service,
        Part::Expand,
        Part::Before,
        Part::Outputs,
        Part::Whole,
    ];
    for (make, size) in make.into_iter().zip(sizes(configuration)) {
        if at < size {
            return make(at);
        }
        at -= size;
    }
    Part::Whole(at)
}

#[derive(Clone, Copy, PartialEq)]
enum Mark {
    New,
    Open,
    Done,
}

/// A walk depth first, with a stack of its own.
struct Walk {
    marks: Vec<Mark>,
    done: Vec<usize>,
    circles: Vec<Vec<usize>>,
}

impl Walk {
    fn new(count: usize) -> Self {
        Self { marks: vec![Mark::New; count], done: Vec::new(), circles: Vec::new() }
    }

    fn visit(&mut self, root: usize, targets: impl Fn(usize) -> Vec<usize>) {
        if self.marks[root] != Mark::New {
            return;
        }
        // Each vertex on the way with those of its targets that have not been followed.
        let mut path = vec![(root, targets(root).into_iter())];
        self.marks[root] = Mark::Open;
        while let Some((vertex, rest)) = path.last_mut() {
            let Some(next) = rest.next() else {
                self.marks[*vertex] = Mark::Done;
                self.done.push(*vertex);
                path.pop();
                continue;
            };
            match self.marks[next] {
                Mark::Done => {}
                Mark::New => {
                    self.marks[next] = Mark::Open;
                    path.push((next, targets(next).into_iter()));
                }
                Mark::Open => {
                    let from = path.iter().position(|(vertex, _)| *vertex == next).unwrap_or(0);
                    self.circles.push(path[from..].iter().map(|(vertex, _)| *vertex).collect());
                }
            }
        }
    }
}
