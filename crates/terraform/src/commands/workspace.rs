//! `workspace`: `list`, `show`, `new`, `select`, `delete`.

use engine::EnvironmentName;
use operations::stack::{StackFolder, is_workspace_name};

use super::shared::locking;
use super::{Context, DONE};
use crate::arguments::{Flags, Given, Usage};
use crate::view::{View, say};

const LIST: Usage = Usage {
    verb: "workspace list",
    arguments: "",
    least: 0,
    most: 0,
    about: "List the workspaces.",
    flags: Flags { switches: &["no-color"], values: &[], refused: &[] },
};
const SHOW: Usage = Usage {
    verb: "workspace show",
    most: usize::MAX,
    about: "Show which workspace is chosen.",
    flags: Flags { switches: &[], values: &[], refused: &[] },
    ..LIST
};
const NEW: Usage = Usage {
    verb: "workspace new",
    arguments: "NAME",
    least: 1,
    most: 1,
    about: "Make a workspace and choose it.",
    flags: Flags { switches: &["lock", "no-color"], values: &["lock-timeout", "state"], refused: &[] },
};
const SELECT: Usage = Usage {
    verb: "workspace select",
    about: "Choose another workspace.",
    flags: Flags { switches: &["or-create", "no-color"], values: &[], refused: &[] },
    ..NEW
};
const DELETE: Usage = Usage {
    verb: "workspace delete",
    about: "Remove a workspace.",
    flags: Flags { switches: &["force", "lock", "no-color"], values: &["lock-timeout"], refused: &[] },
    ..NEW
};

/// What stands under `workspace`.
const HELP: &str = "  Several states of one configuration, each under a name.

Subcommands:
    delete    Remove a workspace
    list      List the workspaces
    new       Make a workspace
    select    Choose a workspace
    show      Show which workspace is chosen
";

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    let Some((verb, rest)) = arguments.split_first() else {
        return super::subcommands("workspace", HELP, None);
    };
    let done = match verb.as_str() {
        "list" => list(context, rest).await,
        "show" => show(context, rest),
        "new" => new(context, rest).await,
        "select" => select(context, rest).await,
        "delete" => delete(context, rest).await,
        _ => return super::subcommands("workspace", HELP, Some((verb, rest))),
    };
    match done {
        Ok(code) | Err(code) => code,
    }
}

/// A verb with the name that it was given.
struct Opened {
    given: Given,
    view: View,
    folder: StackFolder,
    name: EnvironmentName,
    /// Whether the environment chooses the workspace, whatever was selected.
    is_overridden: bool,
}

fn open(context: &Context, usage: &Usage, arguments: &[String]) -> Result<Opened, u8> {
    let given = super::read(context, usage, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let name = given.rest.first().cloned().unwrap_or_default();
    if usage.least > 0 && !is_workspace_name(&name) {
        let text = format!(
            "The workspace name {name:?} is not allowed. The name must contain only URL safe characters, and no path separators."
        );
        return Err(view.usage(&text, ""));
    }
    let folder = context.stack().map_err(|fault| view.fault(&fault))?;
    let is_overridden = context.variable("TF_WORKSPACE").is_some();
    Ok(Opened { given, view, folder, name: EnvironmentName::new(name), is_overridden })
}

async fn list(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let Opened { view, folder, is_overridden, .. } = open(context, &LIST, arguments)?;
    let chosen = folder.workspace();
    let all = folder.workspaces().await.map_err(|fault| view.fault(&fault))?;
    let row = |name: &EnvironmentName| format!("{} {name}\n", if *name == chosen { '*' } else { ' ' });
    say(&format!("{}\n", all.iter().map(row).collect::<String>()));
    if is_overridden {
        say("\n\nThe active workspace is being overridden using the TF_WORKSPACE environment\nvariable.\n\n");
    }
    Ok(DONE)
}

fn show(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let Opened { folder, .. } = open(context, &SHOW, arguments)?;
    say(&format!("{}\n", folder.workspace()));
    Ok(DONE)
}

async fn new(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let opened = open(context, &NEW, arguments)?;
    let Opened { given, view, folder, name, .. } = &opened;
    locking(given, view)?;
    // The name in the environment may be made, since it is chosen already.
    if opened.is_overridden && folder.workspace() != *name {
        return Err(view.usage(
            "The workspace is currently overridden using the TF_WORKSPACE environment variable.",
            "You cannot create a new workspace when using this setting. To create a new workspace, either unset this environment variable or update it to match the workspace name you are trying to create, and then run this command again.",
        ));
    }
    let told = |fault| view.fault(&fault);
    if folder.workspaces().await.map_err(told)?.contains(name) {
        return Err(view.usage(&format!("Workspace \"{name}\" already exists"), ""));
    }
    let from = given.value("state").map(|file| folder.root.join(file));
    make(&opened, from.as_deref()).await
}

async fn make(opened: &Opened, from: Option<&std::path::Path>) -> Result<u8, u8> {
    let Opened { view, folder, name, .. } = opened;
    let told = |fault| view.fault(&fault);
    folder.create_workspace(name, from).await.map_err(told)?;
    folder.choose_workspace(name).map_err(told)?;
    let head = view.paint.good(&format!("Created and switched to workspace \"{name}\"!"));
    view.text(&format!("{}\n", view.paint.strong(&head)));
    if from.is_none() {
        view.text("\nYou're now on a new, empty workspace. Workspaces isolate their state,\nso if you run \"terraform plan\" Terraform will not see any existing state\nfor this configuration.\n");
    }
    Ok(DONE)
}

async fn select(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let opened = open(context, &SELECT, arguments)?;
    let Opened { given, view, folder, name, .. } = &opened;
    let told = |fault| view.fault(&fault);
    if opened.is_overridden {
        return Err(view.usage(
            "The selected workspace is currently overridden using the TF_WORKSPACE environment variable.",
            "To select a new workspace, either update this environment variable or unset it and then run this command again.",
        ));
    }
    if folder.workspace() == *name {
        return Ok(DONE);
    }
    if !folder.workspaces().await.map_err(told)?.contains(name) {
        if given.is_on("or-create", false) {
            return make(&opened, None).await;
        }
        return Err(missing(view, name));
    }
    folder.choose_workspace(name).map_err(told)?;
    view.text(&format!("{}\n", view.paint.good(&format!("Switched to workspace \"{name}\"."))));
    Ok(DONE)
}

async fn delete(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let Opened { given, view, folder, name, .. } = open(context, &DELETE, arguments)?;
    let told = |fault| view.fault(&fault);
    let force = given.is_on("force", false);
    let locking = locking(&given, &view)?;
    if !folder.workspaces().await.map_err(told)?.contains(&name) {
        return Err(missing(&view, &name));
    }
    if folder.workspace() == name {
        return Err(view.usage(
            &format!("Workspace \"{name}\" is your active workspace."),
            "You cannot delete the currently active workspace. Please switch to another workspace and try again.",
        ));
    }
    if name.as_str() == "default" {
        return Err(view.usage("can't delete default state", "The workspace \"default\" is always there."));
    }
    folder.delete_workspace(&name, force, locking).await.map_err(told)?;
    view.text(&format!("{}\n", view.paint.good(&format!("Deleted workspace \"{name}\"!"))));
    Ok(DONE)
}

fn missing(view: &View, name: &EnvironmentName) -> u8 {
    view.usage(
        &format!("Workspace \"{name}\" doesn't exist."),
        "You can create this workspace with the \"new\" subcommand or include the \"-or-create\" flag with the \"select\" subcommand.",
    )
}
