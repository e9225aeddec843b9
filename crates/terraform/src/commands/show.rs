//! `show`.

use std::path::Path;

use engine::Snapshot;
use operations::stack::{StackFolder, is_saved_plan, read_saved, read_state_file, show_saved};

use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::json::{self, configuration, plan, state};
use crate::text;
use crate::view::View;

const USAGE: Usage = Usage {
    verb: "show",
    arguments: "[PATH]",
    least: 0,
    most: 1,
    about: "Show the state, a plan that was saved, or a state in a file.",
    flags: Flags { switches: &["json", "no-color"], values: &[], refused: &[] },
};

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    match attempt(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    let is_json = given.is_on("json", false);
    let view = View::new(false, is_json || given.is_on("no-color", false));
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    if let Some(file) = given.rest.first() {
        let path = folder.root.join(file);
        if is_saved_plan(&path) {
            return saved(&folder, &view, is_json, &path).await;
        }
        let snapshot = read_state_file(&path).map_err(|fault| {
            let why: Vec<&str> = fault.diagnostics().0.iter().map(|it| it.message.as_str()).collect();
            let why =
                format!("{file} is no plan that was saved with plan -out, and no state: {}", why.join("; "));
            view.usage("Failed to read the given file as a state or plan file", &why)
        })?;
        return print_state(&view, is_json, &snapshot);
    }
    let stack = folder.load().map_err(told)?;
    let state = folder.state(stack.tree.root()).await.map_err(told)?;
    view.notes(&state.notes, &stack.sources);
    let snapshot = state.store.snapshot(&state.environment).await.map_err(|fault| told(fault.into()))?;
    print_state(&view, is_json, &snapshot)
}

async fn saved(folder: &StackFolder, view: &View, is_json: bool, path: &Path) -> Result<u8, u8> {
    let told = |fault| view.fault(&fault);
    let keys = folder.keys();
    let planned = show_saved(folder, read_saved(&keys, path).map_err(told)?).await.map_err(told)?;
    if !is_json {
        view.text(&format!("\n{}", text::plan::plan(&planned.plan, view.paint)));
        return Ok(DONE);
    }
    let schemas = folder.schemas(&planned.stack).await.map_err(told)?;
    let configuration = configuration::configuration(&planned.stack.tree, &planned.stack.sources, &schemas);
    let at = json::timestamp(&planned.plan);
    print(view, &plan::plan(&planned.plan, &planned.given, Some(configuration), at))
}

fn print_state(view: &View, is_json: bool, snapshot: &Snapshot) -> Result<u8, u8> {
    if is_json {
        let checks = snapshot.checks.as_ref().map(json::checks::of_state).unwrap_or_default();
        return print(view, &state::state(snapshot, &checks));
    }
    view.text(&text::state::state(snapshot));
    Ok(DONE)
}

fn print(view: &View, data: &impl serde::Serialize) -> Result<u8, u8> {
    match json::text(data) {
        Ok(text) => {
            view.data(&text);
            Ok(DONE)
        }
        Err(error) => Err(view.usage("Failed to write JSON", &error.to_string())),
    }
}
