//! `state`, and what of it only looks: `list`, `show`, `history`.

use std::path::Path;

use engine::{Address, Snapshot, Target};
use operations::Fault;
use operations::stack::{StackFolder, StackState, read_state_file};
use serde_json::json;

use super::{Context, DONE, state_edit, state_transfer};
use crate::arguments::{Flags, Usage};
use crate::json::resource::terraform_order;
use crate::text;
use crate::view::{View, say};

const LIST: Usage = Usage {
    verb: "state list",
    arguments: "[ADDRESS...]",
    least: 0,
    most: usize::MAX,
    about: "List the objects of the state, or those under some addresses.",
    flags: Flags { switches: &["no-color"], values: &["state", "id"], refused: &[] },
};
const SHOW: Usage = Usage {
    verb: "state show",
    arguments: "ADDRESS",
    least: 1,
    most: 1,
    about: "Show what the state has of an object.",
    flags: Flags { switches: &["no-color"], values: &["state"], refused: &[] },
};
const HISTORY: Usage = Usage {
    verb: "state history",
    arguments: "",
    least: 0,
    most: 0,
    about: "List the versions of the state, newest first. `state pull -serial=N` prints one.",
    flags: Flags { switches: &["json", "no-color"], values: &[], refused: &[] },
};

/// What stands under `state`.
const HELP: &str =
    "  What is known of the objects that were made, and edits of it by hand. Every version of it is kept.

Subcommands:
    history             List the versions of the state
    list                List the objects of the state
    mv                  Give objects another address
    pull                Print the state as a document
    push                Make a document the state
    replace-provider    Give the objects of one provider to another
    rm                  Forget objects, which stay as they are
    show                Show an object
";

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    let Some((verb, rest)) = arguments.split_first() else {
        return super::subcommands("state", HELP, None);
    };
    let done = match verb.as_str() {
        "list" => list(context, rest).await,
        "show" => show(context, rest).await,
        "history" => history(context, rest).await,
        "mv" => state_edit::mv(context, rest).await,
        "rm" => state_edit::rm(context, rest).await,
        "replace-provider" => state_edit::replace_provider(context, rest).await,
        "pull" => state_transfer::pull(context, rest).await,
        "push" => state_transfer::push(context, rest).await,
        _ => return super::subcommands("state", HELP, Some((verb, rest))),
    };
    match done {
        Ok(code) | Err(code) => code,
    }
}

/// The state of the chosen workspace.
pub(super) async fn open(context: &Context) -> Result<(StackFolder, StackState), Fault> {
    let folder = context.stack()?;
    let stack = folder.load()?;
    let state = folder.state(stack.tree.root()).await?;
    Ok((folder, state))
}

/// What there is: in the state, or in a file.
async fn contents(context: &Context, view: &View, file: Option<&str>) -> Result<Snapshot, u8> {
    let told = |fault| view.fault(&fault);
    if let Some(file) = file {
        let path = context.stack().map_err(told)?.root.join(Path::new(file));
        return if path.exists() { read_state_file(&path).map_err(told) } else { Err(missing(view)) };
    }
    let (_, state) = open(context).await.map_err(told)?;
    view.notes(&state.notes, &diag::Sources::default());
    let snapshot = state.store.snapshot(&state.environment).await.map_err(|fault| told(fault.into()))?;
    // One that was never written.
    if snapshot.lineage.is_empty() && snapshot.rows.is_empty() { Err(missing(view)) } else { Ok(snapshot) }
}

fn missing(view: &View) -> u8 {
    view.usage(
        "No state file was found!",
        "State management commands require a state. Run this command in a directory where something has been applied, or use the -state flag to point the command to a state in a file.",
    )
}

async fn list(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &LIST, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let targets = targets(&view, &given.rest)?;
    let snapshot = contents(context, &view, given.value("state")).await?;
    for target in &targets {
        let is_there = snapshot.rows.iter().any(|row| target.includes(&row.address));
        if let Target::Resource(address) = target
            && !is_there
        {
            let detail = format!(
                "The current state contains no resource {address}. If you've just added this resource to the configuration, it has to be applied first to create the resource's entry in the state."
            );
            return Err(view.usage("Unknown resource", &detail));
        }
    }
    let id = given.value("id");
    let has_id = |row: &&engine::StateRow| {
        id.is_none_or(|id| row.value.get("id").is_some_and(|known| known.as_str() == Some(id)))
    };
    let named = |row: &&engine::StateRow| {
        targets.is_empty() || targets.iter().any(|target| target.includes(&row.address))
    };
    let rows = snapshot.rows.iter().filter(|row| row.record.deposed.is_none());
    let mut addresses: Vec<&Address> = rows.filter(named).filter(has_id).map(|row| &row.address).collect();
    addresses.sort_by(|a, b| terraform_order(a, b));
    let text: String = addresses.iter().map(|address| format!("{address}\n")).collect();
    say(&text);
    Ok(DONE)
}

/// Addresses of modules, resources or instances.
pub(super) fn targets(view: &View, texts: &[String]) -> Result<Vec<Target>, u8> {
    texts.iter().map(|text| target(view, text)).collect()
}

/// One of them.
pub(super) fn target(view: &View, text: &str) -> Result<Target, u8> {
    text.parse().map_err(|fault: engine::ParseAddressError| view.usage("Invalid address", &fault.to_string()))
}

async fn show(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &SHOW, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let none = |summary: &str| {
        let detail = "This command requires that the address references one specific instance. To view the available instances, use \"state list\". Please modify the address to reference a specific instance.";
        view.usage(summary, detail)
    };
    let text = given.rest.first().map_or("", String::as_str);
    let address: Address =
        text.parse().map_err(|_| none(&format!("Error parsing instance address: {text}")))?;
    let snapshot = contents(context, &view, given.value("state")).await?;
    let mut rows = snapshot.rows.iter();
    let Some(row) = rows.find(|row| row.address == address && row.record.deposed.is_none()) else {
        return Err(none("No instance found for the given address!"));
    };
    view.text(&text::state::object(row));
    Ok(DONE)
}

async fn history(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &HISTORY, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let told = |fault| view.fault(&fault);
    let (_, state) = open(context).await.map_err(told)?;
    let versions = state.store.versions(&state.environment).await.map_err(|fault| told(fault.into()))?;
    let at = |ms: u64| {
        let at = i64::try_from(ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
        at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
    };
    if given.is_on("json", false) {
        let rows: Vec<_> = versions
            .iter()
            .map(|it| {
                json!({
                    "serial": it.serial,
                    "written_at": at(it.written_at_ms),
                    "deployment": it.deployment.as_ref().map(engine::DeploymentId::as_str),
                    "summary": it.summary,
                })
            })
            .collect();
        let data = json!({ "format_version": "1.0", "versions": rows });
        view.data(&crate::json::text(&data).unwrap_or_default());
        return Ok(DONE);
    }
    let width = versions.first().map_or(0, |it| it.serial.to_string().len());
    let text: String = versions
        .iter()
        .map(|it| format!("{:width$}  {}  {}\n", it.serial, at(it.written_at_ms), it.summary))
        .collect();
    say(&text);
    Ok(DONE)
}
