//! `output`.

use operations::Fault;
use operations::stack::read_state_file;
use value::Value;

use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::json;
use crate::text;
use crate::view::{View, say};

const USAGE: Usage = Usage {
    verb: "output",
    arguments: "[NAME]",
    least: 0,
    most: 1,
    about: "Show the outputs of the last apply, or one of them.",
    flags: Flags { switches: &["json", "no-color", "raw"], values: &["state"], refused: &[] },
};

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    match attempt(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    let (is_json, is_raw) = (given.is_on("json", false), given.is_on("raw", false));
    let view = View::new(false, is_json || given.is_on("no-color", false));
    if is_json && is_raw {
        return Err(view.usage("Invalid output format", "The -raw and -json options are mutually-exclusive."));
    }
    if is_raw && given.rest.is_empty() {
        return Err(view.usage(
            "Output name required",
            "You must give the name of a single output value when using the -raw option.",
        ));
    }
    let outputs = read(context, given.value("state")).await.map_err(|fault| view.fault(&fault))?;
    let Some(name) = given.rest.first() else {
        if is_json {
            view.data(&json::pretty(&json::state::outputs(&outputs)).unwrap_or_default());
        } else if outputs.is_empty() {
            none(&view);
        } else {
            view.text(&text::state::outputs(&outputs));
        }
        return Ok(DONE);
    };
    // Without any output there was no apply yet, and a name that is not there is no mistake.
    if outputs.is_empty() && !is_json {
        none(&view);
        return Ok(DONE);
    }
    let Some((_, value)) = outputs.iter().find(|(known, _)| known == name) else {
        let known = diag::closest(name, outputs.iter().map(|(name, _)| name.as_str()));
        let meant = known.map(|meant| format!(" Did you mean {meant:?}?")).unwrap_or_default();
        let detail = format!(
            "The output variable requested could not be found in the state file.{meant} If you recently added this to your configuration, be sure to apply it, since the state knows no new outputs until that is done."
        );
        return Err(view.usage(&format!("Output {name:?} not found"), &detail));
    };
    if is_json {
        let plain = json::values::known(value).unwrap_or_default();
        view.data(&json::text(&plain).unwrap_or_default());
    } else if is_raw {
        raw(&view, name, value)?;
    } else {
        // Who names one wants to see it.
        view.data(&text::state::console(&value.clone().unmark_deep().0));
    }
    Ok(DONE)
}

async fn read(context: &Context, file: Option<&str>) -> Result<Vec<(String, Value)>, Fault> {
    let folder = context.stack()?;
    if let Some(file) = file {
        let path = folder.root.join(file);
        // A state that was never written has no outputs.
        return if path.exists() { Ok(read_state_file(&path)?.outputs) } else { Ok(Vec::new()) };
    }
    let stack = folder.load()?;
    let state = folder.state(stack.tree.root()).await?;
    Ok(state.store.snapshot(&state.environment).await?.outputs)
}

fn none(view: &View) {
    let warning = diag::Diagnostic::warning("no-outputs", "No outputs found").because(
        "The state file either has no outputs defined, or all the defined outputs are empty. Please define an output in your configuration with the `output` keyword and apply it for it to become available.",
    );
    view.diagnostics(&warning.into(), &diag::Sources::default());
}

fn raw(view: &View, name: &str, value: &Value) -> Result<(), u8> {
    let refuse = |why: &str| {
        let detail = format!(
            "The -raw option only supports strings, numbers, and boolean values, but output value {name:?} is {why}."
        );
        view.usage("Unsupported value for raw output", &detail)
    };
    if value.is_null() {
        return Err(refuse("null"));
    }
    let text = value::convert(value, &value::Type::String).ok();
    match text.as_ref().and_then(Value::as_str) {
        Some(text) => {
            say(text);
            Ok(())
        }
        None => Err(refuse(&lang::eval::describe_type(&value.ty()))),
    }
}
