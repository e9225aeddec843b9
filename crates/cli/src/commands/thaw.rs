//! `mainstay thaw`

use operations::{Fault, HoldRequest};

use super::{Context, shared};

/// Let a frozen environment move again; pins stay
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay thaw --env prod")]
pub struct Thaw {}

impl Thaw {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let Self {} = self;
        shared::hold(context, HoldRequest::Thaw).await
    }
}
