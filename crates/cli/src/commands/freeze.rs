//! `mainstay freeze`

use operations::{Fault, HoldRequest};

use super::{Context, shared};

/// Let nothing in the environment move, until `mainstay thaw`
///
/// `apply`, `deploy`, `up` and `destroy` are refused where they would change something; `rollback` works all the same.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay freeze --env prod --message \"the sale begins on Friday\"")]
pub struct Freeze {
    /// Why, for whoever comes to it.
    #[arg(short, long, value_name = "TEXT", default_value = "no reason was given")]
    message: String,
}

impl Freeze {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        shared::hold(context, HoldRequest::Freeze { why: self.message }).await
    }
}
