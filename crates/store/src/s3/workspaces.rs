//! Environments by name.

use async_trait::async_trait;
use engine::{EnvironmentName, StoreError, Workspaces};
use futures_util::future::try_join_all;

use super::S3Store;
use super::names::unescaped;
use crate::environments::{exists, missing, new_lineage};

#[async_trait]
impl Workspaces for S3Store {
    async fn list(&self) -> Result<Vec<EnvironmentName>, StoreError> {
        let folder = self.bucket.environments();
        let (folders, _) = self.bucket.folder("listing the environments", &folder).await?;
        let names = folders.iter().filter_map(|folder| unescaped(folder.filename()?));
        let there = try_join_all(names.map(|name| async move {
            let environment = EnvironmentName::new(name);
            let head = self.heads.read(&environment).await?;
            Ok::<_, StoreError>(head.lineage.is_some().then_some(environment))
        }));
        let mut there: Vec<EnvironmentName> = there.await?.into_iter().flatten().collect();
        there.sort();
        Ok(there)
    }

    async fn create(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        let lineage = new_lineage()?;
        let made = self.heads.change(environment, true, |draft| {
            if draft.head.lineage.is_some() {
                return Err(exists(environment));
            }
            draft.head.make(&lineage);
            draft.changed();
            Ok(())
        });
        made.await
    }

    async fn delete(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        let now_ms = self.time.servers_ms(&self.bucket).await?;
        let held_here = self.held.token(environment);
        let forgotten = self.heads.change(environment, true, |draft| {
            draft.head.lease.admits(environment, held_here, now_ms)?;
            if draft.head.lineage.is_none() {
                return Err(missing(environment));
            }
            draft.head.forget();
            draft.changed();
            Ok(())
        });
        forgotten.await?;
        self.sweep(environment).await
    }
}
