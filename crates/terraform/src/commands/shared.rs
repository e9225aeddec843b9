//! What flags that several verbs have mean to an operation, and questions on the terminal. No verb is named here.

use std::io::{BufRead, IsTerminal, Write};
use std::os::fd::AsFd;
use std::sync::Arc;
use std::time::Duration;

use engine::stack::plan::StackMode;
use engine::{Address, Target};
use lang::configuration::VariableSource;
use nix::sys::termios::{LocalFlags, SetArg, tcgetattr, tcsetattr};
use operations::stack::{Ask, Locking, PlanRequest, Question};

use super::{Context, FAILED};
use crate::arguments::{FlagFault, Given, Refused, duration};
use crate::view::View;

/// How many providers work at the same time where nothing is said.
const PARALLELISM: usize = 10;

/// A request by the flags, or the exit code.
pub(super) fn request(context: &Context, given: &Given, view: &View) -> Result<PlanRequest, u8> {
    let refuse = |summary: &str, detail: &str| {
        view.usage(summary, detail);
        FAILED
    };
    let (destroys, refreshes_only) = (given.is_on("destroy", false), given.is_on("refresh-only", false));
    let refreshes = given.is_on("refresh", true);
    if destroys && refreshes_only {
        return Err(refuse(
            "Incompatible plan mode options",
            "The -destroy and -refresh-only options are mutually-exclusive.",
        ));
    }
    if refreshes_only && !refreshes {
        return Err(refuse(
            "Incompatible refresh options",
            "It doesn't make sense to use -refresh-only at the same time as -refresh=false, because there would be nothing to do.",
        ));
    }
    let mut targets = Vec::new();
    for text in given.values("target") {
        targets.push(text.parse::<Target>().map_err(|_| {
            refuse(
                &format!("Invalid target {text:?}"),
                "This is not the address of a resource or a module, such as module.net or aws_vpc.main[0].",
            )
        })?);
    }
    let mut replaced = Vec::new();
    for text in given.values("replace") {
        replaced.push(text.parse::<Address>().map_err(|_| {
            refuse(
                &format!("Invalid force-replace address {text:?}"),
                "This is not the address of a resource instance, such as aws_vpc.main[0].",
            )
        })?);
    }
    if !replaced.is_empty() && (destroys || refreshes_only) {
        return Err(refuse(
            "Unsupported plan mode",
            "Forcing resource instance replacement (with -replace=...) is allowed only in normal planning mode.",
        ));
    }
    let mode = match (destroys, refreshes_only) {
        (true, _) => StackMode::Destroy,
        (_, true) => StackMode::RefreshOnly,
        _ => StackMode::Normal,
    };
    Ok(PlanRequest {
        mode,
        targets,
        replaced,
        refreshes,
        generates: given.value("generate-config-out").is_some(),
        parallelism: parallelism(given, view)?,
        variables: variables(given, view)?,
        ask: asker(context, given, view),
        locking: locking(given, view)?,
        keeps_lock: false,
    })
}

/// `-parallelism`; 0 is as if nothing were said.
pub(super) fn parallelism(given: &Given, view: &View) -> Result<usize, u8> {
    let Some(text) = given.value("parallelism") else { return Ok(PARALLELISM) };
    match text.parse::<usize>() {
        Ok(0) => Ok(PARALLELISM),
        Ok(number) => Ok(number),
        Err(_) => Err(malformed(view, "parallelism", text)),
    }
}

/// `-lock` and `-lock-timeout`.
pub(super) fn locking(given: &Given, view: &View) -> Result<Locking, u8> {
    let wait = match given.value("lock-timeout") {
        None => Duration::ZERO,
        Some(text) => duration(text).ok_or_else(|| malformed(view, "lock-timeout", text))?,
    };
    Ok(Locking { takes: given.is_on("lock", true), wait })
}

fn malformed(view: &View, name: &str, value: &str) -> u8 {
    let fault = FlagFault::Form { name: name.to_owned(), value: value.to_owned() };
    view.usage("Failed to parse command-line flags", &fault.to_string());
    FAILED
}

/// `-var` and `-var-file` in their order.
pub(super) fn variables(given: &Given, view: &View) -> Result<Vec<VariableSource>, u8> {
    let mut sources = Vec::new();
    for (flag, text) in &given.variables {
        if *flag == "var-file" {
            sources.push(VariableSource::File(text.as_str().into()));
            continue;
        }
        let Some((name, value)) = text.split_once('=') else {
            let detail = format!(
                "The given -var option {text:?} is not correctly specified. Must be a variable name and value separated by an equals sign, like -var=\"key=value\"."
            );
            view.usage("Invalid -var option", &detail);
            return Err(FAILED);
        };
        sources.push(VariableSource::Value { name: name.trim_end().into(), text: value.into() });
    }
    Ok(sources)
}

/// Flags of a state that is a file: ours is none.
pub(super) const STATE_FILES: Refused = Refused {
    names: &["state", "state-out", "backup"],
    why: "it names a file, and the state is kept in a store; every version of it can be had again: `state history` lists them, and `state pull -serial=N` prints one",
};

/// Flags of test files.
pub(super) const TEST_FILES: Refused = Refused { names: &["test-directory"], why: "test files are not read" };

/// The view by the flags.
pub(super) fn view(given: &Given) -> View {
    let view = View::new(given.is_on("json", false), given.is_on("no-color", false));
    View { compact: given.is_on("compact-warnings", false), ..view }
}

/// Whether questions may be asked.
pub(super) fn may_ask(context: &Context, given: &Given, view: &View) -> bool {
    given.is_on("input", true)
        && !matches!(context.variable("TF_INPUT"), Some("0" | "false" | "FALSE" | "False"))
        && !view.json
}

/// Asks a question on the terminal; `None` where nobody answers.
pub(super) fn ask(view: &View, question: &str) -> Option<String> {
    view.text(question);
    let _ = std::io::stdout().flush();
    answer()
}

fn answer() -> Option<String> {
    let mut answer = String::new();
    match std::io::stdin().lock().read_line(&mut answer) {
        Ok(0) | Err(_) => None,
        Ok(_) => Some(answer.trim_end_matches(['\n', '\r']).to_owned()),
    }
}

/// Who is asked for values of variables, if anybody may be.
pub(super) fn asker(context: &Context, given: &Given, view: &View) -> Option<Arc<Ask>> {
    if !may_ask(context, given, view) {
        return None;
    }
    let view = *view;
    Some(Arc::new(move |question: &Question<'_>| {
        let about = question.description.map(|text| format!("\n  {}\n", text.trim().replace('\n', "\n  ")));
        let head = view.paint.strong(&format!("var.{}", question.name));
        view.text(&format!("{head}{}\n  Enter a value: ", about.unwrap_or_default()));
        let _ = std::io::stdout().flush();
        let answer = if question.is_sensitive { unseen(answer) } else { answer() };
        view.text("\n");
        answer
    }))
}

/// Reads with the terminal showing nothing of it.
fn unseen(read: impl FnOnce() -> Option<String>) -> Option<String> {
    let stdin = std::io::stdin();
    let Ok(before) = tcgetattr(stdin.as_fd()) else { return read() };
    if !stdin.is_terminal() {
        return read();
    }
    let mut silent = before.clone();
    silent.local_flags.remove(LocalFlags::ECHO);
    let _ = tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &silent);
    let answer = read();
    let _ = tcsetattr(stdin.as_fd(), SetArg::TCSANOW, &before);
    answer
}
