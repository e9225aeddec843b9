//! The use cases: plan, apply, deploy, rollback, status, up, down.
