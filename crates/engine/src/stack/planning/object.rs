//! What is there of one object: its row brought to the present schema, and read anew by its provider.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::Resource;
use lang::syntax::Body;
use value::Value;

use super::marks::{copy, fits, plain, same};
use super::planner::Planner;
use super::rows::Row;
use crate::stack::ResourceProvider;
use crate::stack::plan::{Action, ResourceChange};
use crate::stack::provider::{KindSchema, MovedState, Observed, PlanResource, Remark};
use crate::stack::world::{ResourceAt, World, failed, tell_remarks};
use crate::{Address, Happened, KnownBy, StateRow};

/// Whom to ask about an object, and where it is described.
#[derive(Clone, Copy)]
pub(super) struct Asking<'a> {
    pub provider: &'a Arc<dyn ResourceProvider>,
    /// The provider's configuration, as [`crate::Record::provider`].
    pub text: &'a Arc<str>,
    pub kind: &'a KindSchema,
    /// The block; none for what is not described any more.
    pub block: Option<(&'a Body, Span)>,
}

/// What there is of an object.
#[derive(Debug, Clone)]
pub(super) struct Read {
    /// Now; `None` if it is gone.
    pub row: Option<StateRow>,
    /// What had changed outside.
    pub drift: Option<ResourceChange>,
    /// What its provider says of it.
    pub warnings: Diagnostics,
}

impl<'a> Asking<'a> {
    /// Whom to ask about the instances of a block, and the block.
    pub fn of(
        planner: &Planner,
        world: &'a World,
        at: ResourceAt,
    ) -> Result<(&'a Resource, Self), Diagnostics> {
        let (id, kind) = world.made_by(at)?;
        let Some(resource) = world.resource(at) else { return Err(failed()) };
        let provider = planner.provider(world, id)?;
        let text = world.providers.get(id).map(|configured| &configured.text).ok_or_else(failed)?;
        Ok((resource, Self { provider, text, kind, block: Some((&resource.body, resource.header)) }))
    }
}

impl Asking<'_> {
    /// What the provider says, with its place.
    pub fn told(&self, address: &Address, remarks: Vec<Remark>) -> Diagnostics {
        static NOTHING: Body =
            Body { attributes: Vec::new(), blocks: Vec::new(), span: NOWHERE, is_json: false };
        let (body, header) = self.block.map_or((&NOTHING, None), |(body, header)| (body, Some(header)));
        tell_remarks(remarks, body, header, &address.to_string())
    }

    /// A row in the form of the provider's present schema.
    ///
    /// # Errors
    /// If it was written by a newer provider, or cannot be brought to the present form.
    async fn upgraded(&self, Row { row, previous }: &Row) -> Result<StateRow, Diagnostics> {
        if let Some(previous) = previous
            && (previous.kind != row.address.kind || !same_provider(&row.record.provider, self.text))
        {
            return self.taken_over(row, previous).await;
        }
        let (then, now) = (row.record.schema_version, self.kind.version);
        if then > now {
            let message = "Resource instance managed by newer provider version";
            let fault = Diagnostic::error("newer-schema", message).about(row.address.to_string()).because(format!(
                "its row was written with version {then} of the schema of {}, and the provider that is here has version {now}",
                row.address.kind
            ));
            return Err(fault.hint("use a newer version of the provider").into());
        }
        // The attributes of an object are all of one type; asking is only for what was written otherwise.
        if then == now && fits(&row.value, &self.kind.block.ty()) {
            return Ok(row.clone());
        }
        let value = plain(&row.value);
        let upgraded = self.provider.upgrade(row.address.kind.as_str(), then, &value).await;
        let upgraded = upgraded.map_err(|remarks| self.told(&row.address, remarks))?;
        let mut row = StateRow { value: copy(&row.value, &upgraded), ..row.clone() };
        row.record.schema_version = now;
        Ok(row)
    }

    /// A row of another kind, or of another provider, as an object of this one.
    async fn taken_over(&self, row: &StateRow, previous: &Address) -> Result<StateRow, Diagnostics> {
        let refused = |why: Vec<Remark>| {
            let mut told = self.told(&row.address, why);
            for fault in &mut told.0 {
                let detail = fault.detail.take().map_or_else(String::new, |detail| detail + "\n");
                fault.detail = Some(format!("{detail}a `moved` block makes {previous} {}", row.address));
            }
            told
        };
        let Some(powers) = self.provider.powers() else {
            let why = "its provider takes over no objects of other kinds";
            return Err(refused(vec![Remark::error("Unable to move", why)]));
        };
        let from = MovedState {
            provider: address_in(&row.record.provider).into(),
            kind: previous.kind.as_str().into(),
            schema_version: row.record.schema_version,
            object: observed(row),
        };
        let taken = powers.take_over(row.address.kind.as_str(), &from).await.map_err(refused)?;
        let mut row = StateRow { value: taken.value, ..row.clone() };
        row.record.schema_version = self.kind.version;
        row.record.provider = self.text.clone();
        row.record.private = taken.private;
        row.record.identity = taken.identity;
        Ok(row)
    }

    /// What is there now. Where the state is believed, that is what it says.
    pub async fn read(&self, planner: &Planner, row: &Row) -> Result<Read, Diagnostics> {
        if planner.refreshes && !planner.selection.is_dependent(&row.row.address) {
            return match planner.ahead.take(row) {
                Some(reading) => reading.get_or_init(|| self.read_anew(planner, row)).await.clone(),
                None => self.read_anew(planner, row).await,
            };
        }
        let mut before = self.upgraded(row).await?;
        before.value = self.kind.block.with_sensitive(&before.value);
        Ok(Read { row: Some(before), drift: None, warnings: Diagnostics::default() })
    }

    /// What is there now, whether or not the state is believed.
    pub async fn read_anew(&self, planner: &Planner, row: &Row) -> Result<Read, Diagnostics> {
        let mut before = self.upgraded(row).await?;
        before.value = self.kind.block.with_sensitive(&before.value);
        let address = &row.row.address;
        let deposed = row.row.record.deposed.as_ref();
        let tell = |happened| planner.tell(address, deposed, happened);
        let known_by = KnownBy::of(&before.value);
        let observed = {
            let _permit = planner.permit().await;
            tell(Happened::RefreshStarted { known_by: known_by.clone() });
            let state = observed(&before);
            self.provider.read(address.kind.as_str(), &state).await
        };
        let observed = observed.map_err(|remarks| self.told(address, remarks))?;
        let warnings = self.told(address, observed.remarks);
        tell(Happened::RefreshFinished { known_by });
        let Some(observed) = observed.value else {
            let drift = self.drift(row, &before, Value::null(before.value.ty()), Action::Delete);
            return Ok(Read { row: None, drift: Some(drift), warnings });
        };
        let mut now = before.clone();
        now.record.private = observed.private;
        if observed.identity.is_some() {
            now.record.identity = observed.identity;
        }
        let mut drift = None;
        if !same(&plain(&before.value), &observed.value) {
            now.value = self.kind.block.with_sensitive(&copy(&before.value, &observed.value));
            drift = Some(self.drift(row, &before, now.value.clone(), Action::Update));
        }
        Ok(Read { row: Some(now), drift, warnings })
    }

    /// What the provider keeps for the removal of an object, where it wants to plan that; warnings go to `told`.
    ///
    /// # Errors
    /// If the provider refuses the removal.
    pub async fn plan_removal(
        &self,
        planner: &Planner,
        row: &StateRow,
        told: &mut Diagnostics,
    ) -> Result<Option<Vec<u8>>, Diagnostics> {
        if !self.provider.plans_removals().await {
            return Ok(None);
        }
        let (prior, nothing) = (plain(&row.value), Value::null(self.kind.block.ty()));
        let request = PlanResource {
            prior: &prior,
            configuration: &nothing,
            proposed: &nothing,
            private: &row.record.private,
        };
        let planned = {
            let _permit = planner.permit().await;
            self.provider.plan(row.address.kind.as_str(), &request).await
        };
        let planned = planned.map_err(|remarks| self.told(&row.address, remarks))?;
        told.extend(self.told(&row.address, planned.remarks));
        if told.has_errors() {
            return Err(std::mem::take(told));
        }
        Ok(Some(planned.private))
    }

    fn drift(&self, row: &Row, before: &StateRow, after: Value, action: Action) -> ResourceChange {
        ResourceChange {
            address: row.row.address.clone(),
            previous: row.previous.clone(),
            deposed: row.row.record.deposed.clone(),
            provider: row.row.record.provider.clone(),
            action,
            reason: None,
            before: before.value.clone(),
            after,
            replace_paths: Vec::new(),
            private: Vec::new(),
            schema_version: self.kind.version,
            importing: None,
            depends_on: before.depends_on.as_slice().into(),
            create_before_destroy: before.record.create_before_destroy,
        }
    }
}

/// Whether two texts of the state name the same provider, however it is configured.
fn same_provider(one: &str, other: &str) -> bool {
    one == other || address_in(one) == address_in(other)
}

/// The provider's address in a text such as `module.a.provider["registry.terraform.io/hashicorp/aws"].eu`.
fn address_in(text: &str) -> &str {
    text.split('"').nth(1).unwrap_or(text)
}

const NOWHERE: Span = Span { file: diag::FileId(0), start: 0, end: 0 };

/// An object as its provider is shown it.
pub(in crate::stack) fn observed(row: &StateRow) -> Observed {
    Observed {
        value: plain(&row.value),
        private: row.record.private.clone(),
        identity: row.record.identity.clone(),
    }
}

/// The removal, or the forgetting, of an object that is there.
pub(super) fn removal(row: &StateRow, previous: Option<Address>, action: Action) -> ResourceChange {
    ResourceChange {
        address: row.address.clone(),
        previous,
        deposed: row.record.deposed.clone(),
        provider: row.record.provider.clone(),
        action,
        reason: None,
        before: row.value.clone(),
        after: Value::null(row.value.ty()),
        replace_paths: Vec::new(),
        private: row.record.private.clone(),
        schema_version: row.record.schema_version,
        importing: None,
        depends_on: row.depends_on.as_slice().into(),
        create_before_destroy: row.record.create_before_destroy,
    }
}
