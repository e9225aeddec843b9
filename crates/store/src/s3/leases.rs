//! Leases: one holder for each environment, with a token that grows with each of them. A lease is in the head, so that whoever
//! takes it has overtaken every writer by that very write.

use async_trait::async_trait;
use engine::{EnvironmentName, HeldLock, Lease, LeaseHolder, Leases, StoreError};

use super::S3Store;

#[async_trait]
impl Leases for S3Store {
    async fn acquire(
        &self,
        environment: &EnvironmentName,
        holder: &LeaseHolder,
        duration_ms: u64,
    ) -> Result<Lease, StoreError> {
        let now_ms = self.time.servers_ms(&self.bucket).await?;
        let taken = self.heads.change(environment, true, |draft| {
            draft.head.lease = draft.head.lease.taken(environment, holder, now_ms, duration_ms)?;
            draft.changed();
            Ok(draft.head.lease.token)
        });
        let token = taken.await?;
        self.held.raise(environment, token);
        Ok(Lease { environment: environment.clone(), token })
    }

    async fn renew(&self, lease: &Lease, duration_ms: u64) -> Result<(), StoreError> {
        let until_ms = self.time.servers_ms(&self.bucket).await?.saturating_add(duration_ms);
        let renewed = self.heads.change(&lease.environment, false, |draft| {
            if !draft.head.lease.is_held_by(lease.token) {
                return Err(StoreError::LeaseLost(lease.environment.clone()));
            }
            draft.head.lease.expires_at_ms = until_ms;
            draft.changed();
            Ok(())
        });
        renewed.await
    }

    async fn release(&self, lease: &Lease) -> Result<(), StoreError> {
        if let Err(fault) = self.compact(&lease.environment).await {
            // It only makes reading quicker, and the next holder tries again.
            tracing::warn!("the log of {} was not made shorter: {fault}", lease.environment);
        }
        let released = self.heads.change(&lease.environment, false, |draft| {
            // One that was lost meanwhile has nothing to give back, and that is no fault.
            if draft.head.lease.is_held_by(lease.token) {
                draft.head.lease.holder = None;
                draft.changed();
            } else if !draft.fresh {
                return Err(StoreError::LeaseLost(lease.environment.clone()));
            }
            Ok(())
        });
        released.await?;
        self.held.lower(&lease.environment, lease.token);
        Ok(())
    }

    async fn lock(&self, environment: &EnvironmentName) -> Result<Option<HeldLock>, StoreError> {
        Ok(self.heads.read(environment).await?.lease.lock(self.time.now_ms()))
    }
}
