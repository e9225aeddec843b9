//! `mainstay apply`

use std::path::PathBuf;

use operations::{ApplyRequest, Fault};

use super::{Context, shared};
use crate::variables::Variables;
use crate::{exit, view};

/// Make the configuration real; on a failure everything that had moved is taken back
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mainstay apply --yes --env stage\n  mainstay apply --env stage,prod")]
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

    /// Let pinned services move again that this changes.
    #[arg(long)]
    unpin: bool,

    #[command(flatten)]
    variables: Variables,
}

impl Apply {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let targets = shared::addresses(&self.target)?;
        let sessions = context.sessions(&[], &self.variables.given()?).await?;
        let (progress, watch) = context.watch();
        // Who saved a plan has read it.
        let yes = self.yes || self.plan.is_some();
        let request = ApplyRequest { saved: self.plan, targets, unpins: self.unpin };
        let confirm = |plans: &[operations::Planned]| {
            progress.finish();
            view::plans_before_apply(context.screen, plans);
            let has_changes = plans.iter().any(operations::Planned::has_changes);
            if has_changes { context.confirm("Make these changes?", yes) } else { Ok(true) }
        };
        let reports = operations::apply(&sessions, request, &watch, confirm).await;
        progress.finish();
        let Some(reports) = reports? else { return context.end(None) };
        let begun = reports.len();
        let mut code = exit::DONE;
        for (session, report) in sessions.iter().zip(reports) {
            if sessions.len() > 1 {
                view::environment(context.screen, session.environment.as_str());
            }
            code = context.end(Some(report))?;
        }
        for session in &sessions[begun..] {
            context.screen.note(&format!("`{}` was not begun.", session.environment));
        }
        Ok(code)
    }
}
