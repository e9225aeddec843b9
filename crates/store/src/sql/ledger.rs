//! The ledger: revisions with their files by content, deployments, releases.

use std::collections::BTreeMap;

use async_trait::async_trait;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use engine::{Deployment, EnvironmentName, Ledger, Release, Revision, RevisionId, StoreError};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};
use sqlx::any::AnyRow;
use sqlx::{AnyConnection, Connection as _};
use value::Encoded;

use super::SqlStore;
use super::database::{from_sql, to_sql};
use crate::journal_words::value_context;

/// Zstandard's own default: configuration is small text, and a higher level gains a few per cent.
const ZSTD_LEVEL: i32 = 3;

/// How many revisions of the same beginning are read to tell that it is ambiguous.
const AMBIGUOUS: i64 = 2;

#[async_trait]
impl Ledger for SqlStore {
    async fn put_revision(
        &self,
        environment: &EnvironmentName,
        revision: &Revision,
    ) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("keeping a revision", fault);
        let mut hashes = BTreeMap::new();
        let mut contents = BTreeMap::new();
        for (path, content) in &revision.files {
            let hash = hex::encode(Sha256::digest(content));
            hashes.insert(path, hash.clone());
            contents.insert(hash, content);
        }
        let mut given = BTreeMap::new();
        for (name, value) in &revision.values {
            given.insert(name, self.keys.seal(environment, &value_context(&revision.id, name), value)?);
        }
        let mut connection = self.database.connection().await?;
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        for (hash, content) in contents {
            let packed = zstd::encode_all(content.as_slice(), ZSTD_LEVEL).map_err(|source| {
                StoreError::Failed { doing: "compressing a file of a revision".into(), source: source.into() }
            })?;
            sqlx::query("INSERT INTO files (hash, content) VALUES ($1, $2) ON CONFLICT (hash) DO NOTHING")
                .bind(hash)
                .bind(BASE64.encode(packed))
                .execute(&mut *transaction)
                .await
                .map_err(fault)?;
        }
        sqlx::query(
            "INSERT INTO revisions (environment, id, files, given, releases, kept_at_ms) VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT (environment, id) DO NOTHING",
        )
        .bind(environment.as_str())
        .bind(revision.id.as_str())
        .bind(text("a revision", &hashes)?)
        .bind(text("a revision", &given)?)
        .bind(text("a revision", &revision.releases)?)
        .bind(to_sql((self.clock)()))
        .execute(&mut *transaction)
        .await
        .map_err(fault)?;
        transaction.commit().await.map_err(fault)
    }

    async fn revision(
        &self,
        environment: &EnvironmentName,
        id: &str,
    ) -> Result<Option<Revision>, StoreError> {
        if id.is_empty() {
            return Ok(None);
        }
        let mut connection = self.database.connection().await?;
        let rows = sqlx::query(
            "SELECT id, files, given, releases FROM revisions
             WHERE environment = $1 AND substr(id, 1, CAST($2 AS INTEGER)) = $3 ORDER BY id LIMIT $4",
        )
        .bind(environment.as_str())
        .bind(to_sql(id.chars().count() as u64))
        .bind(id)
        .bind(AMBIGUOUS)
        .fetch_all(&mut *connection)
        .await
        .map_err(|fault| self.database.fault("reading a revision", fault))?;
        let names = rows.iter().map(|row| self.database.column(row, 0)).collect::<Result<Vec<&str>, _>>()?;
        let row = match (names.as_slice(), rows.as_slice()) {
            // The name itself sorts before what goes on after it.
            ([first, ..], [row, ..]) if *first == id => row,
            ([_], [row]) => row,
            ([first, second, ..], _) => {
                let why = format!("{first} and {second} both begin so: write more of it");
                return Err(StoreError::Refused { what: format!("revision `{id}`"), why });
            }
            _ => return Ok(None),
        };
        self.read_revision(&mut connection, environment, row).await.map(Some)
    }

    async fn put_deployment(
        &self,
        environment: &EnvironmentName,
        deployment: &Deployment,
    ) -> Result<(), StoreError> {
        sqlx::query(
            "INSERT INTO deployments (environment, id, started_at_ms, deployment) VALUES ($1, $2, $3, $4)
             ON CONFLICT (environment, id) DO UPDATE SET deployment = excluded.deployment",
        )
        .bind(environment.as_str())
        .bind(deployment.id.as_str())
        .bind(to_sql(deployment.started_at_ms))
        .bind(text("a deployment", deployment)?)
        .execute(&mut *self.database.connection().await?)
        .await
        .map_err(|fault| self.database.fault("writing down a deployment", fault))?;
        if deployment.outcome.is_some()
            && let Err(fault) = self.database.back_up().await
        {
            // The deployment is written down; that there is no fresh copy of the state does not undo it.
            tracing::warn!("the state was not copied: {fault}");
        }
        Ok(())
    }

    async fn deployments(
        &self,
        environment: &EnvironmentName,
        limit: u32,
    ) -> Result<Vec<Deployment>, StoreError> {
        let rows = sqlx::query(
            "SELECT deployment FROM deployments WHERE environment = $1
             ORDER BY started_at_ms DESC, id DESC LIMIT $2",
        )
        .bind(environment.as_str())
        .bind(i64::from(limit))
        .fetch_all(&mut *self.database.connection().await?)
        .await
        .map_err(|fault| self.database.fault("reading the deployments", fault))?;
        rows.iter().map(|row| self.json("a deployment", row, 0)).collect()
    }

    async fn releases(&self, environment: &EnvironmentName) -> Result<BTreeMap<String, Release>, StoreError> {
        let rows =
            sqlx::query("SELECT image, digest, version, created_at_ms FROM releases WHERE environment = $1")
                .bind(environment.as_str())
                .fetch_all(&mut *self.database.connection().await?)
                .await
                .map_err(|fault| self.database.fault("reading the releases", fault))?;
        rows.iter()
            .map(|row| {
                let release = Release {
                    digest: self.database.column(row, 1)?,
                    version: self.database.column(row, 2)?,
                    created_at_ms: from_sql(self.database.column(row, 3)?),
                };
                Ok((self.database.column(row, 0)?, release))
            })
            .collect()
    }

    async fn put_releases(
        &self,
        environment: &EnvironmentName,
        releases: &BTreeMap<String, Release>,
    ) -> Result<(), StoreError> {
        let fault = |fault| self.database.fault("writing the releases", fault);
        let mut connection = self.database.connection().await?;
        let mut transaction = connection.begin_with(self.database.begin_write()).await.map_err(fault)?;
        sqlx::query("DELETE FROM releases WHERE environment = $1")
            .bind(environment.as_str())
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        for (image, release) in releases {
            sqlx::query(
                "INSERT INTO releases (environment, image, digest, version, created_at_ms)
                 VALUES ($1, $2, $3, $4, $5)",
            )
            .bind(environment.as_str())
            .bind(image.as_str())
            .bind(release.digest.as_str())
            .bind(release.version.as_deref())
            .bind(to_sql(release.created_at_ms))
            .execute(&mut *transaction)
            .await
            .map_err(fault)?;
        }
        transaction.commit().await.map_err(fault)
    }
}

impl SqlStore {
    async fn read_revision(
        &self,
        connection: &mut AnyConnection,
        environment: &EnvironmentName,
        row: &AnyRow,
    ) -> Result<Revision, StoreError> {
        let id = RevisionId::new(self.database.column::<&str>(row, 0)?);
        let hashes: BTreeMap<String, String> = self.json("a revision", row, 1)?;
        let given: BTreeMap<String, Encoded> = self.json("a revision", row, 2)?;
        let mut files = BTreeMap::new();
        for (path, hash) in hashes {
            let content = self.file(connection, &hash).await?.ok_or_else(|| {
                self.database.unreadable(&format!("revision {id}"), format!("its file {path} is missing"))
            })?;
            files.insert(path, content);
        }
        let mut values = BTreeMap::new();
        for (name, encoded) in given {
            let value = self.keys.unseal(environment, &value_context(&id, &name), encoded)?;
            values.insert(name, value);
        }
        Ok(Revision { id, files, values, releases: self.json("a revision", row, 3)? })
    }

    async fn file(&self, connection: &mut AnyConnection, hash: &str) -> Result<Option<Vec<u8>>, StoreError> {
        let row = sqlx::query("SELECT content FROM files WHERE hash = $1")
            .bind(hash)
            .fetch_optional(connection)
            .await
            .map_err(|fault| self.database.fault("reading a revision", fault))?;
        let Some(row) = row else { return Ok(None) };
        let unreadable =
            |fault: &dyn std::fmt::Display| self.database.unreadable(&format!("file {hash}"), fault);
        let packed =
            BASE64.decode(self.database.column::<&str>(&row, 0)?).map_err(|fault| unreadable(&fault))?;
        let content = zstd::decode_all(packed.as_slice()).map_err(|fault| unreadable(&fault))?;
        if hex::encode(Sha256::digest(&content)) != hash {
            return Err(unreadable(&"its content is not what its name says"));
        }
        Ok(Some(content))
    }

    fn json<T: DeserializeOwned>(&self, what: &str, row: &AnyRow, at: usize) -> Result<T, StoreError> {
        serde_json::from_str(self.database.column(row, at)?)
            .map_err(|fault| self.database.unreadable(what, fault))
    }
}

fn text<T: Serialize>(what: &str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value)
        .map_err(|source| StoreError::Failed { doing: format!("writing {what}"), source: source.into() })
}
