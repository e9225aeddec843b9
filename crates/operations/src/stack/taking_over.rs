//! Terraform's own state is taken over once, where there is none of ours yet; it is never written. Where Terraform has written it since,
//! which of the two is right cannot be known here.

use std::path::PathBuf;

use diag::Diagnostic;
use engine::{Edit, EnvironmentName, Snapshot};
use lang::Configuration;
use serde::{Deserialize, Serialize};
use store::v4::{self, Document};
use store::{S3Store, SqlStore, TerraformState};

use super::folder::DEFAULT_WORKSPACE;
use super::{StackFolder, StackState};
use crate::Fault;
use crate::backend::{Backend, Foreign, LocalBackend};

/// The folder of states of other workspaces than `default`.
const WORKSPACES: &str = "terraform.tfstate.d";
/// The state's file as Terraform names it.
const TERRAFORM_STATE: &str = "terraform.tfstate";

/// What was taken over from a file.
#[derive(PartialEq, Eq, Serialize, Deserialize)]
struct TakenOver {
    serial: u64,
    lineage: String,
}

/// Where Terraform keeps its state in files.
pub(super) struct PlaceOfState {
    /// The file of the workspace `default`.
    path: PathBuf,
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
    /// Takes Terraform's state over where ours was never written, and sees that it was not written since.
    pub(super) async fn take_over(
        &self,
        state: &mut StackState,
        root: Option<&Configuration>,
    ) -> Result<(), Fault> {
        let taken = match state.foreign.clone() {
            Foreign::Files => self.of_file(state, &self.place_of_state(root)?).await?,
            Foreign::Bucket(bucket) => of_bucket(state, &bucket).await?,
            Foreign::Database(database, schema) => of_database(state, &database, &schema).await?,
        };
        if let Some((count, name)) = taken {
            let plural = if count == 1 { "" } else { "s" };
            state.notes.push(
                Diagnostic::warning("taken-over", format!("took over {count} object{plural} from {name}"))
                    .because("from now on the state is kept by Mainstay; Terraform's own stays as it is"),
            );
        }
        Ok(())
    }

    /// Notes that the state is what stands in Terraform's own, if that has this serial and lineage.
    pub(super) async fn note_if_taken_over(
        &self,
        state: &StackState,
        root: Option<&Configuration>,
        serial: u64,
        lineage: &str,
    ) -> Result<(), Fault> {
        match &state.foreign {
            Foreign::Files => {
                let file = self.place_of_state(root)?.file(&state.environment);
                let written: Option<TakenOver> =
                    std::fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok());
                match written {
                    Some(written) if written.serial == serial && written.lineage == lineage => {
                        self.note(&state.environment, &written)
                    }
                    _ => Ok(()),
                }
            }
            Foreign::Bucket(bucket) => {
                if let TerraformState::Other(object) = bucket.terraform_state(&state.environment).await?
                    && let Ok(top) = serde_json::from_slice::<TakenOver>(&object.bytes)
                    && (top.serial, top.lineage.as_str()) == (serial, lineage)
                {
                    let taken =
                        store::TakenOver { serial, lineage: lineage.to_owned(), tag: object.tag.clone() };
                    bucket.note_taken_over(&state.environment, Some(taken)).await?;
                }
                Ok(())
            }
            // There the first version of ours says it.
            Foreign::Database(..) => Ok(()),
        }
    }

    fn marker(&self, environment: &EnvironmentName) -> PathBuf {
        self.root.join(".mainstay/taken-over").join(format!("{environment}.json"))
    }

    fn note(&self, environment: &EnvironmentName, taken: &TakenOver) -> Result<(), Fault> {
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

    /// How many objects a file's state had, and the file's name, where it was taken over now.
    async fn of_file(
        &self,
        state: &mut StackState,
        place: &PlaceOfState,
    ) -> Result<Option<(usize, String)>, Fault> {
        let file = place.file(&state.environment);
        let bytes = match std::fs::read(&file) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(Fault::io("Terraform's state could not be read", &file, &error)),
        };
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(None);
        }
        let name = file.strip_prefix(&self.root).unwrap_or(&file).display().to_string();
        let known: Option<TakenOver> = std::fs::read(self.marker(&state.environment))
            .ok()
            .and_then(|text| serde_json::from_slice(&text).ok());
        // The whole file is read once; from then on a look at its head will do.
        let head: Option<TakenOver> = serde_json::from_slice(&bytes).ok();
        if known.is_some() && known == head {
            return Ok(None);
        }
        let document = v4::read(&bytes, &name, &v4::BuiltinShapes).map_err(Fault::Failed)?;
        let now = TakenOver { serial: document.serial, lineage: document.lineage.clone() };
        let ours = state.store.snapshot(&state.environment).await?;
        let is_empty = ours.lineage.is_empty() && ours.rows.is_empty();
        if known.is_none() && !is_empty && ours.lineage == now.lineage && ours.serial == now.serial {
            // A run that took it over was killed before it could note that.
            self.note(&state.environment, &now)?;
            return Ok(None);
        }
        if known.is_some() || !is_empty {
            return Err(written_since(&name, &name, &format!("move {name} away")));
        }
        let count = document.rows.len();
        let edits = vec![Edit::Everything(Box::new(snapshot(document)))];
        state.store.edit(&state.environment, None, edits).await?;
        self.note(&state.environment, &now)?;
        Ok(Some((count, name)))
    }

    /// Where Terraform keeps the state in files.
    ///
    /// # Errors
    /// If the backend is not supported.
    pub(super) fn place_of_state(&self, root: Option<&Configuration>) -> Result<PlaceOfState, Fault> {
        let local = match self.backend(root)? {
            Backend::Local(local) => local,
            _ => LocalBackend::default(),
        };
        Ok(PlaceOfState {
            path: self.root.join(local.path.as_deref().unwrap_or(TERRAFORM_STATE)),
            workspaces: self.root.join(local.workspaces.as_deref().unwrap_or(WORKSPACES)),
        })
    }
}

async fn of_bucket(state: &StackState, bucket: &S3Store) -> Result<Option<(usize, String)>, Fault> {
    match bucket.terraform_state(&state.environment).await? {
        TerraformState::Absent | TerraformState::TakenOver => Ok(None),
        TerraformState::Other(object) => {
            Err(written_since(&object.address, "FILE", &format!("remove {}", object.address)))
        }
        TerraformState::New(object) => {
            let document =
                v4::read(&object.bytes, &object.address, &v4::BuiltinShapes).map_err(Fault::Failed)?;
            let count = document.rows.len();
            bucket.take_over(&state.environment, &object, snapshot(document)).await?;
            Ok(Some((count, object.address)))
        }
    }
}

async fn of_database(
    state: &StackState,
    database: &SqlStore,
    schema: &str,
) -> Result<Option<(usize, String)>, Fault> {
    let workspace = state.environment.as_str();
    let Some(text) = database.terraform_document(schema, workspace).await? else { return Ok(None) };
    let name = format!("{schema}.states in the database");
    let document = v4::read(text.as_bytes(), &name, &v4::BuiltinShapes).map_err(Fault::Failed)?;
    // The first version of ours is what was taken over, if anything was.
    let versions = state.store.versions(&state.environment).await?;
    match versions.iter().map(|version| version.serial).min() {
        Some(first) if first == document.serial => {
            let ours = state.store.snapshot(&state.environment).await?;
            if ours.lineage == document.lineage {
                return Ok(None);
            }
            Err(written_since(&name, "FILE", &format!("remove the row `{workspace}` of {schema}.states")))
        }
        Some(_) => {
            Err(written_since(&name, "FILE", &format!("remove the row `{workspace}` of {schema}.states")))
        }
        None => {
            let count = document.rows.len();
            let edits = vec![Edit::Everything(Box::new(snapshot(document)))];
            state.store.edit(&state.environment, None, edits).await?;
            Ok(Some((count, name)))
        }
    }
}

/// What a document says.
pub(super) fn snapshot(document: Document) -> Snapshot {
    Snapshot {
        serial: document.serial,
        lineage: document.lineage,
        rows: document.rows,
        outputs: document.outputs,
        checks: document.checks,
    }
}

/// `pushed`: the file whose state would be pushed to decide for Terraform's.
fn written_since(name: &str, pushed: &str, way_out: &str) -> Fault {
    Fault::failed(
        Diagnostic::error("two-states", format!("Terraform wrote {name} beside our own state"))
            .because("the state had been taken over before, or was begun here, and which of the two is right cannot be known")
            .hint(format!(
                "to go on with Terraform's: `state push -force {pushed}`; to go on with ours: {way_out}"
            )),
    )
}
