//! What flags mean, in a line each: a flag means the same with every verb that has it. Which verb has which is not known here.

use crate::arguments::Usage;

/// How the program is called.
pub const PROGRAM: &str = "mainstay terraform";

/// Flags with what they take and what they do.
const FLAGS: [(&str, &str, &str); 46] = [
    ("allow-missing", "", "Succeed where there is no such object."),
    ("auto-approve", "", "Do not ask before anything is done."),
    ("backend-config", "=NAME=VALUE", "A setting of the backend, or a file of them; may be repeated."),
    ("backend", "=false", "Leave the state alone: install modules only."),
    ("check", "", "Change nothing; exit with 3 where something would change."),
    ("compact-warnings", "", "Show warnings in a line each, where there are no errors."),
    ("config", "=DIR", "The folder with the configuration, in place of this one."),
    ("destroy", "", "Plan to remove everything."),
    ("detailed-exitcode", "", "Exit with 2 where there are changes, with 0 where there are none."),
    ("diff", "", "Show what would change."),
    ("draw-cycles", "", "Mark what goes round in a circle."),
    ("dry-run", "", "Show what would be done, and do nothing."),
    ("force", "", "Do not ask, and do it whatever speaks against it."),
    ("force-copy", "", "Answer every question about moving the state with yes."),
    ("generate-config-out", "=FILE", "Write configuration for imported objects that have none."),
    ("get", "=false", "Install no modules."),
    ("id", "=ID", "Only objects that are known by this."),
    ("ignore-remote-version", "", "Do not look at the version of a remote Terraform."),
    ("input", "=false", "Ask nothing."),
    ("json", "", "Answer as data."),
    ("list", "=false", "Do not name the files that change."),
    ("lock", "=false", "Take no lock. One that another run holds is heeded all the same."),
    ("lock-timeout", "=TIME", "Wait so long for another run to give the lock back: 30s, 5m."),
    ("lockfile", "=readonly", "Change nothing in the lock file of modules."),
    ("migrate-state", "", "Move the state to where the configuration now says."),
    ("no-color", "", "No colours."),
    ("no-tests", "", "Leave out test files."),
    ("or-create", "", "Make it where it is missing."),
    ("out", "=FILE", "Keep the plan in a file, to apply exactly that."),
    ("parallelism", "=N", "How many providers work at the same time (10)."),
    ("plan", "=FILE", "Of a plan that was saved."),
    ("raw", "", "The bare text of one value."),
    ("reconfigure", "", "Forget where the state was before."),
    ("recursive", "", "Folders below as well."),
    ("refresh", "=false", "Believe the state, and read nothing anew."),
    ("refresh-only", "", "Only bring the state up to what is there."),
    ("replace", "=ADDRESS", "Replace this instance; may be given several times."),
    ("serial", "=N", "An earlier version, by its serial."),
    ("state", "=FILE", "A state in a file, in place of the one that is kept."),
    ("target", "=ADDRESS", "Only this and what it needs; may be given several times."),
    ("type", "=TYPE", "Which graph: plan, plan-refresh-only, plan-destroy or apply."),
    ("update", "", "Look for newer versions."),
    ("upgrade", "", "Look for newer versions."),
    ("var", " NAME=VALUE", "The value of a variable; may be given several times."),
    ("var-file", "=FILE", "Values of variables; may be given several times."),
    ("write", "=false", "Write no file."),
];

/// The help of a verb.
#[must_use]
pub fn help(usage: &Usage) -> String {
    let Usage { verb, arguments, about, flags, .. } = usage;
    let options =
        if arguments.is_empty() { "[options]".to_owned() } else { format!("[options] {arguments}") };
    let mut text = format!("Usage: {PROGRAM} [global options] {verb} {options}\n\n  {about}\n");
    let mut names: Vec<&str> = flags.switches.iter().chain(flags.values).copied().collect();
    names.sort_unstable();
    let described = names.iter().filter_map(|name| FLAGS.iter().find(|(known, ..)| known == name));
    let rows: Vec<(String, &str)> = described
        .filter(|(.., text)| !text.is_empty())
        .map(|(name, takes, text)| (format!("-{name}{takes}"), *text))
        .collect();
    if !rows.is_empty() {
        text.push_str("\nOptions:\n\n");
    }
    let width = rows.iter().map(|(flag, _)| flag.len()).max().unwrap_or(0);
    for (flag, what) in rows {
        text.push_str(&format!("  {flag:width$}  {what}\n"));
    }
    text
}
