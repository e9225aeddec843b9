//! `mainstay diff`

use operations::{Checks, Fault};

use super::Context;
use crate::{exit, view};

/// Show how two environments differ: in what is described, and in what was made of it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay diff stage prod")]
pub struct Diff {
    /// The one environment.
    #[arg(value_name = "FROM")]
    from: String,

    /// The other environment.
    #[arg(value_name = "TO")]
    to: String,

    /// Exit with 2 where they differ, 0 where they do not, 1 for every fault.
    #[arg(long)]
    detailed_exitcode: bool,
}

impl Diff {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let from = context.session_in(&self.from, &[], Checks::Shape).await?;
        let to = context.session_in(&self.to, &[], Checks::Shape).await?;
        let (progress, watch) = context.watch();
        let comparison = operations::compare(&from, &to, &watch).await;
        progress.finish();
        let comparison = comparison?;
        view::comparison(context.screen, &comparison);
        let differs = !comparison.objects.is_empty();
        Ok(if self.detailed_exitcode && differs { exit::USAGE } else { exit::DONE })
    }
}
