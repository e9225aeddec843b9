//! Data sources: read while planning where everything that they hang on is known and stands still, otherwise by the apply.

use std::collections::HashSet;

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics, Severity};
use lang::Reference;
use lang::configuration::{NodeId, Resource, Tree};
use lang::schema::{Block, Given, decode};
use tokio::time::Instant;
use value::{Kind, Type, Value};

use super::conditions::Conditions;
use super::instances::{EachInstance, Instance, One, plan_each};
use super::marks::{copy, plain};
use super::moves::ancestors;
use super::object::{Asking, removal};
use super::planner::{Found, Planner};
use crate::stack::plan::{Action, CheckKind, Reason, ResourceChange, StackMode};
use crate::stack::provider::{Part, Remark, Told};
use crate::stack::world::{ResourceAt, Telling, World, failed, within};
use crate::{Happened, KnownBy, Mode, Record, StateRow, Work};

/// Plans a data source with all of its instances.
pub(super) async fn plan(planner: &Planner, world: &World, at: ResourceAt) -> Diagnostics {
    let mut told = Diagnostics::default();
    let planned = async {
        let (resource, asking) = Asking::of(planner, world, at)?;
        let conditions = Conditions::of_resource(world, at, resource);
        let instances = Instance::all(world, at, world.expand_resource(at)?)?;
        let awaited = awaited(&world.input.tree, at);
        let is_pending = awaited.iter().any(|at| planner.is_pending(*at));
        let reading = Reading { planner, world, at, resource, asking, conditions: &conditions, is_pending };
        Ok(plan_each(world, at, &instances, planner.parallelism, &reading, &mut told).await)
    };
    match planned.await {
        Ok(found) => planner.note(at, found),
        Err(faults) => {
            let faults: Diagnostics = faults;
            told.extend(if faults.is_empty() { failed() } else { faults });
        }
    }
    told
}

struct Reading<'a> {
    planner: &'a Planner,
    world: &'a World,
    at: ResourceAt,
    resource: &'a Resource,
    asking: Asking<'a>,
    conditions: &'a Conditions<'a>,
    /// Whether something that it has to wait for is still to be changed.
    is_pending: bool,
}

#[async_trait]
impl EachInstance for Reading<'_> {
    async fn one(&self, one: &Instance) -> Result<One, Diagnostics> {
        let mut told = Diagnostics::default();
        if !self.planner.selection.includes(&one.address) {
            let mut rows = self.planner.rows(self.at).iter();
            let kept = rows.find(|row| row.row.address == one.address).map(|row| row.row.clone());
            let value = kept.as_ref().map_or_else(|| Value::unknown(Type::Dynamic), |row| row.value.clone());
            let found = Found { prior: kept.into_iter().collect(), ..Found::default() };
            return Ok(One { found, value, told });
        }
        let place = one.place(self.world, self.at);
        if self.planner.mode != StackMode::Destroy {
            self.conditions.judge(Telling::PRECONDITION, &place, one, &mut told)?;
        }
        let resource = self.resource;
        let block = &self.asking.kind.block;
        let what = format!("data \"{}\" \"{}\"", resource.kind.name, resource.name.name);
        let decoded = decode(&resource.body, resource.header, &what, block, &[], &place);
        told.extend(decoded.diagnostics);
        if told.has_errors() {
            return Err(told);
        }
        let configuration = decoded.value;
        let unmarked = plain(&configuration);
        let remarks = self.asking.provider.validate(Part::Data, one.address.kind.as_str(), &unmarked).await;
        told.extend(self.asking.told(&one.address, remarks));
        if told.has_errors() {
            return Err(told);
        }
        if self.planner.mode == StackMode::Destroy && !self.planner.refreshes {
            // Nobody needs to know what is only read to remove the rest.
            return Ok(self.removed(one, configuration, Found::default(), told));
        }
        let in_check = resource.in_check.is_some();
        let is_known = unmarked.is_wholly_known();
        let waits = !is_known || self.is_pending && self.planner.mode == StackMode::Normal;
        let mut found = Found::default();
        if waits {
            let reason = if is_known {
                Reason::ReadBecauseDependencyPending
            } else {
                Reason::ReadBecauseConfigUnknown
            };
            let value = copy(&configuration, &block.with_sensitive(&to_be_told(block, &unmarked)));
            found.changes.push(self.change(one, reason, value.clone()));
            return Ok(One { found, value, told });
        }
        let (value, is_read) = match self.read(one, &unmarked).await {
            Ok(Told { value, remarks }) => {
                told.extend(self.asking.told(&one.address, remarks));
                (copy(&configuration, &block.with_sensitive(&value)), true)
            }
            // What only a check looks at stops nothing.
            Err(remarks) if in_check => {
                self.note_failed(one, &remarks);
                if self.planner.mode != StackMode::Destroy {
                    let faults = self.asking.told(&one.address, remarks);
                    told.extend(
                        faults.into_iter().map(|it| Diagnostic { severity: Severity::Warning, ..it }),
                    );
                }
                (configuration.clone(), false)
            }
            Err(remarks) => {
                told.extend(self.asking.told(&one.address, remarks));
                return Err(told);
            }
        };
        found.prior.push(StateRow {
            address: one.address.clone(),
            value: value.clone(),
            depends_on: Vec::new(),
            record: Record {
                provider: self.asking.text.clone(),
                schema_version: self.asking.kind.version,
                ..Record::default()
            },
        });
        if self.planner.mode == StackMode::Destroy {
            return Ok(self.removed(one, value, found, told));
        }
        self.conditions.judge(Telling::POSTCONDITION, &place.with_self(&value), one, &mut told)?;
        let seen = if is_read {
            value
        } else {
            copy(&configuration, &block.with_sensitive(&to_be_told(block, &unmarked)))
        };
        if in_check && self.planner.mode == StackMode::Normal {
            found.changes.push(self.change(one, Reason::ReadBecauseCheckNested, seen.clone()));
        }
        Ok(One { found, value: seen, told })
    }
}

impl Reading<'_> {
    /// Where everything is removed, what is only read is forgotten.
    fn removed(&self, one: &Instance, value: Value, mut found: Found, told: Diagnostics) -> One {
        let known = self.planner.rows(self.at).iter().find(|row| row.row.address == one.address);
        if found.prior.is_empty() {
            found.prior.extend(known.map(|row| row.row.clone()));
        }
        let gone = found.prior.iter().map(|row| removal(row, None, Action::Forget)).collect::<Vec<_>>();
        found.changes.extend(gone);
        One { found, value, told }
    }

    async fn read(&self, one: &Instance, configuration: &Value) -> Result<Told<Value>, Vec<Remark>> {
        let planner = self.planner;
        let tell = |happened| planner.tell(&one.address, None, happened);
        let _permit = planner.permit().await;
        let begun = Instant::now();
        tell(Happened::ApplyStarted { work: Work::Read, known_by: None });
        let Told { value, remarks } =
            self.asking.provider.read_data(one.address.kind.as_str(), configuration).await?;
        let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        tell(Happened::ApplyFinished { work: Work::Read, known_by: KnownBy::of(&value), took_ms });
        Ok(Told { value, remarks })
    }

    fn change(&self, one: &Instance, reason: Reason, after: Value) -> ResourceChange {
        ResourceChange {
            address: one.address.clone(),
            previous: None,
            deposed: None,
            provider: self.asking.text.clone(),
            action: Action::Read,
            reason: Some(reason),
            before: Value::null(self.asking.kind.block.ty()),
            after,
            replace_paths: Vec::new(),
            private: Vec::new(),
            schema_version: self.asking.kind.version,
            importing: None,
            depends_on: self.planner.dependencies.of(self.at),
            create_before_destroy: false,
        }
    }

    /// A check whose data cannot be read has failed.
    fn note_failed(&self, one: &Instance, remarks: &[Remark]) {
        if self.planner.mode == StackMode::Destroy {
            return;
        }
        let check = self
            .resource
            .in_check
            .and_then(|check| self.world.configuration(self.at.node)?.checks.get(check as usize));
        let Some(check) = check else { return };
        let name = format!("check.{}", check.name.name);
        let object = format!("{}{name}", self.world.prefix(self.at.node));
        self.world.checks.fail(
            CheckKind::Check,
            object,
            within(&one.address.module, &name),
            problems(remarks),
        );
    }
}

/// What a check says where what it looks at cannot be read.
pub(in crate::stack) fn problems(remarks: &[Remark]) -> Vec<String> {
    remarks.iter().filter(|it| it.is_error).map(|it| format!("{}: {}", it.summary, it.detail)).collect()
}

/// What is described, with unknown in place of everything that only reading tells.
pub(in crate::stack) fn to_be_told(block: &Block, configuration: &Value) -> Value {
    let Kind::Object(entries) = configuration.kind() else { return configuration.clone() };
    let mut entries = entries.as_ref().clone();
    for attribute in &block.attributes {
        let is_told = matches!(attribute.given, Given::Computed | Given::OptionalComputed);
        if let Some(entry) = entries.get_mut(&attribute.name)
            && is_told
            && entry.is_null()
        {
            *entry = Value::unknown(attribute.ty.without_optional());
        }
    }
    for nested in &block.blocks {
        if let Some(entry) = entries.get_mut(&nested.name) {
            *entry = match entry.kind() {
                Kind::Object(_) => to_be_told(&nested.block, entry),
                Kind::List(ty, elements) => {
                    let each = elements.iter().map(|element| to_be_told(&nested.block, element));
                    Value::list(ty.as_ref().clone(), each.collect::<Vec<_>>())
                }
                Kind::Set(ty, elements) => Value::set(
                    ty.as_ref().clone(),
                    elements.iter().map(|element| to_be_told(&nested.block, element)),
                ),
                Kind::Map(ty, elements) => {
                    let each = elements
                        .iter()
                        .map(|(key, element)| (key.clone(), to_be_told(&nested.block, element)));
                    Value::map(ty.as_ref().clone(), each)
                }
                _ => entry.clone(),
            };
        }
    }
    Value::object(entries)
}

/// The managed resources that a data source has to wait for: those that its own `depends_on` and those of the calls around it name.
fn awaited(tree: &Tree, at: ResourceAt) -> HashSet<ResourceAt> {
    let mut all = HashSet::new();
    let mut seen = HashSet::new();
    let mut open = vec![at];
    for node in ancestors(tree, at.node) {
        let Some((caller, call)) = tree.node(node).and_then(|node| node.caller) else { continue };
        let calls = tree.node(caller).map(|above| &above.configuration.calls);
        let Some(call) = calls.and_then(|calls| calls.get(call.0 as usize)) else { continue };
        call.depends_on.iter().for_each(|dependency| add(tree, caller, dependency.on, &mut open));
    }
    while let Some(next) = open.pop() {
        if !seen.insert(next) {
            continue;
        }
        let resource =
            tree.node(next.node).and_then(|node| node.configuration.resources.get(next.resource.0 as usize));
        let Some(resource) = resource else { continue };
        if resource.mode == Mode::Managed {
            all.insert(next);
        } else {
            resource.depends_on.iter().for_each(|dependency| add(tree, next.node, dependency.on, &mut open));
        }
    }
    all
}

/// The resources that an entry of `depends_on` names.
fn add(tree: &Tree, node: NodeId, on: Reference, open: &mut Vec<ResourceAt>) {
    match on {
        Reference::Resource(resource) => open.push(ResourceAt { node, resource }),
        Reference::Module(call) | Reference::ModuleOutput(call, _) => {
            let child =
                tree.node(node).and_then(|node| node.children.get(call.0 as usize).copied().flatten());
            let mut nodes: Vec<NodeId> = child.into_iter().collect();
            while let Some(node) = nodes.pop() {
                let Some(found) = tree.node(node) else { continue };
                let many = u32::try_from(found.configuration.resources.len()).unwrap_or(u32::MAX);
                open.extend((0..many).map(|at| ResourceAt { node, resource: lang::resolve::ResourceId(at) }));
                nodes.extend(found.children.iter().flatten());
            }
        }
        _ => {}
    }
}
