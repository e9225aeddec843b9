//! `mainstay init`

use std::path::PathBuf;

use operations::Fault;

use super::Context;
use crate::exit;

/// Write a project of one file that `up` can bring up at once
#[derive(Debug, clap::Args)]
#[command(after_help = "Example:\n  mainstay init shop && cd shop && mainstay up")]
pub struct Init {
    /// The folder; made if it is not there.
    #[arg(default_value = ".")]
    folder: PathBuf,

    /// The project's name; by default the folder's.
    #[arg(long)]
    name: Option<String>,
}

impl Init {
    pub fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let folder = context.project.clone().unwrap_or_default().join(&self.folder);
        let done = operations::init(&folder, self.name.as_deref())?;
        if context.screen.json {
            context.screen.data(&done);
        } else {
            for file in &done.files {
                context.screen.line(&format!("wrote {}", file.display()));
            }
            context.screen.line(&format!("Project {} is ready: `mainstay up` starts it.", done.project));
        }
        Ok(exit::DONE)
    }
}
