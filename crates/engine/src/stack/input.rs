//! What a stack is planned and applied from, and where its providers come from. Nothing is evaluated here.

use std::sync::Arc;

use async_trait::async_trait;
use diag::Diagnostics;
use lang::address::EnvironmentName;
use lang::configuration::Tree;
use lang::{ProjectFiles, ProviderAddress};
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
