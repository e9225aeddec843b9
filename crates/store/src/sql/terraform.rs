//! The states that Terraform's own backend `pg` keeps in the same database: only ever read.

use engine::StoreError;
use sqlx::AssertSqlSafe;

use super::SqlStore;

const DOING: &str = "reading Terraform's state";

impl SqlStore {
    /// The document that Terraform keeps of a workspace in a schema of a PostgreSQL database, version 4; `None`: none.
    ///
    /// # Errors
    /// If it cannot be read.
    pub async fn terraform_document(
        &self,
        schema: &str,
        workspace: &str,
    ) -> Result<Option<String>, StoreError> {
        let table = format!("\"{}\".states", schema.replace('"', "\"\""));
        let mut connection = self.database.connection().await?;
        let fault = |fault| self.database.fault(DOING, fault);
        let there = sqlx::query("SELECT to_regclass($1)::text")
            .bind(&table)
            .fetch_one(&mut *connection)
            .await
            .map_err(fault)?;
        if self.database.column::<Option<&str>>(&there, 0)?.is_none() {
            return Ok(None);
        }
        // The name of a table cannot be bound; it is quoted above.
        let found = sqlx::query(AssertSqlSafe(format!("SELECT data FROM {table} WHERE name = $1")))
            .bind(workspace)
            .fetch_optional(&mut *connection)
            .await
            .map_err(fault)?;
        let Some(row) = found else { return Ok(None) };
        Ok(self.database.column::<Option<&str>>(&row, 0)?.map(str::to_owned))
    }
}
