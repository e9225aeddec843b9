//! Whose account a provider works in: it is asked once it is configured, and nothing goes on where it is another than the environment's.

use std::sync::Arc;

use async_trait::async_trait;
use engine::stack::provider::{
    AppliedResource, ApplyResource, Observed, Part, PlanResource, PlannedResource, Powers, ProviderSchema,
    Remark, Told,
};
use engine::stack::{ProviderAddress, ResourceProvider};
use lang::schema::Block;
use value::Value;

/// What tells the account, by the provider's name: a data source that needs no arguments, and its attribute.
const TELLING: [(&str, &str, &str); 3] = [
    ("aws", "aws_caller_identity", "account_id"),
    ("google", "google_client_config", "project"),
    ("azurerm", "azurerm_client_config", "subscription_id"),
];

/// A provider that refuses to work in other accounts.
pub(super) struct OfAccount {
    pub(super) below: Arc<dyn ResourceProvider>,
    pub(super) provider: ProviderAddress,
    pub(super) environment: String,
    pub(super) accounts: Vec<Arc<str>>,
}

impl OfAccount {
    async fn account(&self) -> Result<String, Vec<Remark>> {
        let unknown = |why: String| vec![Remark::error("The account of the provider is not known", why)];
        let name = self.provider.name();
        let telling = TELLING.iter().find(|(provider, ..)| *provider == name);
        let Some((_, kind, attribute)) = telling else {
            let why = format!(
                "the environment `{}` names its accounts, and nothing is known here that tells the account of {}; take `accounts` out",
                self.environment, self.provider
            );
            return Err(unknown(why));
        };
        let schema = self.below.schema().await?;
        let Some(kind_schema) = schema.data.get(kind) else {
            return Err(unknown(format!("{} has no data source {kind}", self.provider)));
        };
        let read = self.below.read_data(kind, &nothing(&kind_schema.block)).await?;
        match read.value.get(attribute).as_ref().and_then(Value::as_str) {
            Some(account) => Ok(account.to_owned()),
            None => Err(unknown(format!("{kind} does not tell {attribute}"))),
        }
    }
}

/// A block in which nothing is written.
fn nothing(block: &Block) -> Value {
    let attributes =
        block.attributes.iter().map(|it| (it.name.clone(), Value::null(it.ty.without_optional())));
    let ty = block.ty();
    let blocks = block.blocks.iter().map(|it| {
        let of = Value::unknown(ty.clone()).get(&it.name).map_or(value::Type::Dynamic, |value| value.ty());
        let value = match &of {
            value::Type::List(element) => Value::list(element.as_ref().clone(), Vec::new()),
            value::Type::Set(element) => Value::set(element.as_ref().clone(), Vec::new()),
            other => Value::null(other.clone()),
        };
        (it.name.clone(), value)
    });
    Value::object(attributes.chain(blocks))
}

#[async_trait]
impl ResourceProvider for OfAccount {
    async fn schema(&self) -> Result<Arc<ProviderSchema>, Vec<Remark>> {
        self.below.schema().await
    }

    async fn validate(&self, part: Part, kind: &str, configuration: &Value) -> Vec<Remark> {
        self.below.validate(part, kind, configuration).await
    }

    async fn prepare(&self, configuration: &Value) {
        self.below.prepare(configuration).await;
    }

    async fn configure(&self, configuration: &Value) -> Result<Vec<Remark>, Vec<Remark>> {
        let warnings = self.below.configure(configuration).await?;
        let found = self.account().await?;
        if self.accounts.iter().any(|account| **account == *found) {
            return Ok(warnings);
        }
        let why = format!(
            "the environment `{}` works in {}, and {} is in {found}; nothing was planned. Give it the credentials of the right account in the environment's `provider` block, or correct `accounts`",
            self.environment,
            self.accounts.join(" and "),
            self.provider
        );
        Err(vec![Remark::error("Wrong account", why)])
    }

    async fn upgrade(&self, kind: &str, version: u64, stored: &Value) -> Result<Value, Vec<Remark>> {
        self.below.upgrade(kind, version, stored).await
    }

    async fn read(&self, kind: &str, state: &Observed) -> Result<Told<Option<Observed>>, Vec<Remark>> {
        self.below.read(kind, state).await
    }

    async fn plan(&self, kind: &str, request: &PlanResource<'_>) -> Result<PlannedResource, Vec<Remark>> {
        self.below.plan(kind, request).await
    }

    async fn apply(&self, kind: &str, request: &ApplyResource<'_>) -> AppliedResource {
        self.below.apply(kind, request).await
    }

    async fn read_data(&self, kind: &str, configuration: &Value) -> Result<Told<Value>, Vec<Remark>> {
        self.below.read_data(kind, configuration).await
    }

    async fn plans_removals(&self) -> bool {
        self.below.plans_removals().await
    }

    async fn stop(&self) {
        self.below.stop().await;
    }

    fn powers(&self) -> Option<&dyn Powers> {
        self.below.powers()
    }
}
