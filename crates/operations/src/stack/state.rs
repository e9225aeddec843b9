//! The state of a stack: opened, and taken over from Terraform's where there is one and we have none yet.

use std::path::PathBuf;
use std::sync::Arc;

use diag::Diagnostics;
use engine::{EnvironmentName, Store};
use lang::Configuration;
use store::KeyRing;

use super::StackFolder;
use crate::Fault;
use crate::backend::{self, Backend, Foreign, GivenSettings, Kept};

/// A stack's state in one workspace.
#[derive(Clone)]
pub struct StackState {
    /// The workspace.
    pub environment: EnvironmentName,
    /// Where it is kept.
    pub store: Arc<dyn Store>,
    /// What unseals it.
    pub keys: KeyRing,
    /// What should be known of how it was opened.
    pub notes: Diagnostics,
    /// Where Terraform's own would be.
    pub(super) foreign: Foreign,
}

impl StackFolder {
    /// Opens the state of the chosen workspace. `root`: the root module, for its `backend` block.
    ///
    /// # Errors
    /// If it cannot be opened, its backend is not supported, or Terraform has changed its own state since it was taken over.
    pub async fn state(&self, root: Option<&Configuration>) -> Result<StackState, Fault> {
        self.state_of(root, self.workspace()).await
    }

    /// The same of any workspace.
    pub(super) async fn state_of(
        &self,
        root: Option<&Configuration>,
        environment: EnvironmentName,
    ) -> Result<StackState, Fault> {
        let mut state = self.state_beside(root, environment).await?;
        self.take_over(&mut state, root).await?;
        Ok(state)
    }

    /// The state of a workspace as it is, whatever Terraform has written beside it.
    pub(super) async fn state_beside(
        &self,
        root: Option<&Configuration>,
        environment: EnvironmentName,
    ) -> Result<StackState, Fault> {
        let Kept { keys, store, foreign, notes } = self.store(root).await?;
        Ok(StackState { environment, store, keys, notes, foreign })
    }

    /// Where all workspaces are kept.
    ///
    /// # Errors
    /// If it cannot be opened.
    pub(super) async fn store(&self, root: Option<&Configuration>) -> Result<Kept, Fault> {
        let kept = self.backend(root)?.open(&self.root, &self.wiring.variables).await?;
        Ok(self.wiring.wrapped(kept))
    }

    /// What the `backend` block says.
    pub(super) fn backend(&self, root: Option<&Configuration>) -> Result<Backend, Fault> {
        let given = self.settings()?;
        match Backend::read(root, self.files()?.as_ref(), &given, &self.wiring.variables) {
            Ok(backend) => Ok(backend),
            // Read once more, for the text that the places point into.
            Err(faults) => Err(self.load()?.fault(faults)),
        }
    }

    /// Settings of the backend that were given beside its block.
    pub(super) fn settings(&self) -> Result<GivenSettings, Fault> {
        GivenSettings::read(&self.given_settings())
    }

    /// Keeps settings of the backend that are given beside its block, for the runs to come.
    ///
    /// # Errors
    /// If they cannot be written.
    pub fn keep_settings(&self, given: &GivenSettings) -> Result<(), Fault> {
        given.write(&self.given_settings())
    }

    /// Forgets the settings of the backend that were given beside its block.
    pub fn forget_settings(&self) {
        let _ = std::fs::remove_file(self.given_settings());
    }

    fn given_settings(&self) -> PathBuf {
        self.data.join("backend-config.json")
    }

    /// The keys that states and plans are sealed with.
    #[must_use]
    pub fn keys(&self) -> KeyRing {
        backend::keys(&self.root, &self.wiring.variables)
    }
}
