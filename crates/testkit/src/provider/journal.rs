//! The journal: a line for each call, in the cloud's folder, so that tests see which calls came in which order and in how many
//! processes.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

/// A call, or a process that began (`start`) or was asked to end (`Shutdown`).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The process.
    pub pid: u32,
    /// The call, by its name in version 6.
    pub call: String,
    /// The kind that it is about; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kind: String,
    /// The object's `name`, or its `id` where there is no name; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub about: String,
}

/// Where the journal is.
fn path(cloud: &Path) -> PathBuf {
    cloud.join("calls.jsonl")
}

/// Every call so far; none where nothing was called yet.
///
/// # Errors
/// If the journal cannot be read.
pub fn read(cloud: &Path) -> io::Result<Vec<Entry>> {
    let text = match std::fs::read_to_string(path(cloud)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    text.lines().map(|line| serde_json::from_str(line).map_err(io::Error::from)).collect()
}

/// Adds a line; one write, so that those of several processes do not mix.
pub(super) fn add(cloud: &Path, call: &str, kind: &str, about: &str) -> io::Result<()> {
    let entry = Entry { pid: std::process::id(), call: call.into(), kind: kind.into(), about: about.into() };
    let mut line = serde_json::to_vec(&entry)?;
    line.push(b'\n');
    OpenOptions::new().create(true).append(true).open(path(cloud))?.write_all(&line)
}
