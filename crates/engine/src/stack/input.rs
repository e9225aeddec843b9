//! What a stack is planned and applied from, and where its providers come from. Nothing is evaluated here.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use diag::Diagnostics;
use lang::ProjectFiles;
use lang::address::EnvironmentName;
use lang::configuration::Tree;
use value::Value;

use super::ResourceProvider;
use crate::Provisioners;

/// Everything that a walk over a stack needs.
#[derive(Clone)]
pub struct StackInput {
    /// The modules.
    pub tree: Arc<Tree>,
    /// The files that functions may read.
    pub files: Arc<dyn ProjectFiles>,
    /// The environment (Terraform's workspace).
    pub environment: EnvironmentName,
    /// The root module's variables, by [`VariableId`](lang::VariableId); `None` where nobody gave one.
    pub variables: Vec<Option<Value>>,
    /// What `environment.x` is, by the environment's name; an environment that is not here is unknown.
    pub environments: Vec<(Arc<str>, Value)>,
    /// Where providers come from.
    pub providers: Arc<dyn ProviderSource>,
    /// What runs provisioners; none where there are none.
    pub provisioners: Option<Arc<dyn Provisioners>>,
    /// When the plan is made; Unix milliseconds. What `plantimestamp()` answers.
    pub now_ms: u64,
}

/// Where providers come from: what installs and starts them.
#[async_trait]
pub trait ProviderSource: Send + Sync {
    /// Starts a provider that has no configuration yet. Each configuration asks for one of its own.
    ///
    /// # Errors
    /// If there is no such provider, or it does not start.
    async fn start(&self, provider: &ProviderAddress) -> Result<Arc<dyn ResourceProvider>, Diagnostics>;
}

/// A provider, whatever a module calls it: `registry.terraform.io/hashicorp/aws`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProviderAddress(pub(super) Arc<str>);

/// The registry of addresses that name none.
const DEFAULT_REGISTRY: &str = "registry.terraform.io";
/// The owner of providers that are known by their name alone.
const DEFAULT_OWNER: &str = "hashicorp";

impl ProviderAddress {
    /// What makes `terraform_data` and reads `terraform_remote_state`.
    pub const BUILTIN: &'static str = "terraform.io/builtin/terraform";

    /// The provider of a source as `required_providers` has it: `aws`, `hashicorp/aws` or the whole of it.
    #[must_use]
    pub fn of_source(source: &str) -> Self {
        let parts: Vec<&str> = source.split('/').collect();
        let text = match parts.as_slice() {
            [name] => format!("{DEFAULT_REGISTRY}/{DEFAULT_OWNER}/{name}"),
            [owner, name] => format!("{DEFAULT_REGISTRY}/{owner}/{name}"),
            _ => source.to_owned(),
        };
        Self(text.to_ascii_lowercase().into())
    }

    /// The provider of a name for which no source is said.
    #[must_use]
    pub fn of_name(name: &str) -> Self {
        if name == "terraform" { Self(Self::BUILTIN.into()) } else { Self::of_source(name) }
    }

    /// Its text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The last part: `aws`.
    #[must_use]
    pub fn name(&self) -> &str {
        self.0.rsplit('/').next().unwrap_or(&self.0)
    }
}

impl fmt::Display for ProviderAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
