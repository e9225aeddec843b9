//! `mainstay image`

use clap::Subcommand;
use operations::{Checks, Fault};

use super::Context;
use crate::variables::Variables;
use crate::{exit, view};

/// Build and list images; no Docker is needed
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay image build shop/web")]
pub struct Image {
    #[command(subcommand)]
    action: ImageAction,
}

#[derive(Debug, Subcommand)]
enum ImageAction {
    /// Build images as their blocks say, and pin each as its name's release in the environment.
    Build {
        /// The images; none: all.
        #[arg(value_name = "NAME")]
        names: Vec<String>,

        #[command(flatten)]
        variables: Variables,
    },
    /// List the images that were built here.
    #[command(visible_alias = "ls")]
    List,
    /// Remove the images that no environment's release and no revision in the history needs.
    Prune,
}

impl Image {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        match self.action {
            ImageAction::Build { names, variables } => {
                let session = context.session(&variables.given()?, Checks::All).await?;
                let (progress, watch) = context.watch();
                let built = operations::build_images(&session, &names, &watch).await;
                progress.finish();
                let built = built?;
                operations::pin_images(&session, &built).await?;
                if context.screen.json {
                    context.screen.data(&built);
                } else {
                    view::built(context.screen, &built);
                }
            }
            ImageAction::List => {
                let session = context.session(&[], Checks::All).await?;
                view::images(context.screen, &operations::list_images(&session).await?);
            }
            ImageAction::Prune => {
                let session = context.session(&[], Checks::All).await?;
                view::pruned(context.screen, &operations::prune_images(&session).await?);
            }
        }
        Ok(exit::DONE)
    }
}
