//! The command line's reference, made of what the program says of itself.

use clap::CommandFactory;

use crate::arguments::Arguments;

/// Every command with its help, as Markdown.
#[must_use]
pub fn reference() -> String {
    let mut root = Arguments::command().term_width(100);
    root.build();
    let mut text =
        String::from("# The command line\n\nMade from the program's own help; a test keeps it true.\n");
    describe(&mut root, "", &mut text);
    text
}

fn describe(command: &mut clap::Command, parent: &str, text: &mut String) {
    let name = format!("{parent}{}", command.get_name());
    let level = if parent.is_empty() { "##" } else { "###" };
    let help = command.render_long_help().to_string();
    let lines: Vec<&str> = help.lines().map(str::trim_end).collect();
    text.push_str(&format!("\n{level} `{name}`\n\n```text\n{}\n```\n", lines.join("\n").trim_end()));
    let inner: Vec<clap::Command> =
        command.get_subcommands().filter(|c| c.get_name() != "help" && !c.is_hide_set()).cloned().collect();
    for mut inner in inner {
        describe(&mut inner, &format!("{name} "), text);
    }
}
