//! `mainstay down`

use operations::Fault;

use super::Context;

/// Stop everything that `up` started in the environment; images and history stay
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay down")]
pub struct Down {}

impl Down {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.standing().await?;
        let (progress, watch) = context.watch();
        let report = operations::down(&session, &watch).await;
        progress.finish();
        let report = report?;
        if report.deployment.is_none() && report.faults.is_empty() && !context.screen.json {
            context.screen.line(&format!("Nothing runs in {}.", session.environment));
        }
        context.end(Some(report))
    }
}
