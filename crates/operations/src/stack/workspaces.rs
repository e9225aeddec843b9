//! The workspaces of a stack: those that are kept here, and those that Terraform has made beside.

use std::collections::BTreeSet;
use std::path::Path;

use diag::Diagnostic;
use engine::{Edit, EnvironmentName};

use super::folder::DEFAULT_WORKSPACE;
use super::{Locking, StackFolder, read_state_file};
use crate::Fault;
use crate::backend::Foreign;

/// Whether a workspace may have a name: what is safe in an address of the web, and no path.
#[must_use]
pub fn is_workspace_name(name: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~$&+:=@".contains(c);
    !name.is_empty() && name != "." && name != ".." && name.chars().all(allowed)
}

impl StackFolder {
    /// All workspaces, `default` first.
    ///
    /// # Errors
    /// If the store cannot be opened, or the backend is not supported.
    pub async fn workspaces(&self) -> Result<Vec<EnvironmentName>, Fault> {
        let stack = self.load()?;
        let place = self.place_of_state(stack.tree.root())?;
        let kept = self.store(stack.tree.root()).await?;
        let mut listed = kept.store.list().await?;
        if let Foreign::Bucket(bucket) = &kept.foreign {
            listed.extend(bucket.terraform_workspaces().await?);
        }
        let mut names: BTreeSet<String> = listed.iter().map(|name| name.as_str().to_owned()).collect();
        if let Foreign::Files = kept.foreign
            && let Ok(folders) = std::fs::read_dir(&place.workspaces)
        {
            let folders = folders.filter_map(Result::ok).filter(|it| it.path().is_dir());
            names.extend(folders.filter_map(|it| it.file_name().into_string().ok()));
        }
        names.remove(DEFAULT_WORKSPACE);
        let names = std::iter::once(DEFAULT_WORKSPACE.to_owned()).chain(names);
        Ok(names.map(EnvironmentName::new).collect())
    }

    /// Makes a workspace, with the state in a file where one is named.
    ///
    /// # Errors
    /// If there is one of that name, or the file is no state.
    pub async fn create_workspace(&self, name: &EnvironmentName, from: Option<&Path>) -> Result<(), Fault> {
        let snapshot = from.map(read_state_file).transpose()?;
        let store = self.store(self.load()?.tree.root()).await?.store;
        store.create(name).await?;
        if let Some(snapshot) = snapshot {
            store.edit(name, None, vec![Edit::Everything(Box::new(snapshot))]).await?;
        }
        Ok(())
    }

    /// Removes a workspace with everything that is known of it; `force`: also where it has objects, which are forgotten.
    ///
    /// # Errors
    /// If it has objects, or somebody is at work on it.
    pub async fn delete_workspace(
        &self,
        name: &EnvironmentName,
        force: bool,
        locking: Locking,
    ) -> Result<(), Fault> {
        let stack = self.load()?;
        let place = self.place_of_state(stack.tree.root())?;
        let state = self.state_of(stack.tree.root(), name.clone()).await?;
        let held = state.hold(locking, "workspace delete").await?;
        let deleted = async {
            let snapshot = state.store.snapshot(name).await?;
            if !force && !snapshot.rows.is_empty() {
                let objects: Vec<String> =
                    snapshot.rows.iter().map(|row| format!("  - {}", row.address)).collect();
                let fault = Diagnostic::error("workspace-not-empty", "Workspace is not empty")
                    .because(format!(
                        "Workspace {:?} is currently tracking the following resource instances:\n{}",
                        name.as_str(),
                        objects.join("\n")
                    ))
                    .hint("destroy them first, or forget them with -force");
                return Err(Fault::failed(fault));
            }
            // One that Terraform made and nobody has written to is not in the store.
            if state.store.list().await?.contains(name) {
                state.store.delete(name).await?;
            }
            Ok(())
        };
        let deleted = deleted.await;
        if let Some(held) = held {
            held.release().await?;
        }
        deleted?;
        self.forget_taken_over(name);
        let folder = place.workspaces.join(name.as_str());
        match std::fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(Fault::io("the workspace's folder could not be removed", &folder, &error))
            }
            _ => Ok(()),
        }
    }
}
