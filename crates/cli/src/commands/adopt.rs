//! `mainstay adopt`

use operations::{Checks, Fault};

use super::{Context, shared};

/// Take an object that exists over into the state of the environment
///
/// Its block has to be in the project. Nothing is made or changed; `mainstay plan` shows afterwards what an apply would change of it.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay adopt module.network.aws_vpc.main vpc-0123456789abcdef0")]
pub struct Adopt {
    /// The address of its block: `aws_instance.web`, `module.shop.aws_s3_bucket.assets["a"]`.
    #[arg(value_name = "ADDRESS")]
    address: String,

    /// What its provider knows it by.
    #[arg(value_name = "ID")]
    id: String,

    /// A variable's value, `NAME=VALUE`. May be repeated.
    #[arg(long, value_name = "NAME=VALUE")]
    var: Vec<String>,
}

impl Adopt {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let address = shared::address(&self.address)?;
        let session = context.session(&self.var, Checks::Shape).await?;
        let (progress, watch) = context.watch();
        let adopted = session.adopt(&address, &self.id, &watch).await;
        progress.finish();
        adopted?;
        context.end_with(
            &format!("adopted {address} in {}", session.environment),
            &serde_json::json!({ "adopted": address.to_string(), "environment": session.environment.to_string() }),
        );
        Ok(crate::exit::DONE)
    }
}
