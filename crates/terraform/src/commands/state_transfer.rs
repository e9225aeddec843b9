//! What of `state` moves whole states: `pull` and `push`.

use std::io::{Read, Write};

use super::shared::{STATE_FILES, locking};
use super::state::open;
use super::{Context, DONE};
use crate::arguments::{Flags, Usage};
use crate::view::View;

const PULL: Usage = Usage {
    verb: "state pull",
    arguments: "",
    least: 0,
    most: 0,
    about: "Print the state as a document of Terraform's format, version 4. What is sensitive stands in it in clear.",
    flags: Flags { switches: &["no-color"], values: &["serial"], refused: &[] },
};
const PUSH: Usage = Usage {
    verb: "state push",
    arguments: "PATH",
    least: 1,
    most: 1,
    about: "Make a document of Terraform's format the state; `-` reads it from the input.",
    flags: Flags {
        switches: &["force", "lock", "ignore-remote-version", "no-color"],
        values: &["lock-timeout"],
        refused: &[STATE_FILES],
    },
};

pub(super) async fn pull(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &PULL, arguments)?;
    let view = View::new(false, true);
    let serial = match given.value("serial").map(str::parse::<u64>) {
        None => None,
        Some(Ok(serial)) => Some(serial),
        Some(Err(_)) => {
            return Err(view.usage(
                "Invalid serial",
                "The -serial option is the number of a version, as `state history` lists them.",
            ));
        }
    };
    let told = |fault| view.fault(&fault);
    let (_, state) = open(context).await.map_err(told)?;
    let (document, left_out) = state.document(serial).await.map_err(told)?;
    if let Some(note) = left_out {
        view.diagnostics(&note.into(), &diag::Sources::default());
    }
    if !document.is_empty() {
        let mut out = std::io::stdout().lock();
        let _ = out.write_all(&document).and_then(|()| out.write_all(b"\n"));
    }
    Ok(DONE)
}

pub(super) async fn push(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &PUSH, arguments)?;
    let view = View::new(false, given.is_on("no-color", false));
    let folder = context.stack().map_err(|fault| view.fault(&fault))?;
    let name = given.rest.first().map_or("", String::as_str);
    let mut document = Vec::new();
    let read = if name == "-" {
        std::io::stdin().lock().read_to_end(&mut document).map(|_| ())
    } else {
        std::fs::read(folder.root.join(name)).map(|bytes| document = bytes)
    };
    read.map_err(|error| view.usage(&format!("{name} could not be read"), &error.to_string()))?;
    let locking = locking(&given, &view)?;
    let pushed = folder.push(&document, name, given.is_on("force", false), locking).await;
    pushed.map_err(|fault| view.fault(&fault))?;
    Ok(DONE)
}
