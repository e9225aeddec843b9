//! `force-unlock`.

use super::shared::ask;
use super::{Context, DONE, FAILED};
use crate::arguments::{Flags, Usage};
use crate::view::View;

const USAGE: Usage = Usage {
    verb: "force-unlock",
    arguments: "LOCK_ID",
    least: 1,
    most: 1,
    about: "Take the state's lock from a run that holds it. A lock whose holder is gone ends by itself.",
    flags: Flags { switches: &["force", "no-color"], values: &[], refused: &[] },
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
    let stack = folder.load().map_err(told)?;
    let state = folder.state(stack.tree.root()).await.map_err(told)?;
    let name = given.rest.first().map_or("", String::as_str);
    if !given.is_on("force", false) {
        let question = "Do you really want to force-unlock?\n  Terraform will remove the lock on the state.\n  This will allow local commands to modify this state, even though it\n  may still be in use. Only 'yes' will be accepted to confirm.\n\n  Enter a value: ";
        match ask(&view, question) {
            Some(answer) if answer == "yes" => {}
            Some(_) => {
                view.text("force-unlock cancelled.\n");
                return Err(FAILED);
            }
            None => return Err(view.usage("Error asking for confirmation", "Nobody answered: use -force.")),
        }
    }
    state.unlock(name).await.map_err(told)?;
    view.done("Terraform state has been successfully unlocked!");
    view.text("\nThe state has been unlocked, and Terraform commands should now be able to\nobtain a new lock on the remote state.\n");
    Ok(DONE)
}
