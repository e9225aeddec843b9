//! An object that exists is taken over into the state by hand. It is planned as an `import` block would be, and only the row that comes
//! of it is kept: nothing is made or changed.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Sources};
use engine::stack::plan::StackMode;
use engine::{Address, Edit, Event, Events, Mode, Target};
use lang::configuration::{NodeId, Tree, VariableSource};

use super::overlay::OneMore;
use super::runs::plan_of;
use super::variables::Ask;
use super::{Locking, Look, PlanRequest, StackFolder};
use crate::Fault;
use crate::recording::RecordingFiles;

/// The file with the `import` block. It is never written.
const FILE: &str = "import-by-hand.tf";

/// The code of the warning that only a part of a stack was planned.
const TARGETED: &str = "targeted";

/// What is taken over.
#[derive(Clone)]
pub struct ImportRequest {
    /// As what.
    pub address: Address,
    /// What its provider knows it by.
    pub id: String,
    /// Values of variables from outside.
    pub variables: Vec<VariableSource>,
    /// Who is asked for values that nobody gave.
    pub ask: Option<Arc<Ask>>,
    /// How many providers' calls at once.
    pub parallelism: usize,
    /// How the lock is taken.
    pub locking: Locking,
}

/// Takes an object over. Answers the warnings, with the texts that their places point into.
///
/// # Errors
/// If the configuration does not describe it, something is managed at its address, or its provider knows no such object.
pub async fn import(
    folder: &StackFolder,
    request: ImportRequest,
    events: &Events,
) -> Result<(Diagnostics, Arc<Sources>), Fault> {
    let address = &request.address;
    let stack = folder.load()?;
    stack.checked(Look::Planning)?;
    described(&stack.tree, address).map_err(|fault| Fault::failed(*fault))?;
    let state = folder.state(stack.tree.root()).await?;
    let there = state.store.snapshot(&state.environment).await?;
    if there.rows.iter().any(|row| row.address == *address && row.record.deposed.is_none()) {
        return Err(Fault::failed(managed(address)));
    }
    events.send(Event::Step { message: format!("{address}: Importing from ID {:?}...", request.id) });
    let text = format!("import {{\n  to = {address}\n  id = {}\n}}\n", lang::write::quoted(&request.id));
    let files = OneMore { name: FILE, text, below: folder.files()? };
    let stack = folder.load_files(Arc::new(RecordingFiles::new(Arc::new(files))))?;
    let plan = PlanRequest {
        mode: StackMode::Normal,
        targets: vec![Target::Resource(address.clone())],
        replaced: Vec::new(),
        refreshes: true,
        generates: false,
        parallelism: request.parallelism,
        variables: request.variables,
        ask: request.ask,
        locking: request.locking,
        keeps_lock: false,
    };
    let planned = plan_of(folder, stack, plan, events).await?;
    // That only a part was looked at is how this is done, and no news.
    let mut found = planned.diagnostics.clone();
    found.0.retain(|it| it.code != TARGETED);
    if found.has_errors() {
        return Err(planned.stack.fault(found));
    }
    let row = planned.plan.prior.iter().find(|row| row.address == *address && row.record.deposed.is_none());
    let Some(row) = row.cloned() else {
        let fault = Diagnostic::error("not-imported", format!("Cannot import {address}: nothing was found"));
        return Err(Fault::failed(fault.because(format!("its provider knows nothing as {:?}", request.id))));
    };
    planned
        .state
        .edit(request.locking, "import", |there| {
            if there.rows.iter().any(|row| row.address == *address && row.record.deposed.is_none()) {
                return Err(Box::new(managed(address)));
            }
            Ok((vec![Edit::Put(Box::new(row))], ()))
        })
        .await?;
    let state = &planned.state;
    crate::doubts::close(&state.environment, state.store.as_ref(), address, "settled: adopted").await?;
    Ok((found, planned.stack.sources))
}

fn managed(address: &Address) -> Diagnostic {
    Diagnostic::error("already-managed", "Resource already managed by Terraform")
        .about(address.to_string())
        .because("the state has an object at this address")
        .hint(format!("to import to it, first remove that from the state: `state rm {address}`"))
}

/// Whether a configuration has a `resource` block for an address.
fn described(tree: &Tree, address: &Address) -> Result<(), Box<Diagnostic>> {
    if address.mode != Mode::Managed {
        let message =
            "A managed resource address is required. Importing into a data resource is not allowed.";
        return Err(Box::new(Diagnostic::error("not-managed", message)));
    }
    let mut node = NodeId::ROOT;
    for step in address.module.0.iter() {
        let child = tree.node(node).and_then(|here| {
            let call = here.configuration.names.calls.get(&step.name)?;
            here.children.get(call.0 as usize).copied().flatten()
        });
        let Some(child) = child else {
            let fault = Diagnostic::error("no-such-module", "Import to non-existent module")
                .because(format!("{} is not defined in the configuration", address.module))
                .hint("add configuration for this module before importing into it");
            return Err(Box::new(fault));
        };
        node = child;
    }
    let kind: Arc<str> = address.kind.as_str().into();
    let configuration = tree.node(node).map(|node| &node.configuration);
    if configuration.is_some_and(|it| it.find_resource(Mode::Managed, &kind, &address.name).is_some()) {
        return Ok(());
    }
    let message = format!("resource address \"{}\" does not exist in the configuration.", address.resource());
    let module =
        if address.module.is_root() { "the root module".to_owned() } else { address.module.to_string() };
    let fault = Diagnostic::error("no-configuration", message)
        .because("before it is imported, its configuration has to be there")
        .hint(format!("write it in {module}: resource \"{kind}\" \"{}\" {{ … }}", address.name));
    Err(Box::new(fault))
}
