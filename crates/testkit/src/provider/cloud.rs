//! What the provider makes things in: a JSON file that all its processes share, one at a time. A process that is killed after it
//! wrote leaves its object behind, as in any other cloud.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use value::{Encoded, Value};

/// What there is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cloud {
    /// How many objects were ever made; their ids go by it.
    pub serial: u64,
    /// Objects by id.
    pub objects: BTreeMap<String, Object>,
    /// Leases that are open.
    pub leases: BTreeSet<String>,
}

/// An object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its kind.
    pub kind: String,
    /// By the kind's schema.
    pub value: Encoded,
}

impl Object {
    pub(super) fn new(kind: &str, value: &Value) -> Self {
        Self { kind: kind.into(), value: value::encode(value) }
    }

    /// What it is.
    ///
    /// # Errors
    /// If somebody wrote something else into the file.
    pub fn value(&self) -> io::Result<Value> {
        value::decode(&self.value).map_err(io::Error::other)
    }
}

fn path(folder: &Path) -> PathBuf {
    folder.join("cloud.json")
}

impl Cloud {
    /// What there is in a folder.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn read(folder: &Path) -> io::Result<Self> {
        match fs::read(path(folder)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes)?),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self::default()),
            Err(error) => Err(error),
        }
    }

    /// Changes what there is, alone. What was begun and failed leaves it as it was.
    ///
    /// # Errors
    /// If the files cannot be had.
    pub fn change<T>(folder: &Path, change: impl FnOnce(&mut Self) -> T) -> io::Result<T> {
        let lock = File::create(folder.join("cloud.lock"))?;
        lock.lock()?;
        let mut cloud = Self::read(folder)?;
        let result = change(&mut cloud);
        let written = folder.join("cloud.json.new");
        fs::write(&written, serde_json::to_vec_pretty(&cloud)?)?;
        fs::rename(&written, path(folder))?;
        Ok(result)
    }
}
