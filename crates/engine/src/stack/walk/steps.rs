//! The steps of a walk and what each comes after.

use diag::{Diagnostic, Diagnostics, Span};
use lang::Reference;
use lang::configuration::{Configuration, NodeId, Tree};
use lang::resolve::{CallId, LocalId, ResourceId, VariableId};

use super::references::references;
use crate::graph::{Circle, Graph};
use crate::stack::providers::{ProviderId, StackProviders};
use crate::stack::world::ResourceAt;

/// Which step; they are numbered from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct StepId(pub u32);

/// One step of a walk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Step {
    /// Which instances a module has.
    Expand(NodeId),
    /// A variable's value.
    Variable(NodeId, VariableId),
    /// Whether a variable's validations hold; whatever refers to the variable comes after it.
    Validation(NodeId, VariableId),
    /// A local's value.
    Local(NodeId, LocalId),
    /// An output's value.
    Output(NodeId, u32),
    /// Configuring a provider.
    Provider(ProviderId),
    /// A resource with all of its instances.
    Resource(ResourceAt),
    /// The assertions of a `check` block.
    Check(NodeId, u32),
    /// Everything in a module, for a `depends_on` that names its call.
    Whole(NodeId),
    /// A step of the visitor's own.
    Own(u32),
}

/// All steps of a walk with what they come after.
#[derive(Debug, Clone)]
pub struct Steps {
    steps: Vec<Step>,
    graph: Graph,
    nodes: Vec<First>,
    providers: usize,
}

/// Where the steps of a module begin.
#[derive(Debug, Clone, Copy)]
struct First {
    expand: usize,
    variables: usize,
    validations: usize,
    locals: usize,
    outputs: usize,
    resources: usize,
    checks: usize,
    whole: usize,
}

impl Steps {
    /// The steps of a stack.
    ///
    /// # Errors
    /// If something needs itself.
    pub fn new(tree: &Tree, providers: &StackProviders) -> Result<Self, Diagnostics> {
        let mut steps = Vec::new();
        let mut nodes = Vec::with_capacity(tree.nodes.len());
        for (at, node) in tree.nodes.iter().enumerate() {
            nodes.push(declare(NodeId(number(at)), &node.configuration, &mut steps));
        }
        let first_provider = steps.len();
        steps.extend((0..providers.all().len()).map(|at| Step::Provider(ProviderId(number(at)))));
        let graph = Graph::new(steps.len());
        let mut all = Self { steps, graph, nodes, providers: first_provider };
        for (at, node) in tree.nodes.iter().enumerate() {
            all.connect(tree, NodeId(number(at)), &node.configuration, providers);
        }
        for (at, provider) in providers.all().iter().enumerate() {
            let step = all.providers + at;
            all.edge(step, all.nodes.get(provider.node.0 as usize).map(|first| first.expand));
            let block =
                provider.block.and_then(|block| tree.node(provider.node)?.configuration.providers.get(block));
            if let Some(block) = block {
                all.refer(tree, provider.node, step, &block.references);
            }
        }
        match all.graph.order() {
            Ok(_) => Ok(all),
            Err(circle) => Err(all.circle(tree, &circle).into()),
        }
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.steps.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.steps.is_empty()
    }

    /// What a step is.
    #[must_use]
    pub fn get(&self, id: StepId) -> Option<Step> {
        self.steps.get(id.0 as usize).copied()
    }

    /// All of them, in the order of their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (StepId, Step)> {
        self.steps.iter().enumerate().map(|(at, step)| (StepId(number(at)), *step))
    }

    /// The step of a resource.
    #[must_use]
    pub fn of_resource(&self, at: ResourceAt) -> Option<StepId> {
        let first = self.nodes.get(at.node.0 as usize)?;
        let step = first.resources + at.resource.0 as usize;
        (step < first.checks).then(|| StepId(number(step)))
    }

    /// The step that configures a provider.
    #[must_use]
    pub fn of_provider(&self, id: ProviderId) -> StepId {
        StepId(number(self.providers + id.0 as usize))
    }

    /// The step of an output.
    #[must_use]
    pub fn of_output(&self, node: NodeId, output: usize) -> Option<StepId> {
        self.nodes.get(node.0 as usize).map(|first| StepId(number(first.outputs + output)))
    }

    /// One more step, the visitor's own: it gets [`Step::Own`] with this number.
    pub fn add(&mut self, own: u32) -> StepId {
        self.steps.push(Step::Own(own));
        StepId(number(self.graph.add_node()))
    }

    /// `later` comes after `earlier`.
    pub fn after(&mut self, later: StepId, earlier: StepId) {
        self.graph.add_edge(later.0 as usize, earlier.0 as usize);
    }

    /// A step comes after everything that it refers to in a module.
    pub(in crate::stack) fn after_references(
        &mut self,
        tree: &Tree,
        node: NodeId,
        step: StepId,
        references: &[Reference],
    ) {
        let expand = self.nodes.get(node.0 as usize).map(|first| first.expand);
        self.edge(step.0 as usize, expand);
        self.refer(tree, node, step.0 as usize, references);
    }

    /// What comes directly before a step.
    pub fn before(&self, id: StepId) -> impl Iterator<Item = StepId> {
        self.graph.dependencies(id.0 as usize).iter().map(|before| StepId(number(*before)))
    }

    pub(in crate::stack) fn graph(&self) -> &Graph {
        &self.graph
    }

    fn edge(&mut self, later: usize, earlier: Option<usize>) {
        if let Some(earlier) = earlier.filter(|earlier| *earlier != later) {
            self.graph.add_edge(later, earlier);
        }
    }

    fn connect(
        &mut self,
        tree: &Tree,
        node: NodeId,
        configuration: &Configuration,
        providers: &StackProviders,
    ) {
        let Some(first) = self.nodes.get(node.0 as usize).copied() else { return };
        self.connect_call(tree, node, first, configuration);
        for (at, variable) in configuration.variables.iter().enumerate() {
            if !variable.validations.is_empty() {
                let validation = first.validations + at;
                self.edge(validation, Some(first.variables + at));
                let own = Reference::Variable(VariableId(number(at)));
                let others: Vec<Reference> =
                    variable.references.iter().copied().filter(|other| *other != own).collect();
                self.refer(tree, node, validation, &others);
            } else {
                self.edge(first.validations + at, Some(first.variables + at));
            }
        }
        for (at, local) in configuration.locals.iter().enumerate() {
            self.edge(first.locals + at, Some(first.expand));
            self.refer(tree, node, first.locals + at, local.references());
        }
        for (at, output) in configuration.outputs.iter().enumerate() {
            self.edge(first.outputs + at, Some(first.expand));
            self.refer(tree, node, first.outputs + at, output.references());
            for dependency in &output.depends_on {
                self.depend(tree, node, first.outputs + at, dependency.on);
            }
        }
        for (at, resource) in configuration.resources.iter().enumerate() {
            let step = first.resources + at;
            self.edge(step, Some(first.expand));
            self.refer(tree, node, step, &resource.references);
            for provisioner in resource.provisioners.iter().filter(|one| !one.when_destroyed) {
                self.refer(tree, node, step, &provisioner.references);
            }
            for dependency in &resource.depends_on {
                self.depend(tree, node, step, dependency.on);
            }
            let provider = providers.of_resource(node, ResourceId(number(at)));
            self.edge(step, provider.map(|provider| self.providers + provider.0 as usize));
            // What a check only looks at comes before what it says.
            if let Some(check) = resource.in_check {
                self.edge(first.checks + check as usize, Some(step));
            }
        }
        for (at, check) in configuration.checks.iter().enumerate() {
            self.edge(first.checks + at, Some(first.expand));
            self.refer(tree, node, first.checks + at, &check.references);
        }
        for step in first.expand..first.whole {
            self.edge(first.whole, Some(step));
        }
        for child in tree.node(node).into_iter().flat_map(|node| &node.children).flatten() {
            self.edge(first.whole, self.nodes.get(child.0 as usize).map(|child| child.whole));
        }
    }

    /// A called module: its instances and its variables come from the call.
    fn connect_call(&mut self, tree: &Tree, node: NodeId, first: First, configuration: &Configuration) {
        for at in 0..configuration.variables.len() {
            self.edge(first.variables + at, Some(first.expand));
        }
        let Some((caller, call)) = tree.node(node).and_then(|node| node.caller) else { return };
        let Some(call) = tree.node(caller).and_then(|above| above.configuration.calls.get(call.0 as usize))
        else {
            return;
        };
        self.edge(first.expand, self.nodes.get(caller.0 as usize).map(|above| above.expand));
        for expr in call.count.iter().chain(&call.for_each) {
            let found: Vec<Reference> = references(expr).into_iter().collect();
            self.refer(tree, caller, first.expand, &found);
        }
        for dependency in &call.depends_on {
            self.depend(tree, caller, first.expand, dependency.on);
        }
        for attribute in &call.body.attributes {
            if let Some(id) = configuration.names.variables.get(&attribute.name.name) {
                let found: Vec<Reference> = references(&attribute.expr).into_iter().collect();
                self.refer(tree, caller, first.variables + id.0 as usize, &found);
            }
        }
    }

    /// A step refers to these in a module.
    fn refer(&mut self, tree: &Tree, node: NodeId, step: usize, references: &[Reference]) {
        for reference in references {
            match *reference {
                Reference::Module(call) => {
                    let Some((child, first)) = self.called(tree, node, call) else { continue };
                    self.edge(step, Some(first.expand));
                    let outputs = tree.node(child).map_or(0, |child| child.configuration.outputs.len());
                    for at in 0..outputs {
                        self.edge(step, Some(first.outputs + at));
                    }
                }
                Reference::ModuleOutput(call, output) => {
                    let Some((child, first)) = self.called(tree, node, call) else { continue };
                    self.edge(step, Some(first.expand));
                    let name = tree.node(node).and_then(|node| {
                        node.configuration.calls.get(call.0 as usize)?.outputs.get(output as usize)
                    });
                    let named = name.and_then(|(name, _)| {
                        let outputs = &tree.node(child)?.configuration.outputs;
                        outputs.iter().position(|output| output.name.name == *name)
                    });
                    self.edge(step, named.map(|at| first.outputs + at));
                }
                other => {
                    let target = self.declared(node, other);
                    self.edge(step, target);
                }
            }
        }
    }

    /// A step comes after all of this.
    fn depend(&mut self, tree: &Tree, node: NodeId, step: usize, on: Reference) {
        match on {
            Reference::Module(call) | Reference::ModuleOutput(call, _) => {
                let called = self.called(tree, node, call);
                self.edge(step, called.map(|(_, first)| first.whole));
            }
            other => {
                let target = self.declared(node, other);
                self.edge(step, target);
            }
        }
    }

    fn declared(&self, node: NodeId, reference: Reference) -> Option<usize> {
        let first = self.nodes.get(node.0 as usize)?;
        match reference {
            Reference::Variable(id) => Some(first.validations + id.0 as usize),
            Reference::Local(id) => Some(first.locals + id.0 as usize),
            Reference::Resource(id) => Some(first.resources + id.0 as usize),
            _ => None,
        }
    }

    fn called(&self, tree: &Tree, node: NodeId, call: CallId) -> Option<(NodeId, First)> {
        let child = tree.node(node)?.children.get(call.0 as usize).copied().flatten()?;
        Some((child, *self.nodes.get(child.0 as usize)?))
    }

    fn circle(&self, tree: &Tree, circle: &Circle) -> Diagnostic {
        let told: Vec<(String, Option<Span>)> =
            circle.0.iter().filter_map(|step| self.describe(tree, *step)).collect();
        let names: Vec<&str> = told.iter().map(|(name, _)| name.as_str()).collect();
        let fault = Diagnostic::error("cycle", format!("Cycle: {}", names.join(", ")))
            .because("each of them needs the next, and the last needs the first")
            .hint("take one of the references out");
        match told.iter().find_map(|(_, span)| *span) {
            Some(span) => fault.at(span),
            None => fault,
        }
    }

    /// How a person knows a step, and where it stands; `None` for what is only between others.
    fn describe(&self, tree: &Tree, step: usize) -> Option<(String, Option<Span>)> {
        let named = |node: NodeId, name: String| {
            let path = tree.node(node).map_or(&[][..], |node| &node.path);
            path.iter().map(|module| format!("module.{module}.")).collect::<String>() + &name
        };
        let configuration = |node: NodeId| tree.node(node).map(|node| &node.configuration);
        Some(match self.steps.get(step)? {
            Step::Variable(node, id) => {
                let variable = configuration(*node)?.variable(*id)?;
                (named(*node, format!("var.{}", variable.name.name)), Some(variable.header))
            }
            Step::Local(node, id) => {
                let local = configuration(*node)?.local(*id)?;
                (named(*node, format!("local.{}", local.name.name)), Some(local.name.span))
            }
            Step::Output(node, at) => {
                let output = configuration(*node)?.outputs.get(*at as usize)?;
                (named(*node, format!("output.{}", output.name.name)), Some(output.header))
            }
            Step::Resource(at) => {
                let resource = configuration(at.node)?.resources.get(at.resource.0 as usize)?;
                let data = if resource.mode == crate::Mode::Data { "data." } else { "" };
                let name = format!("{data}{}.{}", resource.kind.name, resource.name.name);
                (named(at.node, name), Some(resource.header))
            }
            Step::Expand(node) if *node != NodeId::ROOT => (named(*node, "(expand)".to_owned()), None),
            Step::Provider(_) => ("provider".to_owned(), None),
            _ => return None,
        })
    }
}

/// Numbers the steps of one module.
fn declare(node: NodeId, configuration: &Configuration, steps: &mut Vec<Step>) -> First {
    let expand = steps.len();
    steps.push(Step::Expand(node));
    let variables = steps.len();
    let ids = || (0..configuration.variables.len()).map(|at| VariableId(number(at)));
    steps.extend(ids().map(|id| Step::Variable(node, id)));
    let validations = steps.len();
    steps.extend(ids().map(|id| Step::Validation(node, id)));
    let locals = steps.len();
    steps.extend((0..configuration.locals.len()).map(|at| Step::Local(node, LocalId(number(at)))));
    let outputs = steps.len();
    steps.extend((0..configuration.outputs.len()).map(|at| Step::Output(node, number(at))));
    let resources = steps.len();
    let resource = |at| Step::Resource(ResourceAt { node, resource: ResourceId(number(at)) });
    steps.extend((0..configuration.resources.len()).map(resource));
    let checks = steps.len();
    steps.extend((0..configuration.checks.len()).map(|at| Step::Check(node, number(at))));
    let whole = steps.len();
    steps.push(Step::Whole(node));
    First { expand, variables, validations, locals, outputs, resources, checks, whole }
}

fn number(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
