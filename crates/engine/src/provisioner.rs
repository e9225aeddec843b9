//! Provisioners: programs that are run once an object was made, or before it is removed. What runs them is outside.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use diag::Diagnostic;
use tokio_util::sync::CancellationToken;
use value::Value;

/// What runs provisioners.
#[async_trait]
pub trait Provisioners: Send + Sync {
    /// What a provisioner's block may hold; `None` for a kind that is not known.
    fn schema(&self, kind: &str) -> Option<&lang::schema::Block>;

    /// What a `connection` block may hold.
    fn connection_schema(&self) -> &lang::schema::Block;

    /// Runs one to its end. `output` gets what it prints, line by line.
    ///
    /// # Errors
    /// If it could not be run, or failed.
    async fn run(
        &self,
        request: &ProvisionRequest,
        output: &(dyn for<'line> Fn(&'line str) + Send + Sync),
        cancelled: &CancellationToken,
    ) -> Result<(), Diagnostic>;
}

/// Asks to run a provisioner.
#[derive(Debug, Clone)]
pub struct ProvisionRequest {
    /// The resource that it is run for, as people read it.
    pub address: String,
    /// `local-exec`, `remote-exec`, `file`.
    pub kind: Arc<str>,
    /// Its arguments, by the kind's schema.
    pub configuration: Value,
    /// The connection, by [`Provisioners::connection_schema`].
    pub connection: Option<Value>,
    /// The root module's folder.
    pub folder: PathBuf,
}
