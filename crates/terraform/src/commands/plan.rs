//! `plan`.

use std::path::Path;

use operations::stack::{self, Planned, StackFolder, write_saved};

use super::shared::{STATE_FILES, request, view};
use super::{Context, DONE, FAILED};
use crate::arguments::{Flags, Given, Usage};
use crate::help::PROGRAM;
use crate::view::View;

const USAGE: Usage = Usage {
    verb: "plan",
    arguments: "",
    least: 0,
    most: 0,
    about: "Show what would be done to make what is described real. Nothing is changed.",
    flags: Flags {
        switches: &[
            "json",
            "no-color",
            "input",
            "compact-warnings",
            "destroy",
            "refresh-only",
            "refresh",
            "lock",
            "detailed-exitcode",
        ],
        values: &[
            "out",
            "target",
            "replace",
            "var",
            "var-file",
            "parallelism",
            "generate-config-out",
            "lock-timeout",
        ],
        refused: &[STATE_FILES],
    },
};

/// There are changes; with `-detailed-exitcode`.
const CHANGES: u8 = 2;

/// Between a plan and what is to be known about it.
const RULE: &str = "─────────────────────────────────────────────────────────────────────────────";

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    match attempt(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    let view = view(&given);
    view.begin();
    let request = request(context, &given, &view)?;
    let folder = context.stack().map_err(|fault| view.fault(&fault))?;
    if let Some(file) = given.value("generate-config-out")
        && folder.root.join(file).exists()
    {
        let detail =
            format!("{file} is there already; generated configuration is written to a new file only.");
        return Err(view.usage("Target generated file already exists", &detail));
    }
    let planned = stack::plan(&folder, request, &view.events()).await.map_err(|fault| view.fault(&fault))?;
    view.notes(&planned.state.notes, &planned.stack.sources);
    let failed = planned.diagnostics.has_errors();
    if !failed || planned.plan.has_changes() {
        view.plan(&planned.plan);
    }
    view.diagnostics(&planned.diagnostics, &planned.stack.sources);
    write_generated(&folder, &given, &view, &planned)?;
    save(context, &folder, &given, &view, &planned, failed)?;
    Ok(match (failed, given.is_on("detailed-exitcode", false) && planned.plan.has_changes()) {
        (true, _) => FAILED,
        (false, true) => CHANGES,
        (false, false) => DONE,
    })
}

fn write_generated(folder: &StackFolder, given: &Given, view: &View, planned: &Planned) -> Result<(), u8> {
    let Some(file) = given.value("generate-config-out") else { return Ok(()) };
    if planned.plan.generated.is_empty() {
        return Ok(());
    }
    let blocks: Vec<&str> = planned.plan.generated.iter().map(|it| it.text.trim_end()).collect();
    let text = format!(
        "# Written for objects that were imported. Look at it, and move it to where it belongs.\n\n{}\n",
        blocks.join("\n\n")
    );
    std::fs::write(folder.root.join(file), text)
        .map_err(|error| view.usage("Failed to write generated configuration", &format!("{file}: {error}")))
}

fn save(
    context: &Context,
    folder: &StackFolder,
    given: &Given,
    view: &View,
    planned: &Planned,
    failed: bool,
) -> Result<(), u8> {
    let Some(file) = given.value("out") else {
        // Automation knows.
        if !failed && planned.plan.has_changes() && context.variable("TF_IN_AUTOMATION").is_none() {
            view.text(&format!(
                "\n{RULE}\n\nNote: You didn't use the -out option to save this plan, so Terraform can't\nguarantee to take exactly these actions if you run \"terraform apply\" now.\n"
            ));
        }
        return Ok(());
    };
    write_saved(&planned.state.keys, &planned.saved(), &folder.root.join(Path::new(file)))
        .map_err(|fault| view.fault(&fault))?;
    if !failed && planned.plan.has_changes() {
        view.text(&format!(
            "\n{RULE}\n\nSaved the plan to: {file}\n\nTo perform exactly these actions, run the following command to apply:\n    {PROGRAM} apply {file:?}\n"
        ));
    }
    Ok(())
}
