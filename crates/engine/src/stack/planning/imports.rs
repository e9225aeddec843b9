//! `import` blocks: which objects are taken over, by what the provider knows them by.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::{Import, NodeId, Tree};
use lang::eval::{Scope, evaluate};
use value::{Kind, Marks, Type, convert};

use super::instances::Instance;
use super::object::{Asking, Read, removal};
use super::planner::{Found, Planner};
use super::rows::{Row, block_of};
use super::{StackRequest, generate};
use crate::stack::StackProviders;
use crate::stack::plan::{Action, Generated, ResourceChange, StackMode};
use crate::stack::provider::ImportBy;
use crate::stack::walk::Steps;
use crate::stack::world::{Expansion, Phase, ResourceAt, World};
use crate::{Address, Key, ModulePath, ModuleStep, Record, StateRow, Target as Named};

/// What an object is taken over by.
#[derive(Debug, Clone)]
pub(super) struct Target {
    pub id: String,
    /// Where the block names the object.
    pub span: Option<Span>,
}

/// The `import` blocks of the root module.
#[derive(Default)]
pub(super) struct Imports {
    many: u32,
    found: Mutex<HashMap<Address, Target>>,
    /// The resource that each block names.
    blocks: Vec<Option<ResourceAt>>,
}

impl Imports {
    /// A step for each block, before the resource that it names.
    pub fn new(tree: &Tree, providers: &StackProviders, request: &StackRequest, steps: &mut Steps) -> Self {
        let imports = tree.root().map_or(&[][..], |root| &root.imports);
        if request.mode != StackMode::Normal {
            return Self::default();
        }
        let by_hand = request
            .adopted
            .iter()
            .map(|(address, id)| (address.clone(), Target { id: id.clone(), span: None }));
        let by_hand: HashMap<Address, Target> = by_hand.collect();
        if imports.is_empty() {
            return Self { found: Mutex::new(by_hand), ..Self::default() };
        }
        let mut blocks = Vec::with_capacity(imports.len());
        for (number, import) in (0_u32..).zip(imports) {
            let step = steps.add(number);
            steps.after_references(tree, NodeId::ROOT, step, &import.references);
            let block = match &import.to {
                Named::Resource(address) => block_of(tree, address),
                Named::Module(_) => None,
            };
            match block {
                Some(at) => {
                    steps.of_resource(at).into_iter().for_each(|resource| steps.after(resource, step))
                }
                None => {
                    let provider = providers.of_import(number as usize).map(|id| steps.of_provider(id));
                    provider.into_iter().for_each(|provider| steps.after(step, provider));
                }
            }
            blocks.push(block);
        }
        Self { many: u32::try_from(blocks.len()).unwrap_or(u32::MAX), found: Mutex::new(by_hand), blocks }
    }

    /// How many steps are those of blocks: they are the first.
    pub fn len(&self) -> u32 {
        self.many
    }

    /// The block of a step of the visitor's own.
    pub fn block_of(&self, step: u32) -> Option<usize> {
        (step < self.many).then_some(step as usize)
    }

    /// Whether an object is taken over.
    pub fn target(&self, address: &Address) -> Option<Target> {
        self.lock().get(address).cloned()
    }

    /// Objects that are taken over as instances that a resource does not have.
    pub fn astray(&self, at: ResourceAt, instances: &[Instance]) -> Diagnostics {
        let mut faults = Diagnostics::default();
        if !self.blocks.contains(&Some(at)) {
            return faults;
        }
        let Some(first) = instances.first().map(|one| &one.address) else { return faults };
        for (address, target) in self.lock().iter() {
            let is_of_block = address.kind == first.kind
                && address.name == first.name
                && address.mode == first.mode
                && address.module.0.iter().map(|s| &s.name).eq(first.module.0.iter().map(|s| &s.name));
            if is_of_block && !instances.iter().any(|one| one.address == *address) {
                faults.push(not_described(address, target.span));
            }
        }
        faults
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Address, Target>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn not_described(address: &Address, span: Option<Span>) -> Diagnostic {
    let mut fault = Diagnostic::error(
        "import-target",
        format!("Configuration for import target does not exist: nothing describes {address}"),
    )
    .hint("write a `resource` block for it, or let one be written with -generate-config-out=FILE");
    fault.span = span;
    fault
}

/// What is wrong with `import` blocks whatever the values are: what they are known by, and keys that a resource does not have.
pub(super) fn validate(world: &World) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let place = world.place(NodeId::ROOT, 0);
    for import in world.configuration(NodeId::ROOT).map_or(&[][..], |root| &root.imports) {
        let expansion = match Expansion::evaluate(None, import.for_each.as_ref(), &place, Phase::Validate) {
            Ok(expansion) => expansion,
            Err(found) => {
                faults.extend(found);
                continue;
            }
        };
        for each in expansion.instances() {
            let place = place.with_each(each.as_ref());
            faults.extend(written_id(import, &place));
            faults.extend(misplaced_key(world, import, &place));
        }
    }
    faults
}

/// An id that is none, as far as it is known; what must not be seen is told where it is planned.
fn written_id(import: &Import, scope: &dyn Scope) -> Diagnostics {
    let value = match evaluate(&import.id, scope) {
        Ok(value) => value.unmark_deep().0,
        Err(found) => return found,
    };
    let why = match convert(&value, &Type::String) {
        Err(_) => "a string is required",
        Ok(text) if text.is_null() => "the import ID cannot be null",
        Ok(text) if text.as_str() == Some("") => "the import ID is empty",
        Ok(_) => return Diagnostics::default(),
    };
    Diagnostic::error("import-id", format!("Invalid import id argument: {why}")).at(import.id.span).into()
}

/// A key of the kind that a resource does not have, or none where it needs one.
fn misplaced_key(world: &World, import: &Import, scope: &dyn Scope) -> Option<Diagnostic> {
    let Named::Resource(named) = &import.to else { return None };
    // What is not described yet is generated without keys.
    let resource = block_of(&world.input.tree, named).and_then(|at| world.resource(at));
    let is_number = match (&named.key, &import.key) {
        (Some(Key::Index(_)), _) => Some(true),
        (Some(Key::Name(_)), _) => Some(false),
        (None, Some(expr)) => match evaluate(expr, scope).ok()?.ty() {
            Type::Number => Some(true),
            Type::String => Some(false),
            _ => return None,
        },
        (None, None) => None,
    };
    let has_count = resource.is_some_and(|resource| resource.count.is_some());
    let has_for_each = resource.is_some_and(|resource| resource.for_each.is_some());
    let why = match (is_number, has_count, has_for_each) {
        (None, true, _) => "the target resource has `count`, and so instances with numbers",
        (None, _, true) => "the target resource has `for_each`, and so instances with keys",
        (Some(true), false, false) => "the target resource has no `count`, and so no instances with numbers",
        (Some(false), _, false) => "the target resource has no `for_each`, and so no instances with keys",
        _ => return None,
    };
    Some(
        Diagnostic::error("import-key", format!("Invalid import 'to' expression: {why}"))
            .summary("Invalid import 'to' expression")
            .at(import.to_span),
    )
}

/// What a block takes over. Objects that nothing describes are looked up here, and described.
pub(super) async fn step(planner: &Planner, world: &World, block: usize) -> (Found, Diagnostics) {
    let mut found = Found::default();
    let mut told = evaluate_block(planner, world, block);
    if told.has_errors() || planner.imports.blocks.get(block).copied().flatten().is_some() {
        return (found, told);
    }
    let Some(import) = world.configuration(NodeId::ROOT).and_then(|root| root.imports.get(block)) else {
        return (found, told);
    };
    let Named::Resource(named) = &import.to else { return (found, told) };
    let targets: Vec<(Address, Target)> = {
        let of_block = |(_, target): &(&Address, &Target)| target.span == Some(import.to_span);
        planner.imports.lock().iter().filter(of_block).map(|(a, t)| (a.clone(), t.clone())).collect()
    };
    let id = world.providers.of_import(block);
    let kind = id.and_then(|id| world.providers.kind(id, named.mode, named.kind.as_str()));
    let text = id.and_then(|id| world.providers.get(id)).map(|configured| &configured.text);
    let (Some(provider), Some(kind), Some(text)) = (id.and_then(|id| world.provider(id)), kind, text) else {
        let message = format!("Invalid resource type: no provider that is here makes `{}`", named.kind);
        told.push(Diagnostic::error("invalid-resource-type", message).at(import.to_span));
        return (found, told);
    };
    let asking = Asking { provider, text, kind, block: None };
    for (address, target) in targets {
        match look_up(planner, &asking, &address, &target).await {
            Ok(row) => {
                let generated =
                    Generated { address, text: generate::resource(&kind.block, &row, &target.id) };
                found.changes.push(ResourceChange {
                    action: Action::NoOp,
                    after: row.value.clone(),
                    importing: Some(target.id),
                    ..removal(&row, None, Action::NoOp)
                });
                found.prior.push(row);
                found.generated.push(generated);
            }
            Err(faults) => told.extend(faults),
        }
    }
    (found, told)
}

fn evaluate_block(planner: &Planner, world: &World, block: usize) -> Diagnostics {
    let mut faults = Diagnostics::default();
    let Some(import) = world.configuration(NodeId::ROOT).and_then(|root| root.imports.get(block)) else {
        return faults;
    };
    let Named::Resource(named) = &import.to else { return faults };
    let place = world.place(NodeId::ROOT, 0);
    let expansion = match Expansion::evaluate(None, import.for_each.as_ref(), &place, Phase::Plan) {
        Ok(expansion) => expansion,
        Err(found) => return found,
    };
    let mut targets = Vec::new();
    for each in expansion.instances() {
        let place = place.with_each(each.as_ref());
        match (address(import, named, &place), id(import, &place)) {
            (Ok(address), Ok(id)) => targets.push((address, Target { id, span: Some(import.to_span) })),
            (address, id) => {
                faults.extend(address.err().into_iter().flatten());
                faults.extend(id.err().into_iter().flatten());
            }
        }
    }
    if planner.imports.blocks.get(block).copied().flatten().is_none() && !planner.generates {
        faults.extend(targets.iter().map(|(address, target)| not_described(address, target.span)));
        return faults;
    }
    let mut found = planner.imports.lock();
    for (address, target) in targets {
        if let Some(other) = found.get(&address) {
            let message = format!("Duplicate import configuration for {address}");
            faults.push(
                Diagnostic::error("import-twice", message)
                    .at(import.to_span)
                    .see(other.span.unwrap_or(import.to_span), "it is imported here already"),
            );
            continue;
        }
        found.insert(address, target);
    }
    faults
}

fn address(import: &Import, named: &Address, scope: &dyn Scope) -> Result<Address, Diagnostics> {
    let mut address = named.clone();
    if let Some(expr) = &import.key {
        address.key = Some(key(expr, scope)?);
    }
    if !import.module_keys.is_empty() {
        let mut steps: Vec<ModuleStep> = address.module.0.to_vec();
        for (at, expr) in &import.module_keys {
            let key = key(expr, scope)?;
            if let Some(step) = steps.get_mut(*at) {
                step.key = Some(key);
            }
        }
        address.module = ModulePath(steps.into());
    }
    Ok(address)
}

fn key(expr: &lang::syntax::Expr, scope: &dyn Scope) -> Result<Key, Diagnostics> {
    let value = evaluate(expr, scope)?;
    let (plain, marks) = value.unmark_deep();
    let wrong = |why: &str| -> Diagnostics {
        Diagnostic::error("import-key", format!("Import block 'to' address contains an invalid key: {why}"))
            .at(expr.span)
            .into()
    };
    if marks.contains(Marks::SENSITIVE) || marks.contains(Marks::EPHEMERAL) {
        return Err(wrong("it is sensitive or ephemeral, and an address shows"));
    }
    match plain.kind() {
        Kind::String(name) => Ok(Key::Name(name.clone())),
        Kind::Number(number) => match number.to_i64().and_then(|number| u64::try_from(number).ok()) {
            Some(index) if number.is_integer() => Ok(Key::Index(index)),
            _ => Err(wrong("a whole number is required")),
        },
        Kind::Unknown(_) => Err(wrong("it is not known before the apply")),
        _ => Err(wrong("text or a number is required")),
    }
}

fn id(import: &Import, scope: &dyn Scope) -> Result<String, Diagnostics> {
    let value = evaluate(&import.id, scope)?;
    let (plain, marks) = value.unmark_deep();
    let wrong = |why: &str| -> Diagnostics {
        Diagnostic::error("import-id", format!("Invalid import id argument: {why}")).at(import.id.span).into()
    };
    if marks.contains(Marks::EPHEMERAL) {
        return Err(wrong("the import ID cannot be ephemeral"));
    }
    if plain.is_null() {
        return Err(wrong("the import ID cannot be null"));
    }
    let text = convert(&plain, &Type::String)
        .map_err(|_| wrong("the import ID value is unsuitable: a string is required"))?;
    match text.as_str() {
        None => Err(wrong(
            "the import block 'id' argument depends on resource attributes that cannot be determined until apply",
        )),
        Some("") => {
            Err(wrong("the import ID value evaluates to an empty string, please provide a non-empty value"))
        }
        Some(text) if marks.contains(Marks::SENSITIVE) => {
            let _ = text;
            Err(wrong("the import ID cannot be sensitive"))
        }
        Some(text) => Ok(text.to_owned()),
    }
}

/// An object that is taken over: looked up, and read.
pub(super) async fn look_up(
    planner: &Planner,
    asking: &Asking<'_>,
    address: &Address,
    target: &Target,
) -> Result<StateRow, Diagnostics> {
    let kind = address.kind.as_str();
    let fault = |message: String, why: &str| -> Diagnostics {
        let mut fault = Diagnostic::error("import-failed", message).about(address.to_string()).because(why);
        fault.span = target.span;
        fault.into()
    };
    let Some(powers) = asking.provider.powers() else {
        return Err(fault(format!("{kind} cannot be imported"), "its provider looks nothing up"));
    };
    let imported = {
        let _permit = planner.permit().await;
        powers.import(kind, ImportBy::Id(&target.id)).await
    };
    let imported = imported.map_err(|remarks| asking.told(address, remarks))?;
    let Some(imported) = imported.into_iter().find(|one| one.kind.as_ref() == kind) else {
        return Err(fault(
            format!("Import returned no resources: there is no {kind} \"{}\"", target.id),
            "the provider found none",
        ));
    };
    let row = StateRow {
        address: address.clone(),
        value: imported.object.value,
        depends_on: Vec::new(),
        record: Record {
            provider: asking.text.clone(),
            schema_version: asking.kind.version,
            private: imported.object.private,
            identity: imported.object.identity,
            ..Record::default()
        },
    };
    // What was looked up is little more than a name; reading tells the rest, whether or not the others are read.
    let Read { row, .. } = asking.read_anew(planner, &Row { row, previous: None }).await?;
    row.ok_or_else(|| {
        fault(
            "Cannot import non-existent remote object".to_owned(),
            "the provider found it by its id, and when it was read it was not there",
        )
    })
}
