//! `mainstay rollback`

use operations::{Fault, RollbackTarget};

use super::Context;
use crate::view;

/// Make an earlier revision real again: configuration, values and releases together
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mainstay rollback            # to what ran before\n  mainstay rollback 4f1c02ab9e77"
)]
pub struct Rollback {
    /// The revision, as `history` names it; by default the one before the present one.
    #[arg(value_name = "REVISION")]
    revision: Option<String>,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

impl Rollback {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.standing().await?;
        let (progress, watch) = context.watch();
        let target = self.revision.map_or(RollbackTarget::Previous, RollbackTarget::Revision);
        let confirm = |plan: &operations::Planned| {
            progress.finish();
            view::plan_before_apply(context.screen, plan);
            if plan.has_changes() { context.confirm("Go back to this?", self.yes) } else { Ok(true) }
        };
        let report = operations::rollback(&session, target, &watch, confirm).await;
        progress.finish();
        context.end(report?)
    }
}
