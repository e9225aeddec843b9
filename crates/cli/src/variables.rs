//! Values for variables, as several commands take them.

/// Values for variables.
#[derive(Debug, clap::Args)]
pub struct Variables {
    /// Set a variable: NAME=VALUE, where VALUE is text or, for other types, an expression. May be repeated.
    #[arg(long = "var", value_name = "NAME=VALUE")]
    pub var: Vec<String>,
}
