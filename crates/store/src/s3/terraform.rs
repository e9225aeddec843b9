//! Terraform's own state at the key of the bucket: looked at, taken over once, and seen to be what it was then.
//!
//! Ours begins with it and is kept beside it. Terraform's object is never written; when Terraform has written it after it was taken
//! over, which of the two is right cannot be known here. What is in the document is not read here.

use engine::{Edit, EnvironmentName, Snapshot, StoreError};
use serde::Deserialize;

use super::S3Store;
use super::head::TakenOver;

const DOING: &str = "reading Terraform's state";

/// What is at Terraform's key.
#[derive(Debug)]
pub enum TerraformState {
    /// Nothing.
    Absent,
    /// What was taken over, as it was.
    TakenOver,
    /// A state that is to be taken over: there is none of ours yet.
    New(TerraformObject),
    /// A state besides ours: Terraform has written it since it was taken over, or ours was begun without it.
    Other(TerraformObject),
}

/// Terraform's own state.
#[derive(Debug)]
pub struct TerraformObject {
    /// Where it is, for people: `s3://bucket/key`.
    pub address: String,
    /// The document, as `v4::read` takes it.
    pub bytes: Vec<u8>,
    /// The object's ETag.
    pub tag: String,
}

/// What Terraform writes beside a state that it has locked (`use_lockfile`).
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
pub struct TerraformLock {
    /// Names it.
    #[serde(rename = "ID")]
    pub id: String,
    /// What for: `OperationTypeApply`.
    pub operation: String,
    /// User and machine.
    pub who: String,
    /// When it was taken, RFC 3339.
    pub created: String,
}

#[derive(Deserialize)]
struct Top {
    serial: u64,
    lineage: String,
}

impl S3Store {
    /// What is at Terraform's key of a workspace.
    ///
    /// # Errors
    /// If the bucket cannot be read.
    pub async fn terraform_state(&self, environment: &EnvironmentName) -> Result<TerraformState, StoreError> {
        let head = self.heads.read(environment).await?;
        let path = self.bucket.terraforms(environment);
        let tag = head.taken_over.as_ref().map(|taken| taken.tag.as_str());
        let found = match self.bucket.read_unless(DOING, &path, tag).await? {
            None => return Ok(TerraformState::TakenOver),
            Some(Some(found)) if !found.bytes.iter().all(u8::is_ascii_whitespace) => found,
            Some(_) => return Ok(TerraformState::Absent),
        };
        // One that was copied or encrypted anew has another tag and is the same.
        let top: Option<Top> = serde_json::from_slice(&found.bytes).ok();
        if let (Some(taken), Some(top)) = (&head.taken_over, &top)
            && (taken.serial, &taken.lineage) == (top.serial, &top.lineage)
        {
            return Ok(TerraformState::TakenOver);
        }
        let object = TerraformObject {
            address: self.bucket.address(&path),
            bytes: found.bytes.to_vec(),
            tag: found.tag,
        };
        let is_new = head.taken_over.is_none() && head.serial == 0;
        Ok(if is_new { TerraformState::New(object) } else { TerraformState::Other(object) })
    }

    /// Takes Terraform's state over, in one write with the note that it was: `snapshot` is what its document says. Answers the
    /// serial.
    ///
    /// # Errors
    /// If there is a state of ours already, somebody else holds the lock, or it cannot be written.
    pub async fn take_over(
        &self,
        environment: &EnvironmentName,
        object: &TerraformObject,
        snapshot: Snapshot,
    ) -> Result<u64, StoreError> {
        let taken =
            TakenOver { serial: snapshot.serial, lineage: snapshot.lineage.clone(), tag: object.tag.clone() };
        let edits = [Edit::Everything(Box::new(snapshot))];
        self.edited(environment, None, &edits, "edit", Some(&taken)).await
    }

    /// Notes that ours is what stands in Terraform's object, of this serial and lineage, without reading it again: after somebody
    /// has decided which of the two is right.
    ///
    /// # Errors
    /// If the bucket cannot be written.
    pub async fn note_taken_over(
        &self,
        environment: &EnvironmentName,
        taken: Option<TakenOver>,
    ) -> Result<(), StoreError> {
        let noted = self.heads.change(environment, true, |draft| {
            draft.head.taken_over.clone_from(&taken);
            draft.changed();
            Ok(())
        });
        noted.await
    }

    /// The lock that Terraform holds by an object beside its state; `None`: it holds none.
    ///
    /// # Errors
    /// If the bucket cannot be read.
    pub async fn terraform_lock(
        &self,
        environment: &EnvironmentName,
    ) -> Result<Option<TerraformLock>, StoreError> {
        let path = self.bucket.path(&format!("{}.tflock", self.bucket.terraforms_key(environment)));
        let found = self.bucket.read("reading Terraform's lock", &path).await?;
        // One that says nothing that we know is a lock all the same.
        Ok(found.map(|found| serde_json::from_slice(&found.bytes).unwrap_or_default()))
    }

    /// The workspaces that Terraform has states of, besides `default`, by name.
    ///
    /// # Errors
    /// If the bucket cannot be read.
    pub async fn terraform_workspaces(&self) -> Result<Vec<EnvironmentName>, StoreError> {
        let folder = self.bucket.path(self.bucket.workspace_key_prefix());
        let (folders, _) = self.bucket.folder("listing Terraform's workspaces", &folder).await?;
        let mut names = Vec::new();
        for folder in folders {
            let Some(name) = folder.filename().map(EnvironmentName::new) else { continue };
            if self.bucket.exists(DOING, &self.bucket.terraforms(&name)).await? {
                names.push(name);
            }
        }
        Ok(names)
    }
}
