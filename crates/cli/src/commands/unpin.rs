//! `mainstay unpin`

use operations::{Fault, HoldRequest};

use super::{Context, shared};

/// Let pinned services move again
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mainstay unpin web\n  mainstay unpin --all")]
pub struct Unpin {
    /// The services.
    #[arg(value_name = "SERVICE", required_unless_present = "all", conflicts_with = "all")]
    services: Vec<String>,

    /// All that are pinned.
    #[arg(long)]
    all: bool,
}

impl Unpin {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let services = if self.all { Vec::new() } else { self.services };
        shared::hold(context, HoldRequest::Unpin { services }).await
    }
}
