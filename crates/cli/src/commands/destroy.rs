//! `mainstay destroy`

use operations::{Checks, Fault};

use super::{Context, shared};
use crate::view;

/// Remove everything that the environment has, dependents first
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay destroy --target worker")]
pub struct Destroy {
    /// Only these and what depends on them: `service.web`, or `web`. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,
}

impl Destroy {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let targets = shared::addresses(&self.target)?;
        let session = context.session(&[], Checks::Shape).await?;
        let (progress, watch) = context.watch();
        let question = format!("Destroy this in {}? It cannot be taken back", session.environment);
        let confirm = |plan: &operations::Planned| {
            progress.finish();
            view::plan_before_apply(context.screen, plan);
            if plan.has_changes() { context.confirm(&question, self.yes) } else { Ok(true) }
        };
        let report = operations::destroy(&session, targets, &watch, confirm).await;
        progress.finish();
        context.end(report?)
    }
}
