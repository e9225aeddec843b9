//! States in files of Terraform's format, version 4: read, written, and pushed over the state that is kept.

use std::path::Path;

use diag::Diagnostic;
use engine::{Edit, Snapshot};
use store::v4::{self, Document};

use super::taking_over::snapshot;
use super::{Locking, StackFolder, StackState};
use crate::Fault;

/// The version of Terraform that documents are written for.
const TERRAFORM: &str = "1.11.4";

/// What became of a document that was pushed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Pushed {
    /// It is the state now.
    Written,
    /// It was the state already.
    Same,
}

/// A state in a file.
///
/// # Errors
/// If it cannot be read, or is none.
pub fn read_state_file(path: &Path) -> Result<Snapshot, Fault> {
    let bytes =
        std::fs::read(path).map_err(|error| Fault::io("the state file could not be read", path, &error))?;
    read_document(&bytes, &path.display().to_string())
}

fn read_document(bytes: &[u8], name: &str) -> Result<Snapshot, Fault> {
    if bytes.iter().all(u8::is_ascii_whitespace) {
        let fault = Diagnostic::error("no-state", format!("Error reading source state {name:?}: no state"));
        return Err(Fault::failed(fault));
    }
    let document = v4::read(bytes, name, &v4::BuiltinShapes).map_err(Fault::Failed)?;
    Ok(snapshot(document))
}

/// A state as Terraform writes it; empty for one that was never written. What has no place in such a document is told.
#[must_use]
pub fn write_document(snapshot: &Snapshot) -> (Vec<u8>, Option<Diagnostic>) {
    if snapshot.lineage.is_empty() && snapshot.rows.is_empty() && snapshot.outputs.is_empty() {
        return (Vec::new(), None);
    }
    let document = Document {
        terraform_version: TERRAFORM.to_owned(),
        serial: snapshot.serial,
        lineage: snapshot.lineage.clone(),
        rows: snapshot.rows.clone(),
        outputs: snapshot.outputs.clone(),
        checks: snapshot.checks.clone(),
    };
    let written = v4::write(&document, &v4::BuiltinShapes);
    let left_out: Vec<String> = written.left_out.iter().map(ToString::to_string).collect();
    let note = (!left_out.is_empty()).then(|| {
        Diagnostic::warning("left-out", "Terraform's format has no place for some objects")
            .because(format!("left out: {}", left_out.join(", ")))
    });
    (written.bytes, note)
}

impl StackFolder {
    /// Makes a document the state of the chosen workspace. `force`: whatever lineage and serial it has, and also where Terraform has
    /// written a state of its own beside ours.
    ///
    /// # Errors
    /// If it is no state, another state's, or older than what is there.
    pub async fn push(
        &self,
        bytes: &[u8],
        name: &str,
        force: bool,
        locking: Locking,
    ) -> Result<Pushed, Fault> {
        let root = self.load()?;
        let pushed = read_document(bytes, name)?;
        let state = match self.state(root.tree.root()).await {
            // Forcing is how a person decides between the two.
            Err(_) if force => self.state_beside(root.tree.root(), self.workspace()).await?,
            opened => opened?,
        };
        let (serial, lineage) = (pushed.serial, pushed.lineage.clone());
        let answer = state.edit(locking, "state push", |there| push_edits(there, pushed, force)).await?;
        self.note_if_taken_over(&state, root.tree.root(), serial, &lineage).await?;
        Ok(answer)
    }
}

fn push_edits(
    there: &Snapshot,
    pushed: Snapshot,
    force: bool,
) -> Result<(Vec<Edit>, Pushed), Box<Diagnostic>> {
    let refuse = |why: String| Box::new(Diagnostic::error("push", format!("Failed to write state: {why}")));
    let is_same = there.serial == pushed.serial
        && there.lineage == pushed.lineage
        && there.rows == pushed.rows
        && there.outputs == pushed.outputs;
    if is_same {
        return Ok((Vec::new(), Pushed::Same));
    }
    if !force && !there.lineage.is_empty() {
        if there.lineage != pushed.lineage {
            return Err(refuse(format!(
                "cannot import state with lineage {:?} over unrelated state with lineage {:?}",
                pushed.lineage, there.lineage
            )));
        }
        if pushed.serial < there.serial {
            return Err(refuse(format!(
                "cannot import state with serial {} over newer state with serial {}",
                pushed.serial, there.serial
            )));
        }
        if pushed.serial == there.serial {
            return Err(refuse(format!(
                "cannot overwrite existing state with serial {} with a different state that has the same serial",
                there.serial
            )));
        }
    }
    Ok((vec![Edit::Everything(Box::new(pushed))], Pushed::Written))
}

impl StackState {
    /// The state as Terraform writes it.
    ///
    /// # Errors
    /// If it cannot be read, or is not known as of that serial any more.
    pub async fn document(&self, serial: Option<u64>) -> Result<(Vec<u8>, Option<Diagnostic>), Fault> {
        let snapshot = match serial {
            None => self.store.snapshot(&self.environment).await?,
            Some(serial) => self.store.at(&self.environment, serial).await?.ok_or_else(|| {
                let fault = Diagnostic::error(
                    "no-version",
                    format!("there is no version {serial} of the state any more"),
                );
                Fault::failed(fault.hint("`state history` shows those that there are"))
            })?,
        };
        Ok(write_document(&snapshot))
    }
}
