//! `mainstay up`

use futures_util::StreamExt;
use operations::{Checks, Fault, LogRequest};

use super::Context;
use crate::variables::Variables;
use crate::{exit, view};

/// Bring the project up on this machine: agent, images, services, seed data; then follow the logs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay up --detach")]
pub struct Up {
    /// Do not follow the logs.
    #[arg(short, long)]
    detach: bool,

    /// Do not ask before something is deleted.
    #[arg(short, long)]
    yes: bool,

    /// Let pinned services move again that this changes.
    #[arg(long)]
    unpin: bool,

    #[command(flatten)]
    variables: Variables,
}

impl Up {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.session(&self.variables.given()?, Checks::All).await?;
        let (progress, watch) = context.watch();
        let confirm = |plan: &operations::Planned| {
            progress.finish();
            // `up` is the word to go on; only what would be lost is asked about.
            if !plan.deletes() {
                return Ok(true);
            }
            view::plan_before_apply(context.screen, plan);
            context.confirm("This deletes something. Go on?", self.yes)
        };
        let up = operations::up(&session, self.unpin, &watch, confirm).await;
        progress.finish();
        let Some(up) = up? else { return context.end(None) };
        let code = view::up(context.screen, &up);
        if code != exit::DONE || self.detach {
            return Ok(code);
        }
        let request =
            LogRequest { services: Vec::new(), instance: None, tail: Some(10), since: None, follow: true };
        let mut lines = operations::logs(&session, &request).await?;
        let mut printer = view::LogPrinter::new(context.screen);
        context
            .screen
            .note("Following the logs; Ctrl-C leaves, the services go on. `mainstay down` stops them.");
        context.leave.at_once(exit::DONE);
        while let Some(line) = lines.next().await {
            printer.print(&line?);
        }
        Ok(exit::DONE)
    }
}
