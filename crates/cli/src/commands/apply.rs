//! `mainstay apply`

use std::path::PathBuf;

use operations::{ApplyRequest, Checks, Fault};

use super::{Context, shared};
use crate::variables::Variables;
use crate::view;

/// Make the configuration real; on a failure everything that had moved is taken back
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay apply --yes --env stage")]
pub struct Apply {
    /// A plan that `plan --out` saved; without it a new one is made and shown.
    #[arg(value_name = "PLAN", conflicts_with_all = ["target", "var"])]
    plan: Option<PathBuf>,

    /// Only these and what they depend on: `service.web`, or `web`. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,

    #[command(flatten)]
    variables: Variables,
}

impl Apply {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let targets = shared::addresses(&self.target)?;
        let session = context.session(&self.variables.var, Checks::Shape).await?;
        let (progress, watch) = context.watch();
        // Who saved a plan has read it.
        let yes = self.yes || self.plan.is_some();
        let request = ApplyRequest { saved: self.plan, targets };
        let confirm = |plan: &operations::Planned| {
            progress.finish();
            view::plan_before_apply(context.screen, plan);
            if plan.has_changes() { context.confirm("Make these changes?", yes) } else { Ok(true) }
        };
        let report = operations::apply(&session, request, &watch, confirm).await;
        progress.finish();
        context.end(report?)
    }
}
