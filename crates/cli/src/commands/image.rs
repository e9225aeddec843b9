//! `mainstay image`

use clap::Subcommand;
use operations::{Checks, Fault};

use super::Context;
use crate::variables::Variables;
use crate::{exit, view};

/// Build, push, pull and list images; no Docker is needed
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  mainstay image build shop/web\n  mainstay image push shop/web registry.example/shop/web:1"
)]
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

        /// Ask Debian for newer packages of the bases; otherwise they are taken as they were made.
        #[arg(long)]
        refresh: bool,

        #[command(flatten)]
        variables: Variables,
    },
    /// Push an image to a registry; only what it does not have is sent.
    Push {
        /// The image: a name, whose release in the environment is meant, or the beginning of a digest.
        #[arg(value_name = "NAME")]
        name: String,

        /// Where to: `registry.example/shop/web:1`.
        #[arg(value_name = "REFERENCE")]
        reference: String,
    },
    /// Pull an image from a registry, to have it before it is needed.
    Pull {
        /// The image: `registry.example/shop/web:1`, or with a digest.
        #[arg(value_name = "REFERENCE")]
        reference: String,
    },
    /// List the images that were built or pulled here.
    #[command(visible_alias = "ls")]
    List,
    /// Remove the images that no environment's release and no revision in the history needs.
    Prune,
}

impl Image {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        match self.action {
            ImageAction::Build { names, refresh, variables } => {
                let session = context.session(&variables.given()?, Checks::All).await?;
                let (progress, watch) = context.watch();
                let built = operations::build_images(&session, &names, refresh, &watch).await;
                progress.finish();
                let built = built?;
                operations::pin_images(&session, &built).await?;
                if context.screen.json {
                    context.screen.data(&built);
                } else {
                    view::built(context.screen, &built);
                }
            }
            ImageAction::Push { name, reference } => {
                let session = context.session(&[], Checks::All).await?;
                let (progress, watch) = context.watch();
                let pushed = operations::push_image(&session, &name, &reference, &watch).await;
                progress.finish();
                view::pushed(context.screen, &pushed?);
            }
            ImageAction::Pull { reference } => {
                let session = context.session(&[], Checks::All).await?;
                let (progress, watch) = context.watch();
                let pulled = operations::pull_image(&session, &reference, &watch).await;
                progress.finish();
                view::pulled(context.screen, &pulled?);
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
