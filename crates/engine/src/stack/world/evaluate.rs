//! The steps of a walk that ask no provider: module instances, variables, locals, outputs, checks; and configuring a provider.

use diag::{Diagnostic, Diagnostics, FileId, Severity, Span};
use futures_util::future::join;
use lang::configuration::{Call, NodeId, Variable};
use lang::eval::{describe_type, describe_value, evaluate};
use lang::resolve::{LocalId, ResourceId, VariableId};
use lang::schema::{decode, place};
use lang::syntax::Body;
use value::{Marks, Path, Refinements, Step, Value, convert};

use super::compose::set;
use super::conditions::{Telling, judge, messages};
use super::{Expansion, Instances, ModuleInstance, Phase, ResourceAt, World};
use crate::ModulePath;
use crate::stack::plan::CheckKind;
use crate::stack::provider::{Part, Remark};
use crate::stack::providers::ProviderId;

impl World {
    /// Which instances a module has, from those of its caller.
    pub(in crate::stack) fn expand_module(&self, node: NodeId) -> Diagnostics {
        let mut faults = Diagnostics::default();
        let Some(slots) = self.slots(node) else { return faults };
        let Some((caller, call)) = self.call(node) else {
            let root = ModuleInstance { path: ModulePath::default(), parent: 0, each: None };
            let _ = slots.instances.set(Instances { all: vec![root], of_parent: vec![(Expansion::Once, 0)] });
            return faults;
        };
        let mut instances = Instances { all: Vec::new(), of_parent: Vec::new() };
        for (at, parent) in self.instances(caller).iter().enumerate() {
            let scope = self.place(caller, at).with_each(parent.each.as_ref());
            let expansion =
                match Expansion::evaluate(call.count.as_ref(), call.for_each.as_ref(), &scope, self.phase) {
                    Ok(expansion) => expansion,
                    Err(found) => {
                        faults.extend(found);
                        continue;
                    }
                };
            let first = instances.all.len();
            instances.all.extend(expansion.instances().map(|each| ModuleInstance {
                path: parent.path.child(call.name.name.clone(), each.as_ref().and_then(super::Each::key)),
                parent: at,
                each,
            }));
            instances.of_parent.push((expansion, first));
        }
        if !faults.has_errors() {
            let _ = slots.instances.set(instances);
        }
        faults
    }

    /// Who calls a module, and how.
    fn call(&self, node: NodeId) -> Option<(NodeId, &Call)> {
        let (caller, call) = self.tree_node(node)?.caller?;
        Some((caller, self.configuration(caller)?.calls.get(call.0 as usize)?))
    }

    /// Which instances a resource has in each instance of its module.
    ///
    /// # Errors
    /// If that cannot be said for one of them.
    pub fn expand_resource(&self, at: ResourceAt) -> Result<&[Expansion], Diagnostics> {
        let slot = self.slots(at.node).and_then(|slots| slots.expansions.get(at.resource.0 as usize));
        let (Some(slot), Some(resource)) = (slot, self.resource(at)) else { return Ok(&[]) };
        let mut faults = Diagnostics::default();
        let mut expansions = Vec::with_capacity(self.instances(at.node).len());
        for instance in 0..self.instances(at.node).len() {
            let scope = self.place(at.node, instance);
            match Expansion::evaluate(resource.count.as_ref(), resource.for_each.as_ref(), &scope, self.phase)
            {
                Ok(expansion) => expansions.push(expansion),
                Err(found) => faults.extend(found),
            }
        }
        if faults.has_errors() { Err(faults) } else { Ok(slot.get_or_init(|| expansions.into())) }
    }

    /// A variable: of the root as it was given, of others as the call says.
    pub(in crate::stack) fn evaluate_variable(&self, node: NodeId, id: VariableId) -> Diagnostics {
        let mut faults = Diagnostics::default();
        let Some(variable) = self.configuration(node).and_then(|c| c.variable(id)) else { return faults };
        let mut values = Vec::with_capacity(self.instances(node).len());
        for instance in self.instances(node) {
            let found = match self.call(node) {
                None => self.root_variable(id, variable),
                Some((caller, call)) => self.called_variable(caller, call, instance, variable),
            };
            match found {
                Ok(value) => values.push(value.with_marks(marks(variable))),
                Err(found) => faults.extend(found),
            }
        }
        if !faults.has_errors() {
            set(self.slots(node).and_then(|slots| slots.variables.get(id.0 as usize)), values.into());
        }
        faults
    }

    fn root_variable(&self, id: VariableId, variable: &Variable) -> Result<Value, Diagnostics> {
        if self.phase == Phase::Validate {
            return Ok(any_value(variable));
        }
        match (self.given(id), &variable.default) {
            (Some(value), _) => Ok(value.clone()),
            (None, Some(default)) => Ok(default.clone()),
            (None, None) => Err(Diagnostic::error(
                "missing-variable",
                format!("No value for required variable: nobody gave `{}`", variable.name.name),
            )
            .at(variable.header)
            .hint(format!("give it with `-var {}=…` or in a tfvars file", variable.name.name))
            .into()),
        }
    }

    fn called_variable(
        &self,
        caller: NodeId,
        call: &Call,
        instance: &ModuleInstance,
        variable: &Variable,
    ) -> Result<Value, Diagnostics> {
        let name = &variable.name.name;
        let missing =
            || variable.default.clone().unwrap_or_else(|| Value::unknown(variable.ty.without_optional()));
        // A required one that the call leaves out was told when the modules were read.
        let Some(given) = call.body.attribute(name) else {
            return Ok(if self.phase == Phase::Validate { any_value(variable) } else { missing() });
        };
        let scope = self.place(caller, instance.parent).with_each(instance.each.as_ref());
        let value = evaluate(&given.expr, &scope)?;
        let converted = convert(&value, &variable.ty).map_err(|error| {
            let steps = std::iter::once(Step::Attribute(name.clone())).chain(error.path.0.iter().cloned());
            let at = place(&call.body, call.header, &Path(steps.collect()));
            Diagnostics::from(
                Diagnostic::error(
                    "invalid-variable",
                    format!(
                        "Invalid value for input variable: `{name}{}` is not suitable: {}",
                        error.path, error.message
                    ),
                )
                .at(at)
                .label(format!("this is {}", describe_value(&value)))
                .hint(format!("the module wants {}", describe_type(&variable.ty))),
            )
        })?;
        if converted.is_null() && !variable.nullable {
            if variable.default.is_some() {
                return Ok(if self.phase == Phase::Validate { any_value(variable) } else { missing() });
            }
            return Err(Diagnostic::error(
                "invalid-variable",
                format!("Required variable not set: `{name}` must not be null"),
            )
            .at(given.expr.span)
            .into());
        }
        let ephemeral = converted.marks_deep().contains(Marks::EPHEMERAL);
        if ephemeral && !variable.ephemeral {
            return Err(Diagnostic::error(
                "ephemeral-value",
                format!("Ephemeral value not allowed: `{name}` is not declared with `ephemeral = true`"),
            )
            .at(given.expr.span)
            .into());
        }
        if self.phase == Phase::Validate {
            return Ok(any_value(variable));
        }
        Ok(converted)
    }

    /// What has to hold of a variable.
    pub(in crate::stack) fn validate_variable(&self, node: NodeId, id: VariableId) -> Diagnostics {
        let mut faults = Diagnostics::default();
        let Some(variable) = self.configuration(node).and_then(|c| c.variable(id)) else { return faults };
        let at = match self.call(node) {
            Some((_, call)) => call.body.attribute(&variable.name.name).map(|given| given.expr.span),
            None => None,
        };
        let object = format!("{}var.{}", self.prefix(node), variable.name.name);
        // Where everything is removed, values have to be right all the same, and nothing is kept of that.
        let is_kept = self.phase != Phase::Destroy;
        if is_kept {
            self.checks.declare(CheckKind::InputVariable, object.clone());
        }
        for (instance, module) in self.instances(node).iter().enumerate() {
            let mut judged = judge(&variable.validations, &self.place(node, instance), Telling::VARIABLE);
            for fault in &mut judged.diagnostics.0 {
                if fault.code == Telling::VARIABLE.code {
                    // What is wrong is what was given, not the rule.
                    let rule = fault.span.replace(at.unwrap_or(variable.header));
                    if let Some(rule) = rule {
                        *fault = fault.clone().see(rule, "by this rule");
                    }
                }
            }
            let address = within(&module.path, &format!("var.{}", variable.name.name));
            if is_kept {
                self.checks.note(CheckKind::InputVariable, object.clone(), address, &judged);
            }
            faults.extend(judged.diagnostics);
        }
        faults
    }

    /// A local.
    pub(in crate::stack) fn evaluate_local(&self, node: NodeId, id: LocalId) -> Diagnostics {
        let mut faults = Diagnostics::default();
        let Some(local) = self.configuration(node).and_then(|c| c.local(id)) else { return faults };
        let many = self.instances(node).len();
        let mut values = Vec::with_capacity(many);
        for instance in 0..many {
            match evaluate(&local.expr, &self.place(node, instance)) {
                Ok(value) => values.push(value),
                Err(found) => faults.extend(found),
            }
        }
        if !faults.has_errors() {
            set(self.slots(node).and_then(|slots| slots.locals.get(id.0 as usize)), values.into());
        }
        faults
    }

    /// An output, with its conditions.
    pub(in crate::stack) fn evaluate_output(&self, node: NodeId, at: usize) -> Diagnostics {
        let mut faults = Diagnostics::default();
        let Some(output) = self.configuration(node).and_then(|c| c.outputs.get(at)) else { return faults };
        let conditions = !output.preconditions.is_empty() && self.phase != Phase::Destroy;
        let object = conditions.then(|| format!("{}output.{}", self.prefix(node), output.name.name));
        let mut values = Vec::with_capacity(self.instances(node).len());
        for (instance, module) in self.instances(node).iter().enumerate() {
            let scope = self.place(node, instance);
            if let Some(object) = &object {
                let judged = judge(&output.preconditions, &scope, Telling::OUTPUT);
                let address = within(&module.path, &format!("output.{}", output.name.name));
                self.checks.note(CheckKind::OutputValue, object.clone(), address, &judged);
                if judged.diagnostics.has_errors() {
                    faults.extend(judged.diagnostics);
                    continue;
                }
                faults.extend(judged.diagnostics);
            }
            match evaluate(&output.expr, &scope) {
                Ok(value) => {
                    if node == NodeId::ROOT {
                        faults.extend(refuse_marked(&value, output));
                    }
                    let mark = if output.sensitive { Marks::SENSITIVE } else { Marks::NONE };
                    values.push(value.with_marks(mark));
                }
                Err(found) => faults.extend(found),
            }
        }
        if !faults.has_errors() {
            self.set_output(node, at, values);
        }
        faults
    }

    /// The assertions of a `check` block. Faults are warnings: they stop nothing.
    pub(in crate::stack) fn evaluate_check(&self, node: NodeId, at: usize) -> Diagnostics {
        let mut found = Diagnostics::default();
        let Some(check) = self.configuration(node).and_then(|c| c.checks.get(at)) else { return found };
        if self.phase == Phase::Validate {
            // Whether they hold is asked where things are; only what would be said is looked at.
            for instance in 0..self.instances(node).len() {
                found.extend(messages(&check.assertions, &self.place(node, instance)));
            }
            return found;
        }
        let object = format!("{}check.{}", self.prefix(node), check.name.name);
        self.checks.declare(CheckKind::Check, object.clone());
        for (instance, module) in self.instances(node).iter().enumerate() {
            // Where its data could not be read there is nothing to judge.
            let address = within(&module.path, &format!("check.{}", check.name.name));
            if self.checks.has_failed(CheckKind::Check, &object, &address) {
                continue;
            }
            let mut judged = judge(&check.assertions, &self.place(node, instance), Telling::ASSERTION);
            if self.phase != Phase::Plan {
                judged.diagnostics.0.retain(|told| told.code != "check-unknown");
            }
            self.checks.note(CheckKind::Check, object.clone(), address, &judged);
            found.extend(judged.diagnostics);
        }
        found
    }

    /// Gives a provider its configuration.
    pub(in crate::stack) async fn configure_provider(&self, id: ProviderId) -> Diagnostics {
        let empty = Body { attributes: Vec::new(), blocks: Vec::new(), span: NOWHERE, is_json: false };
        let mut faults = Diagnostics::default();
        let (Some(configured), Some(schema)) = (self.providers.get(id), self.providers.schema(id)) else {
            return failed();
        };
        let block = configured.block.and_then(|at| self.configuration(configured.node)?.providers.get(at));
        let (body, header) = block.map_or((&empty, NOWHERE), |block| (&block.body, block.header));
        let what = format!("provider \"{}\"", configured.address.name());
        let scope = self.place(configured.node, 0);
        let decoded = decode(body, header, &what, &schema.provider.block, &[], &scope);
        faults.extend(decoded.diagnostics);
        if faults.has_errors() {
            return faults;
        }
        let (value, _) = decoded.value.unmark_deep();
        let Some(unconfigured) = self.providers.unconfigured(id) else { return failed() };
        let tell = |remarks: Vec<Remark>| tell_remarks(remarks, body, block.map(|_| header), &what);
        if self.phase == Phase::Validate {
            faults.extend(tell(unconfigured.validate(Part::Provider, "", &value).await));
            return faults;
        }
        let provider = match self.input.providers.start(&configured.address).await {
            Ok(provider) => provider,
            Err(found) => {
                faults.extend(found);
                return faults;
            }
        };
        let (said, ()) =
            join(unconfigured.validate(Part::Provider, "", &value), provider.prepare(&value)).await;
        faults.extend(tell(said));
        if faults.has_errors() {
            return faults;
        }
        match provider.configure(&value).await {
            Ok(remarks) => {
                faults.extend(tell(remarks));
                self.providers.set_ready(id, provider);
            }
            Err(remarks) => faults.extend(tell(remarks)),
        }
        faults
    }

    /// `module.a.module.b.`, without keys; nothing for the root.
    pub(in crate::stack) fn prefix(&self, node: NodeId) -> String {
        let path = self.tree_node(node).map_or(&[][..], |node| &node.path);
        path.iter().map(|name| format!("module.{name}.")).collect()
    }

    /// The resources that are declared in a module.
    pub(in crate::stack) fn resources_of(&self, node: NodeId) -> impl Iterator<Item = ResourceAt> {
        let many = self.configuration(node).map_or(0, |c| c.resources.len());
        (0..many)
            .map(move |at| ResourceAt { node, resource: ResourceId(u32::try_from(at).unwrap_or(u32::MAX)) })
    }
}

/// Stops what hangs on a step without telling anything: the fault was told where it arose.
pub(in crate::stack) fn failed() -> Diagnostics {
    Diagnostic { severity: Severity::Error, ..Diagnostic::error(UNTOLD, "a fault that was told elsewhere") }
        .into()
}

/// The place of a block that is not written.
const NOWHERE: Span = Span { file: FileId(0), start: 0, end: 0 };

/// The code of a fault that nobody reads.
pub(in crate::stack) const UNTOLD: &str = "untold";

/// An address in a module instance.
pub(in crate::stack) fn within(module: &ModulePath, name: &str) -> String {
    if module.is_root() { name.to_owned() } else { format!("{module}.{name}") }
}

/// A variable before anybody has given it a value.
fn any_value(variable: &Variable) -> Value {
    let refinements = Refinements { not_null: !variable.nullable, ..Refinements::default() };
    Value::refined(variable.ty.without_optional(), refinements)
}

fn marks(variable: &Variable) -> Marks {
    let sensitive = if variable.sensitive { Marks::SENSITIVE } else { Marks::NONE };
    let ephemeral = if variable.ephemeral { Marks::EPHEMERAL } else { Marks::NONE };
    sensitive.union(ephemeral)
}

fn refuse_marked(value: &Value, output: &lang::configuration::Output) -> Diagnostics {
    let marks = value.marks_deep();
    let mut faults = Diagnostics::default();
    if marks.contains(Marks::SENSITIVE) && !output.sensitive {
        faults.push(
            Diagnostic::error(
                "sensitive-output",
                format!("Output refers to sensitive values: `{}` would show them", output.name.name),
            )
            .at(output.header)
            .hint("declare the output with `sensitive = true`, or use `nonsensitive` where the value is not secret"),
        );
    }
    if marks.contains(Marks::EPHEMERAL) {
        faults.push(
            Diagnostic::error(
                "ephemeral-value",
                format!("Ephemeral value not allowed: the output `{}` would be kept", output.name.name),
            )
            .at(output.expr.span),
        );
    }
    faults
}

/// What a provider says, at its place in a block; where there is no block, about what it is.
pub(in crate::stack) fn tell_remarks(
    remarks: Vec<Remark>,
    body: &Body,
    header: Option<Span>,
    about: &str,
) -> Diagnostics {
    let tell = |remark: Remark| {
        let code = "provider-says";
        let mut told = if remark.is_error {
            Diagnostic::error(code, remark.summary)
        } else {
            Diagnostic::warning(code, remark.summary)
        };
        if !remark.detail.is_empty() {
            told = told.because(remark.detail);
        }
        match header {
            Some(header) => told.at(place(body, header, &remark.path)).about(about),
            None => told.about(about),
        }
    };
    Diagnostics(remarks.into_iter().map(tell).collect())
}
