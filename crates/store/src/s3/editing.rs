//! Changes of the state by hand, all of them in one write and as one version.

use std::collections::{BTreeMap, HashSet};

use async_trait::async_trait;
use engine::{Address, Edit, EnvironmentName, Snapshot, StateEditing, StateRow, StoreError};
use serde_json::Value as Json;
use value::Value;

use super::S3Store;
use super::bucket::Bucket;
use super::head::{Draft, Head, TakenOver};
use super::heads::{crowded, pause};
use super::lines::{EditedLine, Line, Packer, RowLine};
use super::load::{Loaded, Whole};
use crate::edits::{Following, moved_on, nothing_at, occupied, summary};
use crate::environments::{new_lineage, random_word};
use crate::journal_words::output_context;
use crate::keys::KeyRing;
use crate::rows::{Origin as _, RowText, Rows, deposed_text};

/// How often edits are made anew because another writer was ahead.
const ATTEMPTS: u32 = 20;

#[async_trait]
impl StateEditing for S3Store {
    async fn edit(
        &self,
        environment: &EnvironmentName,
        base_serial: Option<u64>,
        edits: Vec<Edit>,
    ) -> Result<u64, StoreError> {
        self.edited(environment, base_serial, &edits, "edit", None).await
    }
}

/// Address and deposed key.
type RowKey = (String, String);

/// Where edits are made, one after the other.
struct Bench<'a> {
    bucket: &'a Bucket,
    keys: &'a KeyRing,
    environment: &'a EnvironmentName,
    /// All rows as they are now; only where an edit looks at them.
    rows: BTreeMap<RowKey, RowText>,
    /// What has changed. `None`: there is none any more.
    changed: BTreeMap<RowKey, Option<RowText>>,
    following: Following,
    outputs: Option<Vec<(String, Value)>>,
    checks: Option<Json>,
    lineage: Option<String>,
    /// The least serial that the state is to have.
    serial: u64,
    everything: bool,
}

impl S3Store {
    /// Makes edits, and answers the new serial. `action` is the journal's word for it. `taken`: Terraform's state that they take
    /// over; that is done where there is nothing yet.
    pub(super) async fn edited(
        &self,
        environment: &EnvironmentName,
        base_serial: Option<u64>,
        edits: &[Edit],
        action: &str,
        taken: Option<&TakenOver>,
    ) -> Result<u64, StoreError> {
        let held_here = self.held.token(environment);
        let now_ms = match held_here {
            Some(_) => self.time.now_ms(),
            None => self.time.servers_ms(&self.bucket).await?,
        };
        let looks =
            edits.iter().any(|edit| !matches!(edit, Edit::Put(_) | Edit::Outputs(_) | Edit::Checks(_)));
        for attempt in 0..ATTEMPTS {
            let mut slot = self.heads.lock(environment).await;
            let head = self.heads.refresh(environment, &mut slot).await?;
            head.lease.admits(environment, held_here, now_ms)?;
            if let Some(base) = base_serial
                && base != head.serial
            {
                return Err(moved_on(environment, base, head.serial));
            }
            if taken.is_some() && head.serial != 0 {
                return Err(moved_on(environment, 0, head.serial));
            }
            let (loaded, whole) = if looks {
                self.load_of(environment, &head).await?
            } else {
                (Loaded::default(), self.whole(environment, &head).await?.unwrap_or_default())
            };
            let mut bench = Bench::new(&self.bucket, &self.keys, environment, loaded.texts(&self.bucket)?);
            edits.iter().try_for_each(|edit| bench.make(edit))?;
            bench.follow()?;
            let mut draft = Draft::of(&head, true, random_word()?);
            if let Some(taken) = taken {
                draft.head.taken_over = Some(taken.clone());
            }
            let said = (action, summary(edits), now_ms);
            let open = if bench.everything { self.open_lines(&head, &loaded)? } else { Vec::new() };
            let serial = bench.draft(&mut draft, whole, said, &open)?;
            if self.heads.write(environment, &mut slot, draft).await? {
                drop(slot);
                self.compact_by_the_way(environment, held_here).await;
                return Ok(serial);
            }
            drop(slot);
            pause(attempt).await?;
        }
        Err(crowded(environment))
    }

    /// The lines of operations that are open.
    pub(super) fn open_lines(&self, head: &Head, loaded: &Loaded) -> Result<Vec<String>, StoreError> {
        if head.open.is_empty() {
            return Ok(Vec::new());
        }
        let mut lines = loaded.begun_before(&self.bucket)?;
        head.open
            .keys()
            .map(|number| {
                let missing = || {
                    self.bucket
                        .unreadable(&format!("operation {number}"), &"the log does not have its intent")
                };
                lines.remove(number).ok_or_else(missing)
            })
            .collect()
    }
}

impl<'a> Bench<'a> {
    fn new(
        bucket: &'a Bucket,
        keys: &'a KeyRing,
        environment: &'a EnvironmentName,
        rows: BTreeMap<RowKey, RowText>,
    ) -> Self {
        Self {
            bucket,
            keys,
            environment,
            rows,
            changed: BTreeMap::new(),
            following: Following::default(),
            outputs: None,
            checks: None,
            lineage: None,
            serial: 0,
            everything: false,
        }
    }

    fn make(&mut self, edit: &Edit) -> Result<(), StoreError> {
        match edit {
            Edit::Put(row) => self.put(row)?,
            Edit::Remove { address, deposed } => {
                let key = (address.to_string(), deposed.as_deref().unwrap_or_default().to_owned());
                if !self.forget(key) {
                    return Err(nothing_at("removing", address));
                }
            }
            Edit::Move { from, to } => self.relocate(from, to)?,
            Edit::Outputs(outputs) => self.outputs = Some(outputs.clone()),
            Edit::Checks(checks) => self.checks = Some(checks.clone()),
            Edit::Everything(snapshot) => self.replace(snapshot)?,
        }
        Ok(())
    }

    fn put(&mut self, row: &StateRow) -> Result<(), StoreError> {
        let text = RowText::new(self.keys, self.environment, row)?;
        let key = (text.address.clone(), deposed_text(&row.record));
        self.rows.insert(key.clone(), text.clone());
        self.changed.insert(key, Some(text));
        Ok(())
    }

    /// Whether there was one.
    fn forget(&mut self, key: RowKey) -> bool {
        let was = self.rows.remove(&key).is_some();
        if was {
            self.changed.insert(key, None);
        }
        was
    }

    /// Gives every object of an instance another address. What is sealed is bound to its address, and is sealed anew.
    fn relocate(&mut self, from: &Address, to: &Address) -> Result<(), StoreError> {
        let (old, new) = (from.to_string(), to.to_string());
        if self.rows.keys().any(|(address, _)| *address == new) {
            return Err(occupied(from, to));
        }
        let keys: Vec<RowKey> = self.rows.keys().filter(|(address, _)| *address == old).cloned().collect();
        if keys.is_empty() {
            return Err(nothing_at("moving", from));
        }
        for key in keys {
            let row = self.decoded(&key)?;
            self.forget(key);
            self.put(&StateRow { address: to.clone(), ..row })?;
        }
        self.following.moved(from.clone(), to.clone());
        Ok(())
    }

    fn replace(&mut self, snapshot: &Snapshot) -> Result<(), StoreError> {
        self.rows.clear();
        self.changed.clear();
        self.everything = true;
        for row in &snapshot.rows {
            let text = RowText::new(self.keys, self.environment, row)?;
            self.rows.insert((text.address.clone(), text.deposed.clone()), text);
        }
        self.outputs = Some(snapshot.outputs.clone());
        self.checks = Some(snapshot.checks.clone().unwrap_or(Json::Null));
        self.lineage = (!snapshot.lineage.is_empty()).then(|| snapshot.lineage.clone());
        self.serial = snapshot.serial;
        Ok(())
    }

    fn decoded(&self, key: &RowKey) -> Result<StateRow, StoreError> {
        let row = &self.rows[key];
        Rows::new(self.bucket, self.keys, self.environment).decode(row)
    }

    /// What depends on an instance that moved, depends on its new address.
    fn follow(&mut self) -> Result<(), StoreError> {
        if self.following.is_empty() {
            return Ok(());
        }
        let mut following = std::mem::take(&mut self.following);
        let bucket = self.bucket;
        let unreadable = |fault: &dyn std::fmt::Display| bucket.unreadable("an address", fault);
        let mut left = HashSet::new();
        for (address, _) in self.rows.keys() {
            left.insert(address.parse::<Address>().map_err(|fault| unreadable(&fault))?);
        }
        following.left(&left);
        let mut concerned = Vec::new();
        for (key, row) in &self.rows {
            let Some(text) = &row.depends_on else { continue };
            let before: Vec<Address> = serde_json::from_str(text).map_err(|fault| unreadable(&fault))?;
            if following.concerns(&before) {
                concerned.push(key.clone());
            }
        }
        for key in concerned {
            let mut row = self.decoded(&key)?;
            row.depends_on = following.followed(std::mem::take(&mut row.depends_on));
            self.put(&row)?;
        }
        Ok(())
    }

    /// Puts what the edits came to into a draft, and answers the new serial. `said`: action, summary, and when it was.
    fn draft(
        self,
        draft: &mut Draft,
        mut whole: Whole,
        (action, summary, at_ms): (&str, String, u64),
        open: &[String],
    ) -> Result<u64, StoreError> {
        draft.head.make(&new_lineage()?);
        draft.head.operations += 1;
        draft.head.serial = (draft.head.serial + 1).max(self.serial);
        if self.lineage.is_some() {
            draft.head.lineage.clone_from(&self.lineage);
        }
        let mut renewed = None;
        if self.outputs.is_some() || self.checks.is_some() {
            if let Some(outputs) = &self.outputs {
                whole.outputs = outputs
                    .iter()
                    .map(|(name, value)| {
                        let sealed = self.keys.seal(self.environment, &output_context(name), value)?;
                        Ok((name.clone(), sealed))
                    })
                    .collect::<Result<_, StoreError>>()?;
            }
            if let Some(checks) = self.checks {
                whole.checks = Some(checks).filter(|checks| !checks.is_null());
            }
            renewed = Some(draft.upload_whole(whole.bytes()?));
        }
        let mut types = BTreeMap::new();
        let mut rows = Vec::new();
        if !self.everything {
            for ((at, deposed), row) in &self.changed {
                let Some(row) = row else {
                    rows.push(RowLine::gone(at, deposed));
                    continue;
                };
                if let Some(ty) = &row.ty {
                    types.insert(row.type_hash.as_str(), ty.as_str());
                }
                rows.push(RowLine::new(row)?);
            }
        }
        let line = Line::Edited(EditedLine {
            number: draft.head.operations,
            serial: draft.head.serial,
            at_ms,
            action: action.into(),
            summary: summary.into(),
            whole: renewed.map(Into::into),
            rows,
        });
        draft.log(&types, &[line])?;
        if self.everything {
            draft.snapshot(packed(self.rows, open)?)?;
        }
        Ok(draft.head.serial)
    }
}

/// A snapshot of rows.
fn packed(rows: BTreeMap<RowKey, RowText>, open: &[String]) -> Result<bytes::Bytes, StoreError> {
    let mut packer = Packer::new()?;
    for line in open {
        packer.text(line)?;
    }
    for row in rows.into_values() {
        packer.ty(&row.type_hash, row.ty.as_deref().unwrap_or_default())?;
        packer.text(Line::Row(RowLine::new(&row)?).raw()?.get())?;
    }
    packer.finish()
}
