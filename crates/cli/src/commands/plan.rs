//! `mainstay plan`

use std::path::PathBuf;

use operations::{Fault, PlanOptions};

use super::{Context, shared};
use crate::variables::Variables;
use crate::{exit, view};

/// Show what an apply would change; changes nothing
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mainstay plan prod --out next.plan && mainstay apply next.plan --env prod\n  mainstay plan stage prod"
)]
pub struct Plan {
    /// The environment, as `--env` names it. Several are planned in this order, each with what those before it will be.
    #[arg(value_name = "ENV")]
    environments: Vec<String>,

    /// Only these and what they depend on: `service.web`, or `web`. May be repeated.
    #[arg(long, value_name = "ADDRESS")]
    target: Vec<String>,

    /// Plan to destroy everything.
    #[arg(long)]
    destroy: bool,

    /// Keep the plan in a file, for `apply`.
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,

    /// Exit with 2 where there are changes, 0 where there are none, 1 for every fault.
    #[arg(long)]
    detailed_exitcode: bool,

    #[command(flatten)]
    variables: Variables,
}

impl Plan {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let detailed = self.detailed_exitcode;
        match self.plan(context).await {
            // 2 means changes here, and must not mean anything else.
            Err(fault) if detailed => {
                view::fault(context.screen, &fault);
                Ok(exit::FAILED)
            }
            other => other,
        }
    }

    async fn plan(self, context: &Context<'_>) -> Result<u8, Fault> {
        let targets = shared::addresses(&self.target)?;
        let sessions = context.sessions(&self.environments, &self.variables.given()?).await?;
        let (progress, watch) = context.watch();
        let options = PlanOptions { destroy: self.destroy, targets, ..PlanOptions::default() };
        let planned = operations::plan(&sessions, options, &watch).await;
        progress.finish();
        let planned = planned?;
        view::plans(context.screen, &planned);
        match (&self.out, sessions.as_slice(), planned.as_slice()) {
            (Some(path), [session], [planned]) => {
                operations::write_plan(session, planned, path)?;
                context
                    .screen
                    .note(&format!("Saved: `mainstay apply {}` makes exactly this.", path.display()));
            }
            (Some(_), ..) => {
                return Err(Fault::usage(
                    "a saved plan is of one environment",
                    "plan each with an `--out` of its own, or apply them together: `mainstay apply --env stage,prod`",
                ));
            }
            (None, ..) => {}
        }
        let changes = planned.iter().any(operations::Planned::has_changes);
        Ok(if self.detailed_exitcode && changes { exit::USAGE } else { exit::DONE })
    }
}
