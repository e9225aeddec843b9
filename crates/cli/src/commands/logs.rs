//! `mainstay logs`

use futures_util::StreamExt;
use operations::{Fault, LogRequest};

use super::Context;
use crate::{exit, view};

/// What is shown where nothing is said.
const TAIL: u64 = 200;

/// Show what services print
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mainstay logs web --tail 50\n  mainstay logs web --since 10m\n  mainstay logs --follow"
)]
pub struct Logs {
    /// The services; none: all.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Go on with what is printed from now on.
    #[arg(short, long)]
    follow: bool,

    /// Only the last lines of each service; 200 if nothing is said, and all with `--since`.
    #[arg(short = 'n', long, value_name = "LINES")]
    tail: Option<u64>,

    /// Nothing older: how long ago, as in `10m`, or a time, as in `2026-11-27T18:00:00Z`.
    #[arg(long, value_name = "TIME")]
    since: Option<String>,

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
            tail: self.tail.or_else(|| self.since.is_none().then_some(TAIL)),
            since: self.since,
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
