//! An intent of the journal as every store writes it, and back. It reads and writes nothing.

use engine::{DeploymentId, EnvironmentName, Intent, OpenOperation, StoreError};
use value::{Encoded, Value};

use crate::journal_words::{action, action_word, journal_context, operation_id};
use crate::keys::KeyRing;
use crate::rows::{Origin, Rows, addresses_text, deposed_text, record_text, sealed_text};

/// An intent, ready to be written: what is sensitive is sealed.
pub(crate) struct IntentText {
    pub(crate) deployment: String,
    pub(crate) address: String,
    pub(crate) deposed: String,
    pub(crate) action: String,
    pub(crate) before: Option<String>,
    pub(crate) after: Option<String>,
    pub(crate) depends_on: Option<String>,
    pub(crate) record: Option<String>,
    pub(crate) taking_back: bool,
    pub(crate) at_ms: u64,
}

impl IntentText {
    pub(crate) fn new(keys: &KeyRing, intent: &Intent, at_ms: u64) -> Result<Self, StoreError> {
        let address = intent.address.to_string();
        let seal = |side: &str, value: &Option<Value>| {
            let context = journal_context(intent.deployment.as_str(), &address, side);
            value.as_ref().map(|value| sealed_text(keys, &intent.environment, &context, value)).transpose()
        };
        Ok(Self {
            deployment: intent.deployment.to_string(),
            deposed: deposed_text(&intent.record),
            action: action_word(intent.action).to_owned(),
            before: seal("before", &intent.before)?,
            after: seal("after", &intent.after)?,
            depends_on: addresses_text(&intent.depends_on),
            record: record_text(keys, &intent.environment, &address, &intent.record)?,
            taking_back: intent.taking_back,
            at_ms,
            address,
        })
    }

    /// The operation of this number that was begun with it.
    pub(crate) fn read(
        &self,
        origin: &dyn Origin,
        keys: &KeyRing,
        environment: &EnvironmentName,
        number: u64,
    ) -> Result<OpenOperation, StoreError> {
        let unreadable = |fault: &dyn std::fmt::Display| {
            origin.unreadable(&format!("operation {number} of {environment}"), fault)
        };
        let value = |side: &str, text: &Option<String>| {
            let context = journal_context(&self.deployment, &self.address, side);
            let unseal = |text: &String| {
                let encoded: Encoded =
                    serde_json::from_str(text).map_err(|fault| origin.unreadable(&context, &fault))?;
                keys.unseal(environment, &context, encoded)
            };
            text.as_ref().map(unseal).transpose()
        };
        let mut records = Rows::new(origin, keys, environment);
        Ok(OpenOperation {
            id: operation_id(environment, number),
            intent: Intent {
                environment: environment.clone(),
                deployment: DeploymentId::new(self.deployment.as_str()),
                address: self.address.parse().map_err(|fault| unreadable(&fault))?,
                action: action(&self.action)
                    .ok_or_else(|| unreadable(&format!("`{}` is not an action", self.action)))?,
                before: value("before", &self.before)?,
                after: value("after", &self.after)?,
                depends_on: self
                    .depends_on
                    .as_deref()
                    .map_or(Ok(Vec::new()), serde_json::from_str)
                    .map_err(|fault| unreadable(&fault))?,
                record: records.record(&self.address, &self.deposed, self.record.as_deref())?,
                taking_back: self.taking_back,
            },
            begun_at_ms: self.at_ms,
        })
    }
}
