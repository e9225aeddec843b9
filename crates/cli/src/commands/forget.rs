//! `mainstay forget`

use operations::{Checks, Fault};

use super::{Context, shared};

/// Forget an object of which an interrupted run left open whether it exists
///
/// The next plan makes it again: look whether it exists before, and remove it by hand or adopt it if it does.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay forget module.network.aws_vpc.main")]
pub struct Forget {
    /// The address that the plan names.
    #[arg(value_name = "ADDRESS")]
    address: String,
}

impl Forget {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let address = shared::address(&self.address)?;
        let session = context.session(&[], Checks::Shape).await?;
        session.forget(&address).await?;
        context.end_with(
            &format!("forgot what was open about {address} in {}", session.environment),
            &serde_json::json!({ "forgotten": address.to_string(), "environment": session.environment.to_string() }),
        );
        Ok(crate::exit::DONE)
    }
}
