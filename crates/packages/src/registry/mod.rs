//! Registries: which services a host has, who may use them, and the protocol of module registries.
//!
//! Discovery and credentials are those of every Terraform service, so providers' registries use them too. Nothing here writes.

mod configuration;
mod installation;
mod modules;
mod services;
mod settings;
mod token;

pub use configuration::CliConfiguration;
pub(crate) use installation::mirror_url;
pub use installation::{InstallationMethod, MethodKind, ProviderInstallation, ProviderPattern};
pub(crate) use modules::Registry;
pub(crate) use services::Services;
pub use settings::ProviderSettings;
pub use token::{Token, token_variable};
