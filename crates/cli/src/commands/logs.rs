//! `mainstay logs`

use futures_util::StreamExt;
use operations::{Fault, LogRequest};

use super::Context;
use crate::{exit, view};

/// Show what services print
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mainstay logs web --tail 50\n  mainstay logs --follow")]
pub struct Logs {
    /// The services; none: all.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Go on with what is printed from now on.
    #[arg(short, long)]
    follow: bool,

    /// Only the last lines of each instance.
    #[arg(short = 'n', long, value_name = "LINES", default_value_t = 200)]
    tail: u64,

    /// Only this instance, as `status --instances` names it.
    #[arg(long, value_name = "ID")]
    instance: Option<String>,
}

impl Logs {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.standing().await?;
        let request = LogRequest {
            services: self.services,
            instance: self.instance,
            tail: Some(self.tail),
            follow: self.follow,
        };
        let mut lines = operations::logs(&session, &request).await?;
        let mut printer = view::LogPrinter::new(context.screen);
        while let Some(line) = lines.next().await {
            printer.print(&line?);
        }
        Ok(exit::DONE)
    }
}
