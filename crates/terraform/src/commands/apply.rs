//! `apply`, `destroy` and `refresh`.

use engine::stack::plan::StackMode;
use operations::stack::{self, Applying, Planned, StackFolder, is_saved_plan, open_saved, read_saved};
use tokio_util::sync::CancellationToken;

use super::shared::{STATE_FILES, ask, locking, parallelism, request, variables, view};
use super::{Context, DONE, FAILED};
use crate::arguments::{Flags, Given, Usage};
use crate::text::plan::Counts;
use crate::view::View;

const APPLY: Usage = Usage {
    verb: "apply",
    arguments: "[PLAN]",
    least: 0,
    most: 1,
    about: "Make what is described real: a plan that was saved, or a new one after a question.",
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
            "auto-approve",
        ],
        values: VALUES,
        refused: &[STATE_FILES],
    },
};
const DESTROY: Usage = Usage {
    verb: "destroy",
    about: "Remove everything that is described, after a question.",
    flags: Flags {
        switches: &["json", "no-color", "input", "compact-warnings", "refresh", "lock", "auto-approve"],
        values: VALUES,
        refused: &[STATE_FILES],
    },
    ..APPLY
};
const REFRESH: Usage = Usage {
    verb: "refresh",
    arguments: "",
    most: 0,
    about: "Bring the state up to what is there. `apply -refresh-only` asks before it does.",
    flags: Flags {
        switches: &["json", "no-color", "input", "compact-warnings", "lock"],
        values: &["target", "var", "var-file", "parallelism", "lock-timeout"],
        refused: &[STATE_FILES],
    },
    ..APPLY
};
const VALUES: &[&str] = &["target", "replace", "var", "var-file", "parallelism", "lock-timeout"];

/// Which of the verbs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verb {
    Apply,
    Destroy,
    Refresh,
}

impl Verb {
    fn usage(self) -> &'static Usage {
        match self {
            Self::Apply => &APPLY,
            Self::Destroy => &DESTROY,
            Self::Refresh => &REFRESH,
        }
    }
}

pub(super) async fn run(context: &Context, arguments: &[String], verb: Verb) -> u8 {
    match attempt(context, arguments, verb).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String], verb: Verb) -> Result<u8, u8> {
    let given = super::read(context, verb.usage(), arguments)?;
    let view = view(&given);
    view.begin();
    let saved = given.rest.first();
    if view.json && saved.is_none() && !given.is_on("auto-approve", false) && verb != Verb::Refresh {
        return Err(view.usage(
            "Plan file or auto-approve required",
            "Terraform cannot ask for interactive approval when -json is set. You can either apply a saved plan file, or enable the -auto-approve option.",
        ));
    }
    let folder = context.stack().map_err(|fault| view.fault(&fault))?;
    let planned = match saved {
        Some(file) => saved_plan(&folder, &given, &view, verb, file).await?,
        None => new_plan(context, &folder, &given, &view, verb).await?,
    };
    if saved.is_none()
        && verb != Verb::Refresh
        && let Err(code) = approve(&given, &view, &planned)
    {
        planned.release().await.map_err(|fault| view.fault(&fault))?;
        return Err(code);
    }
    perform(&folder, &given, &view, verb, &planned).await
}

async fn saved_plan(
    folder: &StackFolder,
    given: &Given,
    view: &View,
    verb: Verb,
    file: &str,
) -> Result<Planned, u8> {
    if verb != Verb::Apply {
        let detail =
            format!("If this plan was created using plan -destroy, apply it using:\n  apply {file:?}");
        return Err(view.usage("Destroy can't be called with a plan file", &detail));
    }
    let path = folder.root.join(file);
    if !is_saved_plan(&path) {
        let why = match path.exists() {
            true => "it is no plan that this program saved with plan -out; a folder is named with -chdir",
            false => "there is no such file",
        };
        return Err(view.usage(&format!("Failed to load {file:?} as a plan file"), why));
    }
    let planning = ["destroy", "refresh-only"].iter().any(|name| given.is_on(name, false))
        || !given.is_on("refresh", true)
        || ["target", "replace"].iter().any(|name| given.value(name).is_some());
    if planning {
        return Err(view.usage(
            "Options of planning beside a saved plan",
            "A saved plan is applied as it was made: -destroy, -refresh-only, -refresh, -target and -replace are given when it is made.",
        ));
    }
    let told = |fault| view.fault(&fault);
    let keys = folder.keys();
    let saved = read_saved(&keys, &path).map_err(told)?;
    let planned = open_saved(folder, saved, &variables(given, view)?).await.map_err(told)?;
    view.notes(&planned.state.notes, &planned.stack.sources);
    view.diagnostics(&planned.diagnostics, &planned.stack.sources);
    view.saved_plan(&planned.plan);
    Ok(planned)
}

async fn new_plan(
    context: &Context,
    folder: &StackFolder,
    given: &Given,
    view: &View,
    verb: Verb,
) -> Result<Planned, u8> {
    let mut request = request(context, given, view)?;
    request.keeps_lock = true;
    match verb {
        Verb::Destroy if !request.replaced.is_empty() => {
            return Err(view.usage(
                "Unsupported plan mode",
                "Forcing resource instance replacement (with -replace=...) is allowed only in normal planning mode.",
            ));
        }
        Verb::Destroy => request.mode = StackMode::Destroy,
        Verb::Refresh => request.mode = StackMode::RefreshOnly,
        Verb::Apply => {}
    }
    let planned = stack::plan(folder, request, &view.events()).await.map_err(|fault| view.fault(&fault))?;
    view.notes(&planned.state.notes, &planned.stack.sources);
    let failed = planned.diagnostics.has_errors();
    if verb == Verb::Refresh {
        let there = planned.state.store.snapshot(&planned.state.environment).await;
        if !failed && there.is_ok_and(|there| there.rows.is_empty()) {
            let warning = diag::Diagnostic::warning("nothing-to-refresh", "Empty or non-existent state").because(
                "There are currently no remote objects tracked in the state, so there is nothing to refresh.",
            );
            view.diagnostics(&warning.into(), &planned.stack.sources);
        }
    } else if !failed || planned.plan.has_changes() {
        view.plan(&planned.plan);
    }
    view.diagnostics(&planned.diagnostics, &planned.stack.sources);
    if failed {
        planned.release().await.map_err(|fault| view.fault(&fault))?;
        return Err(FAILED);
    }
    Ok(planned)
}

/// Asks whether a plan is to be applied, where it does anything and nobody has said so yet.
fn approve(given: &Given, view: &View, planned: &Planned) -> Result<(), u8> {
    let plan = &planned.plan;
    if !plan.has_changes() || given.is_on("auto-approve", false) {
        return Ok(());
    }
    let workspace = match plan.environment.as_str() {
        "default" => String::new(),
        name => format!(" in workspace \"{name}\""),
    };
    let (what, why, verb) = match plan.mode {
        StackMode::Destroy => (
            format!("Do you really want to destroy all resources{workspace}?"),
            "Terraform will destroy all your managed infrastructure, as shown above.\n  There is no undo. Only 'yes' will be accepted to confirm.",
            "Destroy",
        ),
        StackMode::RefreshOnly => (
            format!(
                "Would you like to update the Terraform state{workspace} to reflect these detected changes?"
            ),
            "Terraform will write these changes to the state without modifying any real infrastructure.\n  There is no undo. Only 'yes' will be accepted to confirm.",
            "Apply",
        ),
        StackMode::Normal => (
            format!("Do you want to perform these actions{workspace}?"),
            "Terraform will perform the actions described above.\n  Only 'yes' will be accepted to approve.",
            "Apply",
        ),
    };
    match ask(view, &format!("\n{}\n  {why}\n\n  Enter a value: ", view.paint.strong(&what))) {
        Some(answer) if answer == "yes" => {
            view.text("\n");
            Ok(())
        }
        Some(_) => {
            view.text(&format!("\n{verb} cancelled.\n"));
            Err(FAILED)
        }
        None => Err(view.usage(
            "Error asking for approval",
            "Nobody answered: use -auto-approve, or apply a saved plan.",
        )),
    }
}

async fn perform(
    folder: &StackFolder,
    given: &Given,
    view: &View,
    verb: Verb,
    planned: &Planned,
) -> Result<u8, u8> {
    let applying = Applying { parallelism: parallelism(given, view)?, locking: locking(given, view)? };
    let cancel = CancellationToken::new();
    let waiting = tokio::spawn(interrupts(cancel.clone()));
    let applied = stack::apply(folder, planned, applying, &view.events(), &cancel).await;
    waiting.abort();
    let applied = applied.map_err(|fault| view.fault(&fault))?;
    view.diagnostics(&applied.diagnostics, &planned.stack.sources);
    if applied.diagnostics.has_errors() {
        return Err(FAILED);
    }
    let counts = Counts {
        add: applied.counts.added,
        change: applied.counts.changed,
        remove: applied.counts.removed,
        import: applied.counts.imported,
        forget: applied.counts.forgotten,
    };
    match verb {
        Verb::Apply => view.applied(counts, &applied.outputs),
        Verb::Destroy => view.destroyed(counts),
        Verb::Refresh => view.outputs(&applied.outputs),
    }
    Ok(DONE)
}

/// The first interrupt or termination begins nothing new and waits for what runs; the second leaves at once.
async fn interrupts(cancel: CancellationToken) {
    use tokio::signal::unix::{SignalKind, signal};
    let Ok(mut terminated) = signal(SignalKind::terminate()) else { return };
    for is_last in [false, true] {
        tokio::select! {
            interrupted = tokio::signal::ctrl_c() => if interrupted.is_err() { return },
            _ = terminated.recv() => {}
        }
        if is_last {
            eprintln!(
                "\nTwo interrupts received. Leaving at once; the next run finds out what became of what was running."
            );
            std::process::exit(1);
        }
        eprintln!(
            "\nInterrupt received.\nPlease wait for what runs to end. Interrupt again to leave at once."
        );
        cancel.cancel();
    }
}
