//! Expressions about a stack, evaluated with what its state or a plan says: what a console answers. A value is looked for when an
//! expression asks for it, and no provider is asked.

use std::cell::RefCell;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diag::{Diagnostic, Sources};
use engine::stack::StackPlan;
use engine::stack::world::{Each, Expansion, Phase};
use engine::{Address, EnvironmentName, Key, Mode, ModulePath, Snapshot};
use lang::configuration::{Call, Configuration, NodeId, Resource, VariableSource};
use lang::resolve::{Allowed, CallId, LocalId, Resolver, ResourceId, VariableId};
use lang::syntax::{ExprKind, parse_expression};
use lang::{ProjectFiles, Reference, Scope, evaluate};
use value::{Marks, Type, Value, convert};

use super::{LoadedStack, Look, StackFolder};
use crate::{Fault, clock};

/// What an expression comes to.
#[derive(Debug, Clone, PartialEq)]
pub enum Inspected {
    /// Its value.
    Value(Value),
    /// Of `type(x)`, which exists here only: the type of `x`.
    Type(Type),
}

/// A stack whose values can be asked for.
pub struct Inspection {
    stack: LoadedStack,
    environment: EnvironmentName,
    variables: Vec<Option<Value>>,
    objects: HashMap<Address, BTreeMap<Option<Key>, Value>>,
    is_plan: bool,
}

impl StackFolder {
    /// Opens a stack for questions, with what a state says: its own, or another that is given. Variables that have no value are
    /// unknown.
    ///
    /// # Errors
    /// If the configuration or a value is not right, or the state cannot be had.
    pub async fn inspect(
        &self,
        given: &[VariableSource],
        other: Option<Snapshot>,
    ) -> Result<Inspection, Fault> {
        let mut stack = self.load()?;
        stack.checked(Look::References)?;
        let found = self.variables(&mut stack, given, None);
        let (variables, mut told) = (found.values, found.diagnostics);
        told.0.retain(|fault| fault.code != super::variables::MISSING);
        if told.has_errors() {
            return Err(stack.fault(told));
        }
        let state = self.state(stack.tree.root()).await?;
        let snapshot = match other {
            Some(other) => other,
            None => state.store.snapshot(&state.environment).await?,
        };
        let rows = snapshot.rows.into_iter().filter(|row| row.record.deposed.is_none());
        let objects = by_resource(rows.map(|row| (row.address, row.value)));
        let environment = state.environment;
        Ok(Inspection { stack, environment, variables, objects, is_plan: false })
    }
}

/// Objects by their resource, without its key.
fn by_resource(
    objects: impl Iterator<Item = (Address, Value)>,
) -> HashMap<Address, BTreeMap<Option<Key>, Value>> {
    let mut found: HashMap<Address, BTreeMap<Option<Key>, Value>> = HashMap::new();
    for (address, value) in objects {
        found.entry(address.resource()).or_default().insert(address.key, value);
    }
    found
}

impl Inspection {
    /// With what a plan says will be.
    #[must_use]
    pub fn of_plan(stack: LoadedStack, plan: &StackPlan, variables: Vec<Option<Value>>) -> Self {
        let changes = plan.changes.iter().filter(|it| it.deposed.is_none() && !it.after.is_null());
        Self {
            objects: by_resource(changes.map(|it| (it.address.clone(), it.after.clone()))),
            stack,
            environment: plan.environment.clone(),
            variables,
            is_plan: true,
        }
    }

    /// The value of an expression in the root module.
    ///
    /// # Errors
    /// If it cannot be read, or has none.
    pub fn evaluate(&self, text: &str) -> Result<Inspected, Fault> {
        let mut sources: Sources = self.stack.sources.as_ref().clone();
        let file = sources.add("<console-input>", text);
        let fault = |diagnostics| Fault::Configuration { diagnostics, sources: Box::new(sources.clone()) };
        let parsed = parse_expression(file, text);
        if parsed.diagnostics.has_errors() {
            return Err(fault(parsed.diagnostics));
        }
        let mut expr = parsed.tree;
        let mut is_type = false;
        if let ExprKind::Call(call) = &mut expr.kind
            && call.name.name.as_ref() == "type"
            && call.arguments.len() == 1
            && let Some(argument) = call.arguments.pop()
        {
            (expr, is_type) = (argument, true);
        }
        let nothing = Configuration::default();
        let root = self.stack.tree.root().unwrap_or(&nothing);
        let mut resolver = Resolver::new(&root.names, Allowed::all("the console"), &[]);
        resolver.expr(&mut expr);
        let resolved = resolver.finish();
        if resolved.diagnostics.has_errors() {
            return Err(fault(resolved.diagnostics));
        }
        let run = Run { inspection: self, known: RefCell::default(), asked: RefCell::default() };
        let scope = Inside { run: &run, at: Rc::new(Instance::default()) };
        let value = evaluate(&expr, &scope).map_err(fault)?;
        Ok(if is_type { Inspected::Type(value.ty()) } else { Inspected::Value(value) })
    }
}

/// One module instance.
#[derive(Default)]
struct Instance {
    node: Option<NodeId>,
    path: ModulePath,
    each: Option<Each>,
    /// The module instance with the call.
    caller: Option<Rc<Instance>>,
}

impl Instance {
    fn node(&self) -> NodeId {
        self.node.unwrap_or(NodeId::ROOT)
    }
}

/// What was found for one expression.
struct Run<'a> {
    inspection: &'a Inspection,
    known: RefCell<HashMap<(ModulePath, Reference), Value>>,
    /// What is being looked for now; something that needs itself is not looked for again.
    asked: RefCell<HashSet<(ModulePath, Reference)>>,
}

/// An expression in a module instance.
struct Inside<'a> {
    run: &'a Run<'a>,
    at: Rc<Instance>,
}

/// A value, or why there is none.
type Found = Result<Value, Box<Diagnostic>>;

fn unknown() -> Value {
    Value::unknown(Type::Dynamic)
}

impl Inside<'_> {
    fn configuration(&self) -> Option<&Configuration> {
        self.run.inspection.stack.tree.node(self.at.node()).map(|node| node.configuration.as_ref())
    }

    fn caller(&self) -> Option<(Inside<'_>, &Call)> {
        let tree = &self.run.inspection.stack.tree;
        let (node, call) = tree.node(self.at.node())?.caller?;
        let scope = Inside { run: self.run, at: self.at.caller.clone()? };
        Some((scope, tree.node(node)?.configuration.call(call)?))
    }

    /// `each` and `count` of a call are those of the called instance.
    fn given(&self, call: &Call, name: &str) -> Option<Found> {
        struct WithEach<'a>(&'a Inside<'a>, Option<&'a Each>);
        impl Scope for WithEach<'_> {
            fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
                match (reference, self.1) {
                    (Reference::EachKey, Some(Each::Entry(key, _))) => Ok(Value::string(key.clone())),
                    (Reference::EachValue, Some(Each::Entry(_, value))) => Ok(value.clone()),
                    (Reference::CountIndex, Some(Each::Index(index))) => Ok(Value::number(*index)),
                    (other, _) => self.0.get(other),
                }
            }
            fn files(&self) -> &dyn ProjectFiles {
                self.0.files()
            }
        }
        let (scope, _) = self.caller()?;
        let attribute = call.body.attribute(name)?;
        let value = evaluate(&attribute.expr, &WithEach(&scope, self.at.each.as_ref()));
        Some(value.map_err(first))
    }

    fn variable(&self, id: VariableId) -> Found {
        let Some(variable) = self.configuration().and_then(|it| it.variable(id)) else {
            return Ok(unknown());
        };
        let otherwise =
            || variable.default.clone().unwrap_or_else(|| Value::unknown(variable.ty.without_optional()));
        let value = match self.caller() {
            None => {
                let given = self.run.inspection.variables.get(id.0 as usize).cloned().flatten();
                given.unwrap_or_else(otherwise)
            }
            Some((_, call)) => match self.given(call, &variable.name.name) {
                Some(value) => convert(&value?, &variable.ty).unwrap_or_else(|_| unknown()),
                None => otherwise(),
            },
        };
        Ok(if variable.sensitive { value.with_marks(Marks::SENSITIVE) } else { value })
    }

    fn local(&self, id: LocalId) -> Found {
        let Some(local) = self.configuration().and_then(|it| it.local(id)) else { return Ok(unknown()) };
        evaluate(&local.expr, self).map_err(first)
    }

    fn resource(&self, id: ResourceId) -> Value {
        let Some(resource) = self.configuration().and_then(|it| it.resource(id)) else { return unknown() };
        let address = Address {
            module: self.at.path.clone(),
            mode: resource.mode,
            ..Address::new(resource.kind.name.clone(), resource.name.name.clone())
        };
        let nothing = BTreeMap::new();
        let objects = self.run.inspection.objects.get(&address).unwrap_or(&nothing);
        if objects.is_empty() {
            return self.without_objects(resource);
        }
        if resource.count.is_some() {
            return Value::tuple(objects.values().cloned().collect::<Vec<_>>());
        }
        if resource.for_each.is_some() {
            let entries = objects.iter().filter_map(|(key, value)| match key {
                Some(Key::Name(name)) => Some((name.clone(), value.clone())),
                _ => None,
            });
            return Value::object(entries);
        }
        objects.get(&None).cloned().unwrap_or_else(unknown)
    }

    /// Of a resource with no objects: in a plan there are none, beside a state they may be to come.
    fn without_objects(&self, resource: &Resource) -> Value {
        if !self.run.inspection.is_plan || resource.mode == Mode::Ephemeral {
            return unknown();
        }
        match Expansion::evaluate(resource.count.as_ref(), resource.for_each.as_ref(), self, Phase::Plan) {
            Ok(expansion) if expansion.is_empty() => expansion.compose(Vec::new()),
            _ => unknown(),
        }
    }

    /// A called module with all of its outputs, or with one of them.
    fn module(&self, id: CallId, only: Option<&str>) -> Found {
        let tree = &self.run.inspection.stack.tree;
        let child =
            tree.node(self.at.node()).and_then(|it| it.children.get(id.0 as usize).copied().flatten());
        let call = self.configuration().and_then(|it| it.call(id));
        let (Some(child), Some(call)) = (child, call) else { return Ok(unknown()) };
        let Ok(expansion) =
            Expansion::evaluate(call.count.as_ref(), call.for_each.as_ref(), self, Phase::Plan)
        else {
            return Ok(unknown());
        };
        let mut values = Vec::with_capacity(expansion.len());
        for each in expansion.instances() {
            let key = each.as_ref().and_then(Each::key);
            let instance = Instance {
                node: Some(child),
                path: self.at.path.child(call.name.name.clone(), key),
                each,
                caller: Some(self.at.clone()),
            };
            values.push(Inside { run: self.run, at: Rc::new(instance) }.outputs(only)?);
        }
        Ok(expansion.compose(values))
    }

    fn outputs(&self, only: Option<&str>) -> Found {
        let outputs = self.configuration().map_or(&[][..], |it| &it.outputs);
        let wanted =
            outputs.iter().filter(|output| only.is_none_or(|only| output.name.name.as_ref() == only));
        let mut entries: Vec<(Arc<str>, Value)> = Vec::new();
        for output in wanted {
            let value = evaluate(&output.expr, self).map_err(first)?;
            let value = if output.sensitive { value.with_marks(Marks::SENSITIVE) } else { value };
            entries.push((output.name.name.clone(), value));
        }
        Ok(Value::object(entries))
    }

    fn find(&self, reference: Reference) -> Found {
        Ok(match reference {
            Reference::Variable(id) => self.variable(id)?,
            Reference::Local(id) => self.local(id)?,
            Reference::Resource(id) => self.resource(id),
            Reference::Module(id) => self.module(id, None)?,
            Reference::ModuleOutput(id, output) => {
                let call = self.configuration().and_then(|it| it.call(id));
                let name =
                    call.and_then(|call| call.outputs.get(output as usize)).map(|(name, _)| name.clone());
                self.module(id, name.as_deref())?
            }
            Reference::PathModule => {
                let folder = self.configuration().map_or("", |it| it.folder.as_ref());
                Value::string(if folder.is_empty() { "." } else { folder })
            }
            Reference::PathRoot => Value::string("."),
            Reference::PathCwd => Value::string(self.files().root().display().to_string()),
            Reference::Workspace | Reference::EnvironmentName => {
                Value::string(self.run.inspection.environment.as_str())
            }
            Reference::Applying => Value::bool(false).with_marks(Marks::EPHEMERAL),
            _ => {
                let message = "this has no value in the console";
                return Err(Box::new(Diagnostic::error("reference-not-allowed", message)));
            }
        })
    }
}

impl Scope for Inside<'_> {
    fn get(&self, reference: Reference) -> Result<Value, Diagnostic> {
        let key = (self.at.path.clone(), reference);
        if let Some(known) = self.run.known.borrow().get(&key) {
            return Ok(known.clone());
        }
        if !self.run.asked.borrow_mut().insert(key.clone()) {
            return Err(Diagnostic::error("cycle", "this needs itself"));
        }
        let found = self.find(reference);
        self.run.asked.borrow_mut().remove(&key);
        let found = found.map_err(|fault| *fault)?;
        self.run.known.borrow_mut().insert(key, found.clone());
        Ok(found)
    }

    fn files(&self) -> &dyn ProjectFiles {
        self.run.inspection.stack.files.as_ref()
    }

    fn may_draw(&self) -> bool {
        true
    }

    fn foresees(&self) -> bool {
        false
    }

    fn now(&self) -> Option<SystemTime> {
        Some(UNIX_EPOCH + Duration::from_millis(clock::now_ms()))
    }
}

/// One of the faults of another expression, which a reference can hand on.
fn first(faults: diag::Diagnostics) -> Box<Diagnostic> {
    let first = faults.0.into_iter().next();
    Box::new(first.unwrap_or_else(|| Diagnostic::error("no-value", "it has no value")))
}
