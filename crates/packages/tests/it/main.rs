//! Module sources and providers against real servers on loopback, real git repositories, and Terraform itself where it is at hand.

mod archives;
mod cli_configuration;
mod fixtures;
mod folders;
mod git;
mod http;
mod locks;
mod openpgp;
mod oracle;
mod provider_fixtures;
mod provider_mirrors;
mod provider_oracle;
mod provider_registry;
mod registry;
mod sources;
mod together;
mod versions;
