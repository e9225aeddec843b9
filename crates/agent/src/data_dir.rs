//! The agent's folder: where what is, who may read it, and that only one agent works in it. It interprets no file.

use std::fs::{self, DirBuilder, File};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use agent_api::{InstanceId, ServiceKey};
use sha2::{Digest, Sha256};

use crate::AgentError;

/// The folder of one agent, locked for the life of this value.
#[derive(Debug)]
pub(crate) struct DataDir {
    root: PathBuf,
    _lock: File,
}

impl DataDir {
    /// Makes the folder where it is not there yet, and takes its lock.
    pub(crate) fn open(root: &Path) -> Result<Self, AgentError> {
        let fault = |source| AgentError::DataDir { path: root.to_path_buf(), source };
        private_folder(root).map_err(fault)?;
        let root = root.canonicalize().map_err(fault)?;
        fs::set_permissions(&root, fs::Permissions::from_mode(0o700)).map_err(fault)?;
        let path = root.join("lock");
        let mut lock = File::options()
            .create(true)
            .truncate(false)
            .read(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .map_err(fault)?;
        if lock.try_lock().is_err() {
            let mut pid = String::new();
            // The holder's id only helps the reader of the message.
            let _ = lock.read_to_string(&mut pid);
            return Err(AgentError::AlreadyRunning { path: root, pid: pid.trim().to_owned() });
        }
        lock.set_len(0)
            .and_then(|()| lock.write_all(std::process::id().to_string().as_bytes()))
            .map_err(fault)?;
        let dir = Self { root, _lock: lock };
        for folder in [dir.instances(), dir.services(), dir.layers()] {
            private_folder(&folder).map_err(fault)?;
        }
        Ok(dir)
    }

    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    pub(crate) fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    pub(crate) fn layers(&self) -> PathBuf {
        self.root.join("layers")
    }

    pub(crate) fn instances(&self) -> PathBuf {
        self.root.join("instances")
    }

    /// The folder of an instance whose id was checked.
    pub(crate) fn instance(&self, id: &InstanceId) -> PathBuf {
        self.instances().join(&id.0)
    }

    /// Which images environments need.
    pub(crate) fn kept(&self) -> PathBuf {
        self.root.join("kept-images")
    }

    /// Which images an environment needs, whose names were checked.
    pub(crate) fn kept_images(&self, project: &str, environment: &str) -> PathBuf {
        self.kept().join(project).join(format!("{environment}.json"))
    }

    pub(crate) fn services(&self) -> PathBuf {
        self.root.join("services")
    }

    /// The file of a service whose names were checked.
    pub(crate) fn service(&self, key: &ServiceKey) -> PathBuf {
        self.services().join(&key.project).join(&key.environment).join(format!("{}.json", key.service))
    }

    pub(crate) fn notify(&self) -> PathBuf {
        self.root.join("notify.sock")
    }

    pub(crate) fn proxy_socket(&self) -> PathBuf {
        self.root.join("proxy.sock")
    }

    pub(crate) fn proxy_lock(&self) -> PathBuf {
        self.root.join("proxy.lock")
    }

    pub(crate) fn proxy_log(&self) -> PathBuf {
        self.root.join("proxy.log")
    }

    pub(crate) fn network(&self) -> PathBuf {
        self.root.join("network.json")
    }

    /// A name for this folder among those of other agents of the machine: eight hexadecimal digits.
    pub(crate) fn mark(&self) -> String {
        mark(&self.root.to_string_lossy())
    }
}

/// Eight hexadecimal digits of a text's hash.
pub(crate) fn mark(text: &str) -> String {
    hex::encode(&Sha256::digest(text.as_bytes())[..4])
}

/// Makes a folder that only its owner may enter, with its parents.
pub(crate) fn private_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).recursive(true).create(path)
}

/// Removes a folder with all that is in it, also where a program took the permissions of its own folders away. Links are
/// removed, never followed.
pub(crate) fn wipe(path: &Path) -> io::Result<()> {
    match fs::remove_dir_all(path) {
        Err(fault) if fault.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(fault) if fault.kind() == io::ErrorKind::PermissionDenied => {
            let mut waiting = vec![path.to_path_buf()];
            while let Some(folder) = waiting.pop() {
                fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
                for entry in fs::read_dir(&folder)? {
                    let entry = entry?;
                    if entry.file_type()?.is_dir() {
                        waiting.push(entry.path());
                    }
                }
            }
            fs::remove_dir_all(path)
        }
        other => other,
    }
}
