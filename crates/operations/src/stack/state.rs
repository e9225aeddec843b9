//! The state of a stack: opened, and taken over from Terraform's file where there is one and we have none yet.

use std::path::PathBuf;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics};
use engine::{Edit, EnvironmentName, Snapshot, StateEditing, StateStore};
use lang::Configuration;
use serde::{Deserialize, Serialize};
use store::{KeyRing, SqlStore, v4};

use super::backend::Backend;
use super::folder::DEFAULT_WORKSPACE;
use super::{STATE, StackFolder};
use crate::Fault;
use crate::recording::RecordingFiles;

/// The folder of states of other workspaces than `default`.
const WORKSPACES: &str = "terraform.tfstate.d";
/// The state's file as Terraform names it.
const TERRAFORM_STATE: &str = "terraform.tfstate";

/// A stack's state in one workspace.
#[derive(Clone)]
pub struct StackState {
    /// The workspace.
    pub environment: EnvironmentName,
    /// Where it is kept.
    pub store: Arc<SqlStore>,
    /// What unseals it.
    pub keys: KeyRing,
    /// What should be known of how it was opened.
    pub notes: Diagnostics,
}

/// What was taken over from a file.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct TakenOver {
    serial: u64,
    lineage: String,
}

/// Where Terraform keeps its state, by the `backend` block or without one.
pub(super) struct PlaceOfState {
    /// The file of the workspace `default`.
    pub path: PathBuf,
    /// The folder of the other workspaces.
    pub workspaces: PathBuf,
}

impl PlaceOfState {
    /// The file of a workspace.
    fn file(&self, workspace: &EnvironmentName) -> PathBuf {
        match workspace.as_str() {
            DEFAULT_WORKSPACE => self.path.clone(),
            name => self.workspaces.join(name).join(TERRAFORM_STATE),
        }
    }
}

impl StackFolder {
    /// Opens the state of the chosen workspace. `root`: the root module, for its `backend` block.
    ///
    /// # Errors
    /// If it cannot be opened, its backend is not supported, or Terraform has changed its own file since it was taken over.
    pub async fn state(&self, root: Option<&Configuration>) -> Result<StackState, Fault> {
        self.state_of(root, self.workspace()).await
    }

    /// The same of any workspace.
    pub(super) async fn state_of(
        &self,
        root: Option<&Configuration>,
        environment: EnvironmentName,
    ) -> Result<StackState, Fault> {
        let place = self.place_of_state(root)?;
        let (keys, store) = self.store().await?;
        let mut state = StackState { environment, store, keys, notes: Diagnostics::default() };
        let file = place.file(&state.environment);
        self.take_over(&mut state, &file).await?;
        Ok(state)
    }

    /// The state of the chosen workspace as it is, whatever Terraform has written beside it.
    pub(super) async fn state_beside(&self, root: Option<&Configuration>) -> Result<StackState, Fault> {
        self.place_of_state(root)?;
        let (keys, store) = self.store().await?;
        Ok(StackState { environment: self.workspace(), store, keys, notes: Diagnostics::default() })
    }

    /// Notes that the state is what stands in Terraform's file, if that has this serial and lineage.
    pub(super) fn note_if_taken_over(
        &self,
        state: &StackState,
        root: Option<&Configuration>,
        serial: u64,
        lineage: &str,
    ) -> Result<(), Fault> {
        let file = self.place_of_state(root)?.file(&state.environment);
        let written: Option<TakenOver> =
            std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        match written {
            Some(written) if written.serial == serial && written.lineage == lineage => {
                self.note_taken_over(&state.environment, &written)
            }
            _ => Ok(()),
        }
    }

    fn marker(&self, environment: &EnvironmentName) -> PathBuf {
        self.root.join(".mainstay/taken-over").join(format!("{environment}.json"))
    }

    fn note_taken_over(&self, environment: &EnvironmentName, taken: &TakenOver) -> Result<(), Fault> {
        let marker = self.marker(environment);
        let written = marker
            .parent()
            .map_or(Ok(()), std::fs::create_dir_all)
            .and_then(|()| std::fs::write(&marker, serde_json::to_vec(taken).unwrap_or_default()));
        written.map_err(|error| Fault::io("what was taken over could not be noted", &marker, &error))
    }

    /// Forgets that a workspace's state was taken over.
    pub(super) fn forget_taken_over(&self, environment: &EnvironmentName) {
        let _ = std::fs::remove_file(self.marker(environment));
    }

    /// Where all workspaces are kept.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub async fn store(&self) -> Result<(KeyRing, Arc<SqlStore>), Fault> {
        let keys = KeyRing::open(&self.root.join(".mainstay/keys"), self.wiring.variables.clone());
        let store = SqlStore::open(&self.root.join(STATE), keys.clone()).await?;
        self.keep_from_repository()?;
        Ok((keys, Arc::new(store)))
    }

    /// Keys and states stand beside the configuration, and belong into no repository.
    fn keep_from_repository(&self) -> Result<(), Fault> {
        let file = self.root.join(".mainstay/.gitignore");
        if file.exists() {
            return Ok(());
        }
        std::fs::write(&file, "*\n").map_err(|error| Fault::io("it could not be written", &file, &error))
    }

    /// Takes a file's state over where ours was never written, and sees that the file was not written since.
    async fn take_over(&self, state: &mut StackState, file: &std::path::Path) -> Result<(), Fault> {
        let bytes = match std::fs::read(file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(Fault::io("Terraform's state could not be read", file, &error)),
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(());
        }
        let name = file.strip_prefix(&self.root).unwrap_or(file).display().to_string();
        let known: Option<TakenOver> = std::fs::read(self.marker(&state.environment))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        // The whole file is read once; from then on a look at its head will do.
        let head: Option<TakenOver> = serde_json::from_slice(&bytes).ok();
        if known.is_some() && known == head {
            return Ok(());
        }
        let document = v4::read(&bytes, &name, &v4::BuiltinShapes).map_err(Fault::Failed)?;
        let now = TakenOver { serial: document.serial, lineage: document.lineage.clone() };
        let ours = state.store.snapshot(&state.environment).await?;
        let is_empty = ours.lineage.is_empty() && ours.rows.is_empty();
        if known.is_none() && !is_empty && ours.lineage == now.lineage && ours.serial == now.serial {
            // A run that took it over was killed before it could note that.
            return self.note_taken_over(&state.environment, &now);
        }
        if known.is_some() || !is_empty {
            return Err(written_since(&name));
        }
        let count = document.rows.len();
        let snapshot = Snapshot {
            serial: document.serial,
            lineage: document.lineage,
            rows: document.rows,
            outputs: document.outputs,
            checks: document.checks,
        };
        state.store.edit(&state.environment, None, vec![Edit::Everything(Box::new(snapshot))]).await?;
        self.note_taken_over(&state.environment, &now)?;
        let plural = if count == 1 { "" } else { "s" };
        state.notes.push(
            Diagnostic::warning("taken-over", format!("took over {count} object{plural} from {name}"))
                .because("from now on the state is kept in `.mainstay`; the file stays as it is"),
        );
        Ok(())
    }

    /// Where Terraform keeps the state.
    ///
    /// # Errors
    /// If the backend is not supported.
    pub(super) fn place_of_state(&self, root: Option<&Configuration>) -> Result<PlaceOfState, Fault> {
        let backend = Backend::read(root, self.files()?.as_ref()).map_err(Fault::Usage)?;
        Ok(PlaceOfState {
            path: self.root.join(backend.path.as_deref().unwrap_or(TERRAFORM_STATE)),
            workspaces: self.root.join(backend.workspaces.as_deref().unwrap_or(WORKSPACES)),
        })
    }
}

fn written_since(name: &str) -> Fault {
    Fault::failed(
        Diagnostic::error("two-states", format!("Terraform wrote {name} beside our own state"))
            .because("the state had been taken over before, or was begun here, and which of the two is right cannot be known")
            .hint(format!(
                "to go on with Terraform's: `state push -force {name}`; to go on with ours: move {name} away"
            )),
    )
}
