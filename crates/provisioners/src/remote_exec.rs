//! `remote-exec`: scripts on another machine.
//!
//! A script is uploaded to a file that only who logged in can read, run at a terminal, and removed again whatever came of it.

use std::io::Cursor;
use std::time::Duration;

use engine::ProvisionRequest;
use tokio::fs::File;
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::connection::Connection;
use crate::fault::Fault;
use crate::lines::Lines;
use crate::quote;
use crate::ssh::{Input, Run, Session, SshError, connect};
use crate::standard::{Output, StandardProvisioners};

/// How long the removal of a script may take before the file is left where it is.
const REMOVAL: Duration = Duration::from_secs(10);

/// Takes a script from its input. What was at the path goes first and nothing is written through a link that somebody else has
/// put there: the folder is often one that everybody writes to.
const STORE: &str = r#"umask 077; rm -f -- "$1"; set -C; cat > "$1" && chmod 700 -- "$1""#;

/// The oracle's words.
pub(crate) const ONE_OF: &str = "Only one of \"inline\", \"script\", or \"scripts\" must be set";

type Script = Box<dyn AsyncRead + Send + Unpin>;

/// Runs them to their end, one after the other, until one fails.
pub(crate) async fn run(
    own: &StandardProvisioners,
    request: &ProvisionRequest,
    arguments: Arguments<'_>,
    output: Output<'_>,
    cancelled: &CancellationToken,
) -> Result<(), Fault> {
    let scripts = scripts(own, request, arguments).await?;
    let connection = own.connection(request)?;
    let session = connect(&connection, output, cancelled).await?;
    let mut outcome = Ok(());
    for script in scripts {
        outcome = run_one(&session, &connection, script, output, cancelled).await;
        if outcome.is_err() {
            break;
        }
    }
    session.close().await;
    outcome
}

/// Opens every script before anything is dialled: a path that is wrong is told at once.
async fn scripts(
    own: &StandardProvisioners,
    request: &ProvisionRequest,
    mut arguments: Arguments<'_>,
) -> Result<Vec<Script>, Fault> {
    let inline = arguments.texts("inline");
    let script = arguments.text("script");
    let several = arguments.texts("scripts");
    let given = [inline.is_some(), script.is_some(), several.is_some()].into_iter().filter(|g| *g).count();
    arguments.finish()?;
    let invalid = |cause: &str| Err(Fault::new("invalid-provisioner-argument", cause));
    if given != 1 {
        return invalid(ONE_OF);
    }
    if let Some(lines) = inline {
        if lines.iter().any(String::is_empty) {
            return invalid("invalid empty string in 'inline'");
        }
        let text = format!("#!/bin/sh\n{}\n", lines.join("\n"));
        return Ok(vec![Box::new(Cursor::new(text.into_bytes()))]);
    }
    let paths = script.map_or_else(|| several.unwrap_or_default(), |one| vec![one]);
    if paths.iter().any(String::is_empty) {
        return invalid("invalid empty string in 'scripts'");
    }
    let mut opened: Vec<Script> = Vec::new();
    for path in paths {
        opened.push(Box::new(open(own, request, &path).await?));
    }
    Ok(opened)
}

async fn open(own: &StandardProvisioners, request: &ProvisionRequest, path: &str) -> Result<File, Fault> {
    let opened = async {
        let file = File::open(own.local_path(request, path)).await?;
        match file.metadata().await?.is_dir() {
            true => Err(std::io::ErrorKind::IsADirectory.into()),
            false => Ok(file),
        }
    };
    let failed = |error: std::io::Error| {
        Fault::new("script-not-read", format!("Failed to open script '{path}': {error}"))
    };
    opened.await.map_err(failed)
}

async fn run_one(
    session: &Session,
    connection: &Connection,
    script: Script,
    output: Output<'_>,
    cancelled: &CancellationToken,
) -> Result<(), Fault> {
    let path = script_path(&connection.script_path)?;
    let outcome = upload_and_run(session, &path, script, output, cancelled).await;
    // An interrupted script is removed as well, and by then nobody interrupts any more.
    let (mut unseen, uninterrupted) = (|_: &[u8]| {}, CancellationToken::new());
    let removal = session.run(
        Run {
            command: quote::shell(r#"rm -f -- "$1""#, &[quote::path(&path)]),
            input: Input::Bytes(Box::new(tokio::io::empty())),
        },
        &mut unseen,
        &uninterrupted,
    );
    let removed = matches!(tokio::time::timeout(REMOVAL, removal).await, Ok(Ok(exit)) if exit.success());
    if !removed {
        output(&format!("The script {path} could not be removed, and is still there"));
    }
    outcome
}

async fn upload_and_run(
    session: &Session,
    path: &str,
    script: Script,
    output: Output<'_>,
    cancelled: &CancellationToken,
) -> Result<(), Fault> {
    let store = Run { command: quote::shell(STORE, &[quote::path(path)]), input: Input::Bytes(script) };
    let not_uploaded = |cause: String| {
        Fault::new("script-not-uploaded", format!("Failed to upload script: {cause}"))
            .hint("`script_path` in the connection says where scripts go")
    };
    let stored =
        session.run(store, &mut |_| {}, cancelled).await.map_err(|error| of_ssh(error, not_uploaded))?;
    if !stored.success() {
        return Err(not_uploaded(stored.describe()));
    }
    let mut lines = Lines::default();
    let exec = Run { command: quote::path(path), input: Input::Terminal };
    let ran = session.run(exec, &mut |bytes| lines.push(bytes, &|line| output(line)), cancelled).await;
    lines.finish(&|line| output(line));
    let failed =
        |cause: String| Fault::new("remote-exec-failed", format!("error executing {path:?}: {cause}"));
    let exit = ran.map_err(|error| of_ssh(error, failed))?;
    if exit.success() { Ok(()) } else { Err(failed(exit.describe())) }
}

/// What went wrong over SSH as a fault; being interrupted is one of its own.
pub(crate) fn of_ssh(error: SshError, fault: impl FnOnce(String) -> Fault) -> Fault {
    match error {
        SshError::Interrupted => Fault::interrupted(),
        other => fault(diag::with_causes(&other)),
    }
}

/// The path with a random number: another for each script.
fn script_path(template: &str) -> Result<String, Fault> {
    let random = getrandom::u32()
        .map_err(|error| Fault::new("no-randomness", format!("the system has no random numbers: {error}")))?;
    Ok(template.replace("%RAND%", &random.to_string()))
}
