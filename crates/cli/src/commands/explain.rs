//! `mainstay explain`

use operations::{Checks, ExplainedVariable, Fault};

use super::Context;
use crate::exit;
use crate::variables::Variables;
use crate::view::{Paint, Table};

/// Say where a service's environment variables come from, and which value counts
///
/// An image is under the service, the service under its environment, and the environment under the launch (`--set-env`).
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  mainstay explain web\n  mainstay explain web CACHE --env prod")]
pub struct Explain {
    /// The service.
    #[arg(value_name = "SERVICE")]
    service: String,

    /// Only this variable.
    #[arg(value_name = "NAME")]
    name: Option<String>,

    #[command(flatten)]
    variables: Variables,
}

impl Explain {
    pub async fn run(self, context: &Context<'_>) -> Result<u8, Fault> {
        let session = context.session(&self.variables.given()?, Checks::All).await?;
        let (progress, watch) = context.watch();
        let found = operations::explain(&session, &self.service, self.name.as_deref(), &watch).await;
        progress.finish();
        let found = found?;
        let screen = context.screen;
        if screen.json {
            screen.data(&found);
            return Ok(exit::DONE);
        }
        let mut instance = None;
        let mut table = Table::new(&["VARIABLE", "VALUE", "FROM", ""]);
        for variable in &found {
            if instance != Some(&variable.service) {
                table.row(vec![screen.paint(Paint::Strong, &variable.service.to_string())]);
                instance = Some(&variable.service);
            }
            rows(variable).into_iter().for_each(|row| table.row(row));
        }
        table.lines().iter().for_each(|line| screen.line(line));
        Ok(exit::DONE)
    }
}

/// The value that counts first, then those that it goes over.
fn rows(variable: &ExplainedVariable) -> Vec<Vec<String>> {
    let row = |(at, given): (usize, &operations::GivenVariable)| {
        let (name, note) = if at == 0 { (variable.name.clone(), "") } else { (String::new(), "overridden") };
        vec![name, given.value.clone(), given.layer.clone(), note.into()]
    };
    variable.given.iter().rev().enumerate().map(row).collect()
}
