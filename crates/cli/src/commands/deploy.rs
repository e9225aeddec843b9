//! `mainstay deploy`

use operations::{Checks, DeployRequest, Fault};

use super::Context;
use crate::variables::Variables;
use crate::view;

/// Build new releases of services, or take given ones, and roll them out
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mainstay deploy web\n  mainstay deploy web --release sha256:3f2a…")]
pub struct Deploy {
    /// The services; none: all that have an image.
    #[arg(value_name = "SERVICE")]
    services: Vec<String>,

    /// Take this release, by its image's digest or an unambiguous beginning of it, instead of building one. Only with one service.
    #[arg(long, value_name = "DIGEST")]
    release: Option<String>,

    /// Do not ask.
    #[arg(short, long)]
    yes: bool,

    /// Let pinned services move again that this changes.
    #[arg(long)]
    unpin: bool,

    #[command(flatten)]
    variables: Variables,
}

impl Deploy {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.session(&self.variables.given()?, Checks::All).await?;
        let (progress, watch) = context.watch();
        let request = DeployRequest { services: self.services, release: self.release, unpins: self.unpin };
        let confirm = |plan: &operations::Planned| {
            progress.finish();
            view::plan_before_apply(context.screen, plan);
            if plan.has_changes() { context.confirm("Deploy this?", self.yes) } else { Ok(true) }
        };
        let report = operations::deploy(&session, request, &watch, confirm).await;
        progress.finish();
        context.end(report?)
    }
}
