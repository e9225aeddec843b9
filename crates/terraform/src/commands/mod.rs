//! The verbs. Each is a file with its flags and its function.

mod apply;
mod console;
mod fmt;
mod functions;
mod graph;
mod import;
mod init;
mod installing;
mod output;
mod plan;
mod providers;
mod providers_lock;
mod providers_mirror;
mod shared;
mod show;
mod state;
mod state_edit;
mod state_transfer;
mod taint;
mod unlock;
mod validate;
mod version;
mod workspace;

use std::path::PathBuf;

use operations::Wiring;
use operations::stack::StackFolder;

use crate::arguments::{FlagFault, Given, Usage, words};
use crate::help::{PROGRAM, help};
use crate::view::{View, say};

/// Done.
pub(crate) const DONE: u8 = 0;
/// Not done.
pub(crate) const FAILED: u8 = 1;

const HELP: &str = "\
Usage: mainstay terraform [global options] <subcommand> [args]

Terraform's command line, answered by Mainstay.

Main commands:
  init          Prepare your working directory for other commands
  validate      Check whether the configuration is valid
  plan          Show changes required by the current configuration
  apply         Create or update infrastructure
  destroy       Destroy previously-created infrastructure

All other commands:
  console       Try expressions at an interactive command prompt
  fmt           Reformat your configuration in the standard style
  force-unlock  Release a stuck lock on the current workspace
  get           Install or upgrade remote modules
  graph         Generate a graph of the steps in an operation
  import        Associate existing infrastructure with a resource
  metadata      Metadata related commands
  modules       Show all declared modules in a working directory
  output        Show output values from your root module
  providers     Show the providers required for this configuration
  refresh       Update the state to match remote systems
  show          Show the current state or a saved plan
  state         Advanced state management
  taint         Mark a resource instance as not fully functional
  untaint       Remove the 'tainted' state from a resource instance
  version       Show the version
  workspace     Workspace management

Global options (use these before the subcommand, if any):
  -chdir=DIR    Switch to a different working directory before executing the
                given subcommand.
  -help         Show this help output, or the help for a specified subcommand.
  -version      An alias for the \"version\" subcommand.
";

/// What a verb is run with.
pub(crate) struct Context {
    pub folder: PathBuf,
    pub wiring: Wiring,
}

impl Context {
    /// The stack's folder.
    pub fn stack(&self) -> Result<StackFolder, operations::Fault> {
        StackFolder::new(&self.folder, self.wiring.clone())
    }

    fn variable(&self, name: &str) -> Option<&str> {
        self.wiring.variables.get(name).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// Runs a verb.
pub(crate) async fn run(arguments: &[String], folder: PathBuf, wiring: Wiring) -> u8 {
    let context = Context { folder, wiring };
    let Some((verb, rest)) = arguments.split_first() else {
        say(HELP);
        return 127;
    };
    match verb.as_str() {
        "init" => init::init(&context, rest).await,
        "get" => init::get(&context, rest).await,
        "modules" => init::modules(&context, rest).await,
        "validate" => validate::run(&context, rest).await,
        "plan" => plan::run(&context, rest).await,
        "apply" => apply::run(&context, rest, apply::Verb::Apply).await,
        "destroy" => apply::run(&context, rest, apply::Verb::Destroy).await,
        "refresh" => apply::run(&context, rest, apply::Verb::Refresh).await,
        "show" => show::run(&context, rest).await,
        "output" => output::run(&context, rest).await,
        "state" => state::run(&context, rest).await,
        "workspace" | "env" => workspace::run(&context, rest).await,
        "taint" => taint::run(&context, rest, taint::Verb::Taint).await,
        "untaint" => taint::run(&context, rest, taint::Verb::Untaint).await,
        "import" => import::run(&context, rest).await,
        "console" => console::run(&context, rest).await,
        "graph" => graph::run(&context, rest).await,
        "fmt" => fmt::run(&context, rest),
        "force-unlock" => unlock::run(&context, rest).await,
        "providers" => providers::run(&context, rest).await,
        "metadata" => functions::run(&context, rest),
        "version" | "-version" | "--version" | "-v" => version::run(&context, rest),
        "login" | "logout" | "test" => {
            eprintln!("Error: {PROGRAM} has no `{verb}`: this program does not do that yet.");
            FAILED
        }
        "-help" | "--help" | "-h" | "help" => {
            say(HELP);
            DONE
        }
        other => {
            const VERBS: [&str; 22] = [
                "init",
                "get",
                "modules",
                "validate",
                "plan",
                "apply",
                "destroy",
                "refresh",
                "show",
                "output",
                "state",
                "workspace",
                "taint",
                "untaint",
                "import",
                "console",
                "graph",
                "fmt",
                "force-unlock",
                "providers",
                "metadata",
                "version",
            ];
            eprint!("Terraform has no command named \"{other}\".");
            match diag::closest(other, VERBS) {
                Some(meant) => eprintln!(" Did you mean \"{meant}\"?"),
                None => eprintln!(),
            }
            eprintln!("\nTo see all of Terraform's top-level commands, run:\n  mainstay terraform -help\n");
            FAILED
        }
    }
}

/// The help of a verb that has verbs under it; answers the exit code. `given`: what was asked for and is none of these.
pub(crate) fn subcommands(verb: &str, help: &str, given: Option<(&String, &[String])>) -> u8 {
    let text = format!("Usage: {PROGRAM} [global options] {verb} <subcommand> [options] [args]\n\n{help}");
    match given.map(|(first, _)| first.as_str()) {
        Some("-help" | "--help" | "-h") => {
            say(&text);
            DONE
        }
        _ => {
            eprint!("{text}");
            FAILED
        }
    }
}

/// A verb's arguments with those that the environment adds: `TF_CLI_ARGS`, `TF_CLI_ARGS_plan`. Or the exit code.
pub(crate) fn read(context: &Context, usage: &Usage, arguments: &[String]) -> Result<Given, u8> {
    let mut all = Vec::new();
    for name in ["TF_CLI_ARGS".to_owned(), format!("TF_CLI_ARGS_{}", usage.verb.replace([' ', '-'], "_"))] {
        all.extend(context.variable(&name).map(words).unwrap_or_default());
    }
    all.extend_from_slice(arguments);
    let wrong = |summary: &str, detail: &str| {
        let is_json = all.iter().any(|it| it == "-json" || it == "--json");
        View::new(is_json && usage.flags.switches.contains(&"json"), false).usage(summary, detail);
        eprintln!("\nFor more help on using this command, run:\n  {PROGRAM} {} -help", usage.verb);
        Err(FAILED)
    };
    let given = match usage.flags.read(&all) {
        Ok(given) if given.wants_help => {
            say(&help(usage));
            return Err(DONE);
        }
        Ok(given) => given,
        Err(fault @ FlagFault::Refused { .. }) => return wrong("Option not supported", &fault.to_string()),
        Err(fault) => return wrong("Failed to parse command-line flags", &fault.to_string()),
    };
    let count = given.rest.len();
    if count > usage.most {
        return wrong("Too many command line arguments", &expected(usage));
    }
    if count < usage.least {
        return wrong("Too few command line arguments", &expected(usage));
    }
    Ok(given)
}

fn expected(usage: &Usage) -> String {
    match (usage.least, usage.most) {
        (_, 0) => "Expected no arguments beside options. To specify a working directory, use the global -chdir flag.".into(),
        (least, most) if least == most => format!("Expected {least}: {}.", usage.arguments),
        (0, 1) => format!("Expected at most one: {}.", usage.arguments),
        _ => format!("Expected {}.", usage.arguments),
    }
}
