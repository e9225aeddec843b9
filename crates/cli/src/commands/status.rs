//! `mainstay status`

use operations::Fault;

use super::Context;
use crate::{exit, view};

/// Show what runs: every service in every cluster, and where it answers
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay status --json | jq '.cells[].serving'")]
pub struct Status {
    /// Show each instance as well.
    #[arg(short, long)]
    instances: bool,
}

impl Status {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.standing().await?;
        let status = operations::status(&session).await?;
        view::status(context.screen, &status, self.instances);
        Ok(exit::DONE)
    }
}
