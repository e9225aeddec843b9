//! Who holds an environment's lock now, for whoever wants to take it away.

use engine::{EnvironmentName, StoreError};

use super::SqlStore;
use super::leases::read_lease;
use crate::lease::HeldLock;

impl SqlStore {
    /// The lock of an environment; `None` where nobody holds it, or its holder is gone.
    ///
    /// # Errors
    /// If the database cannot be read.
    pub async fn lock(&self, environment: &EnvironmentName) -> Result<Option<HeldLock>, StoreError> {
        let mut connection = self.database.connection().await?;
        let lease = read_lease(&self.database, &mut connection, environment).await?;
        Ok(lease.and_then(|lease| lease.lock((self.clock)())))
    }
}
