//! `mainstay plan`

use std::path::PathBuf;

use operations::{Checks, Fault, PlanOptions};

use super::{Context, shared};
use crate::variables::Variables;
use crate::{exit, view};

/// Show what an apply would change; changes nothing
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay plan prod --out next.plan && mainstay apply next.plan --env prod")]
pub struct Plan {
    /// The environment, as `--env` names it.
    #[arg(value_name = "ENV")]
    environment: Option<String>,

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
        let session = match &self.environment {
            Some(environment) => context.session_in(environment, &self.variables.var, Checks::Shape).await?,
            None => context.session(&self.variables.var, Checks::Shape).await?,
        };
        let (progress, watch) = context.watch();
        let options = PlanOptions { destroy: self.destroy, targets };
        let planned = operations::plan(&session, &options, &watch).await;
        progress.finish();
        let planned = planned?;
        view::plan(context.screen, &planned);
        if let Some(path) = &self.out {
            operations::write_plan(&session, &planned, path)?;
            context.screen.note(&format!("Saved: `mainstay apply {}` makes exactly this.", path.display()));
        }
        let changes = planned.has_changes();
        Ok(if self.detailed_exitcode && changes { exit::USAGE } else { exit::DONE })
    }
}
