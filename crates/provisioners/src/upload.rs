//! `file`: a file or a folder to another machine.
//!
//! Bytes go through the input of a `cat` there, one channel for each file: all that the machine needs is a shell. Permissions
//! are not carried over, as Terraform does not: files are 0644 and folders 0755, less what the umask there takes.

use std::fs::Metadata;
use std::io::Cursor;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use engine::ProvisionRequest;
use futures_util::stream::{self, TryStreamExt};
use tokio::fs::File;
use tokio::io::AsyncRead;
use tokio_util::sync::CancellationToken;

use crate::arguments::Arguments;
use crate::fault::Fault;
use crate::quote;
use crate::remote_exec::of_ssh;
use crate::source_tree::SourceTree;
use crate::ssh::{Exit, Input, Run, Session, SshError, connect};
use crate::standard::StandardProvisioners;

/// Channels at a time: they hide the way there and back, and OpenSSH allows ten.
const CHANNELS_MAX: usize = 4;

/// Bytes of one command's arguments: far below what any system takes.
const ARGUMENTS_BYTES_MAX: usize = 16 * 1024;

/// Writes a file from its input.
const STORE: &str = r#"umask go-w; cat > "$1""#;

/// Makes a folder, and prints where: below the destination, if it is there, and a name is given; else it is the destination.
const ROOT: &str = r#"umask go-w; if [ -n "$2" ] && [ -d "$1" ]; then set -- "$1/$2"; fi; mkdir -p -- "$1" && printf %s "$1""#;

/// Makes folders below the first.
const FOLDERS: &str = r#"umask go-w; cd -- "$1" && shift && mkdir -p -- "$@""#;

/// The oracle's words.
pub(crate) const BOTH: &str = "Cannot set both 'source' and 'content'";
/// The oracle's words.
pub(crate) const NEITHER: &str = "Must provide one of 'source' or 'content'";

enum What {
    Content(String),
    File(PathBuf),
    Folder { tree: SourceTree, name: String },
}

/// Uploads it.
pub(crate) async fn run(
    own: &StandardProvisioners,
    request: &ProvisionRequest,
    mut arguments: Arguments<'_>,
    cancelled: &CancellationToken,
) -> Result<(), Fault> {
    let source = arguments.filled("source");
    let content = arguments.text("content");
    let destination = arguments.required("destination");
    if destination.contains('\0') {
        arguments.fault("destination", "holds a zero byte");
    }
    arguments.finish()?;
    let what = match (source, content) {
        (Some(_), Some(_)) => {
            return Err(Fault::new("invalid-provisioner-argument", BOTH));
        }
        (None, None) => {
            return Err(Fault::new("invalid-provisioner-argument", NEITHER));
        }
        (None, Some(content)) => What::Content(content),
        (Some(source), None) => look(own.local_path(request, &source), source).await?,
    };
    let connection = own.connection(request)?;
    let session = connect(&connection, &|_| {}, cancelled).await?;
    let outcome = upload(&session, what, &destination, cancelled).await;
    session.close().await;
    outcome
}

/// What a source is, with everything in it, before anything is dialled.
async fn look(path: PathBuf, given: String) -> Result<What, Fault> {
    let failed = |error| Fault::new("source-not-read", format!("stat {given}: {error}"));
    let kind: Metadata = tokio::fs::metadata(&path).await.map_err(failed)?;
    if kind.is_file() {
        return Ok(What::File(path));
    }
    if !kind.is_dir() {
        return Err(Fault::new("source-not-read", format!("{given} is neither a file nor a folder")));
    }
    let name = match given.ends_with('/') {
        true => String::new(),
        false => path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    };
    let walked = tokio::task::spawn_blocking(move || SourceTree::of(&path));
    let tree = walked.await.map_err(|error| Fault::new("source-not-read", format!("{given}: {error}")))??;
    Ok(What::Folder { tree, name })
}

async fn upload(
    session: &Session,
    what: What,
    destination: &str,
    cancelled: &CancellationToken,
) -> Result<(), Fault> {
    let uploaded = match what {
        What::Folder { tree, name } => folder(session, &tree, destination, &name, cancelled).await,
        What::Content(content) => match file_destination(destination) {
            Ok(there) => store(session, Box::new(Cursor::new(content.into_bytes())), &there, cancelled).await,
            Err(error) => Err(error),
        },
        What::File(path) => match file_destination(destination) {
            Ok(there) => send(session, &path, &there, cancelled).await,
            Err(error) => Err(error),
        },
    };
    let failed = |cause: String| {
        Fault::new("upload-failed", format!("Upload failed: {cause}")).hint(
            "the folder that it goes into has to be there, and be open to whoever logs in; a `remote-exec` before can make it",
        )
    };
    uploaded.map_err(|error| match error {
        UploadError::Ssh(error) => of_ssh(error, failed),
        other => failed(other.to_string()),
    })
}

/// Why something was not uploaded.
#[derive(Debug, thiserror::Error)]
enum UploadError {
    #[error(transparent)]
    Ssh(#[from] SshError),
    /// The machine's own words.
    #[error("{there}: {cause}")]
    There { there: String, cause: String },
    /// A file here.
    #[error("{here}: {cause}")]
    Here { here: String, cause: std::io::Error },
    #[error("the destination names no file")]
    NoName,
}

/// Where a file goes: with a `/` at its end, Terraform takes the destination's last name as the file's, inside that folder.
fn file_destination(destination: &str) -> Result<String, UploadError> {
    let folder = destination.trim_end_matches('/');
    if folder.len() == destination.len() {
        return Ok(destination.to_owned());
    }
    match folder.rsplit('/').next().filter(|name| !name.is_empty()) {
        Some(name) => Ok(format!("{folder}/{name}")),
        None => Err(UploadError::NoName),
    }
}

async fn folder(
    session: &Session,
    tree: &SourceTree,
    destination: &str,
    name: &str,
    cancelled: &CancellationToken,
) -> Result<(), UploadError> {
    let made = [quote::path(destination), quote::word(name)];
    let root = quiet(session, quote::shell(ROOT, &made), destination, cancelled).await?;
    let mut batch = vec![quote::word(&root)];
    let mut bytes = 0;
    for folder in &tree.folders {
        let word = quote::word(folder);
        bytes += word.len();
        batch.push(word);
        if bytes > ARGUMENTS_BYTES_MAX {
            quiet(session, quote::shell(FOLDERS, &batch), destination, cancelled).await?;
            batch.truncate(1);
            bytes = 0;
        }
    }
    if batch.len() > 1 {
        quiet(session, quote::shell(FOLDERS, &batch), destination, cancelled).await?;
    }
    // A machine may allow fewer channels than we would like: what it refused goes one by one.
    let refused = Mutex::new(Vec::new());
    stream::iter(tree.files.iter().map(Ok::<_, UploadError>))
        .try_for_each_concurrent(CHANNELS_MAX, |file| {
            let (root, refused) = (&root, &refused);
            async move {
                match send(session, &file.0, &format!("{root}/{}", file.1), cancelled).await {
                    Err(UploadError::Ssh(SshError::Protocol(russh::Error::ChannelOpenFailure(_)))) => {
                        refused.lock().unwrap_or_else(PoisonError::into_inner).push(file);
                        Ok(())
                    }
                    other => other,
                }
            }
        })
        .await?;
    for (here, there) in refused.into_inner().unwrap_or_else(PoisonError::into_inner) {
        send(session, here, &format!("{root}/{there}"), cancelled).await?;
    }
    Ok(())
}

/// Sends one file, as it is while it is read.
async fn send(
    session: &Session,
    here: &Path,
    there: &str,
    cancelled: &CancellationToken,
) -> Result<(), UploadError> {
    let file = File::open(here)
        .await
        .map_err(|cause| UploadError::Here { here: here.display().to_string(), cause })?;
    store(session, Box::new(file), there, cancelled).await
}

async fn store(
    session: &Session,
    bytes: Box<dyn AsyncRead + Send + Unpin>,
    there: &str,
    cancelled: &CancellationToken,
) -> Result<(), UploadError> {
    let command = quote::shell(STORE, &[quote::path(there)]);
    let exit = session.run(Run { command, input: Input::Bytes(bytes) }, &mut |_| {}, cancelled).await?;
    succeeded(&exit, there)
}

/// Runs a command that reads nothing, and answers what it prints.
async fn quiet(
    session: &Session,
    command: String,
    there: &str,
    cancelled: &CancellationToken,
) -> Result<String, UploadError> {
    let mut printed = Vec::new();
    let input = Input::Bytes(Box::new(tokio::io::empty()));
    let exit =
        session.run(Run { command, input }, &mut |bytes| printed.extend_from_slice(bytes), cancelled).await?;
    succeeded(&exit, there)?;
    String::from_utf8(printed).map_err(|_| UploadError::There {
        there: there.to_owned(),
        cause: "its path is not UTF-8".to_owned(),
    })
}

fn succeeded(exit: &Exit, there: &str) -> Result<(), UploadError> {
    match exit.success() {
        true => Ok(()),
        false => Err(UploadError::There { there: there.to_owned(), cause: exit.describe() }),
    }
}
