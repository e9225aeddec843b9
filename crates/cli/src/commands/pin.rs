//! `mainstay pin`

use operations::{Fault, HoldRequest};

use super::{Context, shared};

/// Keep services as they are, until `mainstay unpin`
///
/// What would change them is refused; `rollback` works all the same, and pins what it moves.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay pin web --message \"under investigation\"")]
pub struct Pin {
    /// The services.
    #[arg(value_name = "SERVICE", required = true)]
    services: Vec<String>,

    /// Why, for whoever comes to it.
    #[arg(short, long, value_name = "TEXT", default_value = "no reason was given")]
    message: String,
}

impl Pin {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        shared::hold(context, HoldRequest::Pin { services: self.services, why: self.message }).await
    }
}
