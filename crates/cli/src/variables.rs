//! Values for variables, as several commands take them.

use operations::Fault;

/// Values for variables.
#[derive(Debug, clap::Args)]
pub struct Variables {
    /// Set a variable: NAME=VALUE, where VALUE is text or, for other types, an expression. May be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub var: Vec<String>,

    /// Set an environment variable of a service, over whatever else gives it a value: SERVICE.NAME=VALUE. It holds until the next apply
    /// without it. May be repeated.
    #[arg(long = "set-env", value_name = "SERVICE.NAME=VALUE")]
    pub set_env: Vec<String>,
}

impl Variables {
    /// All of them, as an operation takes them.
    ///
    /// # Errors
    /// If one is not written as it has to be.
    pub fn given(&self) -> Result<Vec<String>, Fault> {
        let mut given = self.var.clone();
        for pair in &self.set_env {
            let parts = pair.split_once('=').and_then(|(name, value)| Some((name.split_once('.')?, value)));
            let Some(((service, name), value)) =
                parts.filter(|((service, name), _)| !service.is_empty() && !name.is_empty())
            else {
                return Err(Fault::usage(
                    format!("`--set-env {pair}` names no variable of a service with its value"),
                    "write `--set-env SERVICE.NAME=VALUE`, as in `--set-env web.LOG_LEVEL=debug`",
                ));
            };
            given.push(format!("service.{service}.env.{name}={value}"));
        }
        Ok(given)
    }
}
