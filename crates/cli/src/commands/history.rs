//! `mainstay history`

use operations::Fault;

use super::Context;
use crate::{exit, view};

/// Show what was deployed, when, by whom, and how it ended
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay history --limit 5")]
pub struct History {
    /// How many, newest first.
    #[arg(short = 'n', long, default_value_t = 20)]
    limit: u32,
}

impl History {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.standing().await?;
        let deployments = operations::history(&session, self.limit).await?;
        view::history(context.screen, &deployments);
        Ok(exit::DONE)
    }
}
