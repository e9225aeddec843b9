//! Earlier versions of the state: the log as far as it is kept.

use async_trait::async_trait;
use engine::{DeploymentId, EnvironmentName, History, Snapshot, StateVersion, StoreError};

use super::S3Store;
use super::head::Piece;
use super::lines::{Line, each_line};
use crate::journal_words::summary;
use crate::rows::Origin as _;

const DOING: &str = "reading the history";

#[async_trait]
impl History for S3Store {
    async fn versions(&self, environment: &EnvironmentName) -> Result<Vec<StateVersion>, StoreError> {
        let head = self.heads.read(environment).await?;
        let names: Vec<&str> = head
            .log
            .iter()
            .filter_map(|piece| match piece {
                Piece::Segment { name, .. } => Some(name.as_str()),
                Piece::Snapshot { .. } => None,
            })
            .collect();
        let paths = names.iter().map(|name| self.bucket.object(environment, name)).collect();
        let mut versions = Vec::new();
        for (bytes, name) in self.bucket.read_all(DOING, paths).await?.into_iter().zip(names) {
            // One that was dropped meanwhile is older than what is kept.
            let Some(bytes) = bytes else { continue };
            each_line(self.bucket.as_ref(), name, &bytes, |_, line| {
                versions.extend(version(&line));
                Ok(true)
            })?;
        }
        for line in &head.tail {
            let line = serde_json::from_str(line.get())
                .map_err(|fault| self.bucket.unreadable(&format!("the head of {environment}"), &fault))?;
            versions.extend(version(&line));
        }
        versions.reverse();
        Ok(versions)
    }

    async fn at(&self, environment: &EnvironmentName, serial: u64) -> Result<Option<Snapshot>, StoreError> {
        let (_, loaded) = self.load(environment, Some(serial)).await?;
        loaded.map(|(loaded, whole)| self.decoded(environment, &loaded, &whole)).transpose()
    }
}

/// The version that a line made.
fn version(line: &Line<'_>) -> Option<StateVersion> {
    match line {
        Line::Finished(line) => Some(StateVersion {
            serial: line.serial,
            written_at_ms: line.at_ms,
            deployment: Some(DeploymentId::new(line.deployment.as_ref())),
            summary: summary(&line.action, &line.at, &line.deposed, &line.outcome),
        }),
        Line::Edited(line) => Some(StateVersion {
            serial: line.serial,
            written_at_ms: line.at_ms,
            deployment: None,
            summary: summary(&line.action, "", "", &line.summary),
        }),
        Line::Type(_) | Line::Row(_) | Line::Begun(_) => None,
    }
}
