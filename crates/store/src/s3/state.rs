//! State rows, outputs and open operations.

use async_trait::async_trait;
use engine::{
    Edit, EnvironmentName, Intent, OpenOperation, OperationId, Snapshot, StateRow, StateStore, StoreError,
};
use value::Value;

use super::S3Store;
use super::lines::Line;
use super::writer::{Entry, Finished};
use crate::intents::IntentText;
use crate::journal_words::{operation_id, operation_parts};
use crate::rows::{Origin as _, RowText};

#[async_trait]
impl StateStore for S3Store {
    async fn snapshot(&self, environment: &EnvironmentName) -> Result<Snapshot, StoreError> {
        let (head, loaded) = self.load(environment, None).await?;
        match loaded {
            Some((loaded, whole)) => self.decoded(environment, &loaded, &whole),
            None => Ok(Snapshot { serial: head.serial, ..Snapshot::default() }),
        }
    }

    async fn begin(&self, intent: &Intent) -> Result<OperationId, StoreError> {
        let text = IntentText::new(&self.keys, intent, self.time.now_ms())?;
        let entry = Entry::Begun(Box::new(text));
        let number = self.writer.write(intent.environment.clone(), entry).await?;
        Ok(operation_id(&intent.environment, number))
    }

    async fn finish(
        &self,
        operation: &OperationId,
        state: Option<&StateRow>,
        outcome: &str,
    ) -> Result<u64, StoreError> {
        let (environment, number) = operation_parts(operation)?;
        let row = state.map(|row| RowText::new(&self.keys, &environment, row)).transpose()?;
        let finished = Finished { number, outcome: outcome.to_owned(), row, at_ms: self.time.now_ms() };
        self.writer.write(environment, Entry::Finished(Box::new(finished))).await
    }

    async fn open_operations(&self, environment: &EnvironmentName) -> Result<Vec<OpenOperation>, StoreError> {
        if self.heads.read(environment).await?.open.is_empty() {
            return Ok(Vec::new());
        }
        let (head, loaded) = self.load(environment, None).await?;
        let Some((loaded, _)) = loaded else { return Ok(Vec::new()) };
        let lines = loaded.begun_before(&self.bucket)?;
        let operation = |number: u64| {
            let what = format!("operation {number} of {environment}");
            let text = lines
                .get(&number)
                .ok_or_else(|| self.bucket.unreadable(&what, &"the log does not have its intent"))?;
            match serde_json::from_str(text).map_err(|fault| self.bucket.unreadable(&what, &fault))? {
                Line::Begun(line) => {
                    line.to_intent().read(self.bucket.as_ref(), &self.keys, environment, number)
                }
                _ => Err(self.bucket.unreadable(&what, &"it is not an intent")),
            }
        };
        head.open.keys().map(|number| operation(*number)).collect()
    }

    async fn put_outputs(
        &self,
        environment: &EnvironmentName,
        outputs: &[(String, Value)],
    ) -> Result<(), StoreError> {
        let head = self.heads.read(environment).await?;
        let stored = self.whole(environment, &head).await?;
        let mut wanted = outputs.to_vec();
        wanted.sort_by(|a, b| a.0.cmp(&b.0));
        // Sealed values differ each time that they are sealed: what was written is compared in clear, so that outputs that stay
        // as they are make no version of the state.
        if let Some(stored) = stored
            && stored.outputs(&self.keys, environment)? == wanted
        {
            return Ok(());
        }
        self.edited(environment, None, &[Edit::Outputs(wanted)], "outputs", None).await.map(|_| ())
    }
}
