//! Registries: images pulled into a layout and pushed out of one. [OCI distribution specification 1.1]
//!
//! The client is our own, on the HTTP client that the workspace has anyway. `oci-client` 0.18 would bring twenty more crates and a
//! second set of the image documents, and leaves to its caller what is the work here: to go on where a connection broke, to
//! check sizes and digests before a byte counts, credentials, mirrors, and telling how far it is.
//!
//! Nothing is believed that a registry says: sizes and digests come from the manifest, the manifest from its digest, and only
//! a tag's digest is taken on trust. It searches no registry, deletes nothing there, and signs nothing.
//!
//! [OCI distribution specification 1.1]: https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md

mod auth;
mod challenge;
mod client;
mod docker_config;
mod download;
mod endpoint;
mod error;
mod http;
mod manifest;
mod progress;
mod pull;
mod push;
mod reference;
mod settings;
mod upload;

pub use client::Registries;
pub use docker_config::DockerConfig;
pub use error::RegistryError;
pub use progress::{Event, Progress, Silent};
pub use pull::Pulled;
pub use push::Pushed;
pub use reference::Reference;
pub use settings::{Credentials, Patience, RegistrySettings, Secret, Settings};

type Result<T, E = RegistryError> = std::result::Result<T, E>;
