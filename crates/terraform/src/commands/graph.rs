//! `graph`.

use operations::stack::{Look, is_saved_plan, plan_graph, read_saved, removal_graph};

use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::text::dot;
use crate::view::{View, say};

const USAGE: Usage = Usage {
    verb: "graph",
    arguments: "",
    least: 0,
    most: 0,
    about: "Show what comes after what, in the language of Graphviz: the resources, or the steps of an operation.",
    flags: Flags { switches: &["draw-cycles", "no-color"], values: &["type", "plan"], refused: &[] },
};

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    match attempt(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    let kind = given.value("type");
    // What goes round in a circle is told as a fault, with every step of it; there is none to mark in a graph.
    if given.is_on("draw-cycles", false) && kind.is_none() {
        return Err(view.usage("The -draw-cycles option", "It is for a graph of -type=… only."));
    }
    if let Some(file) = given.value("plan") {
        let path = folder.root.join(file);
        if !is_saved_plan(&path) {
            let detail = format!("{file} is no plan that was saved with plan -out.");
            return Err(view.usage("Failed to read the plan", &detail));
        }
        if !matches!(kind, None | Some("apply")) {
            return Err(view.usage("Unsupported graph type", "A saved plan has a graph of -type=apply only."));
        }
        let keys = folder.keys();
        let saved = read_saved(&keys, &path).map_err(told)?;
        say(&dot::steps(&plan_graph(&saved.plan), ""));
        return Ok(DONE);
    }
    let stack = folder.load().map_err(told)?;
    stack.checked(Look::References).map_err(told)?;
    match kind {
        None => say(&dot::resources(&folder.resource_graph(&stack).await.map_err(told)?)),
        Some("plan" | "plan-refresh-only" | "apply") => {
            say(&dot::steps(&folder.step_graph(&stack).await.map_err(told)?, " (expand)"));
        }
        Some("plan-destroy") => {
            let state = folder.state(stack.tree.root()).await.map_err(told)?;
            let there = state.store.snapshot(&state.environment).await.map_err(|fault| told(fault.into()))?;
            say(&dot::steps(&removal_graph(&there), " (destroy)"));
        }
        Some(_) => {
            return Err(view.usage(
                "Unsupported graph type",
                "The -type=... argument must be either \"plan\", \"plan-refresh-only\", \"plan-destroy\", or \"apply\".",
            ));
        }
    }
    Ok(DONE)
}
