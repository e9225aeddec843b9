//! Ephemeral resources during an apply: opened where the walk comes to them, kept open while it lasts, and closed at its end. Nothing
//! of them is written down.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use diag::{Diagnostic, Diagnostics};
use lang::configuration::Resource;
use lang::schema::decode;
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;
use value::{Marks, Value};

use super::calling::millis;
use super::context::Context;
use crate::stack::ResourceProvider;
use crate::stack::planning::marks::plain;
use crate::stack::provider::{KindSchema, Opened, Part};
use crate::stack::world::{Each, ResourceAt, Telling, judge, tell_remarks};
use crate::{Address, Event, Happened, Work};

/// What is open.
#[derive(Default)]
pub(super) struct Ephemerals {
    open: Mutex<Vec<Held>>,
    opened: Notify,
}

/// Something that is open.
struct Held {
    address: Address,
    at: ResourceAt,
    provider: Arc<dyn ResourceProvider>,
    private: Vec<u8>,
    renew_at_ms: Option<u64>,
}

/// Opens every instance of an ephemeral resource, so that others may refer to it.
pub(super) async fn open(context: &Context<'_>, at: ResourceAt) -> Diagnostics {
    let world = context.world;
    let opened = async {
        let (id, kind) = world.made_by(at)?;
        let missing =
            || Diagnostics::from(Diagnostic::error("provider-not-present", "its provider is not configured"));
        let provider = world.provider(id).ok_or_else(missing)?;
        let resource = world.resource(at).ok_or_else(missing)?;
        let mut values = Vec::new();
        let mut warnings = Diagnostics::default();
        for (instance, expansion) in world.expand_resource(at)?.iter().enumerate() {
            let mut of_instance = Vec::with_capacity(expansion.len());
            for each in expansion.instances() {
                let one = One { at, instance, each: each.as_ref(), kind, resource, provider };
                let (value, found) = one.open(context).await?;
                warnings.extend(found);
                of_instance.push(value);
            }
            values.push(expansion.compose(of_instance));
        }
        world.set_resource(at, values);
        Ok(warnings)
    };
    match opened.await {
        Ok(warnings) => warnings,
        Err(faults) => faults,
    }
}

/// One instance that is to be opened.
struct One<'a> {
    at: ResourceAt,
    instance: usize,
    each: Option<&'a Each>,
    kind: &'a KindSchema,
    resource: &'a Resource,
    provider: &'a Arc<dyn ResourceProvider>,
}

impl One<'_> {
    async fn open(&self, context: &Context<'_>) -> Result<(Value, Diagnostics), Diagnostics> {
        let world = context.world;
        let Some(address) = world.address(self.at, self.instance, self.each) else {
            return Err(Diagnostics::default());
        };
        let resource = self.resource;
        let place = || world.place(self.at.node, self.instance).with_each(self.each);
        let mut faults =
            judge(&resource.lifecycle.preconditions, &place(), Telling::PRECONDITION).diagnostics;
        let what = format!("ephemeral \"{}\" \"{}\"", resource.kind.name, resource.name.name);
        let decoded = decode(&resource.body, resource.header, &what, &self.kind.block, &[], &place());
        faults.extend(decoded.diagnostics);
        let configuration = plain(&decoded.value);
        if !faults.has_errors() && !configuration.is_wholly_known() {
            let fault =
                Diagnostic::error("unknown-value", "the configuration holds values that are not known yet");
            faults.push(fault.at(resource.header).about(address.to_string()));
        }
        if faults.has_errors() {
            return Err(faults);
        }
        let kind = resource.kind.name.as_ref();
        let tell = |happened| {
            context.events.send(Event::Object { address: address.clone(), deposed: None, happened });
        };
        let remarks =
            |remarks| tell_remarks(remarks, &resource.body, Some(resource.header), &address.to_string());
        faults.extend(remarks(self.provider.validate(Part::Ephemeral, kind, &configuration).await));
        let Some(powers) = self.provider.powers().filter(|_| !faults.has_errors()) else {
            if !faults.has_errors() {
                let fault = Diagnostic::error("no-ephemerals", "its provider opens nothing ephemeral");
                faults.push(fault.at(resource.header));
            }
            return Err(faults);
        };
        let _permit = context.permit().await;
        let begun = Instant::now();
        let work = Work::Open;
        tell(Happened::EphemeralStarted { work });
        let Opened { value, private, renew_at_ms, remarks: said } =
            match powers.open(kind, &configuration).await {
                Ok(opened) => opened,
                Err(found) => {
                    tell(Happened::EphemeralFailed { work, took_ms: millis(begun.elapsed()) });
                    faults.extend(remarks(found));
                    return Err(faults);
                }
            };
        tell(Happened::EphemeralFinished { work, took_ms: millis(begun.elapsed()) });
        faults.extend(remarks(said));
        context
            .ephemerals
            .hold(Held {
                address: address.clone(),
                at: self.at,
                provider: self.provider.clone(),
                private,
                renew_at_ms,
            })
            .await;
        let value = self.kind.block.with_sensitive(&value).with_marks(Marks::EPHEMERAL);
        let own = place();
        faults.extend(
            judge(&resource.lifecycle.postconditions, &own.with_self(&value), Telling::POSTCONDITION)
                .diagnostics,
        );
        if faults.has_errors() { Err(faults) } else { Ok((value, faults)) }
    }
}

impl Ephemerals {
    async fn hold(&self, held: Held) {
        self.open.lock().await.push(held);
        self.opened.notify_one();
    }

    /// Renews what has to be, when it has to be. Never ends; what goes wrong is told when it is missed.
    pub(super) async fn keep_open(&self, context: &Context<'_>) {
        loop {
            let next = self.open.lock().await.iter().filter_map(|held| held.renew_at_ms).min();
            let wait = next.map(|at| Duration::from_millis(at.saturating_sub(now_ms())));
            match wait {
                None => self.opened.notified().await,
                Some(wait) => tokio::select! {
                    () = self.opened.notified() => {}
                    () = tokio::time::sleep(wait) => self.renew(context).await,
                },
            }
        }
    }

    async fn renew(&self, context: &Context<'_>) {
        let now = now_ms();
        for held in
            self.open.lock().await.iter_mut().filter(|held| held.renew_at_ms.is_some_and(|at| at <= now))
        {
            let begun = Instant::now();
            let work = Work::Renew;
            held.tell(context, Happened::EphemeralStarted { work });
            let kind = held.address.kind.as_str();
            let renewed = match held.provider.powers() {
                Some(powers) => powers.renew(kind, &held.private).await.ok(),
                None => None,
            };
            let took_ms = millis(begun.elapsed());
            held.renew_at_ms = renewed.as_ref().and_then(|renewed| renewed.renew_at_ms);
            let happened = match renewed {
                Some(renewed) => {
                    held.private = renewed.private;
                    Happened::EphemeralFinished { work, took_ms }
                }
                None => Happened::EphemeralFailed { work, took_ms },
            };
            held.tell(context, happened);
        }
    }

    /// Closes everything, what was opened last first.
    pub(super) async fn close(&self, context: &Context<'_>) -> Diagnostics {
        let mut faults = Diagnostics::default();
        let mut open = std::mem::take(&mut *self.open.lock().await);
        while let Some(held) = open.pop() {
            let Some(powers) = held.provider.powers() else { continue };
            let begun = Instant::now();
            let work = Work::Close;
            held.tell(context, Happened::EphemeralStarted { work });
            let remarks = powers.close(held.address.kind.as_str(), &held.private).await;
            let failed = remarks.iter().any(|remark| remark.is_error);
            if let Some(resource) = context.world.resource(held.at) {
                let about = held.address.to_string();
                faults.extend(tell_remarks(remarks, &resource.body, Some(resource.header), &about));
            }
            let took_ms = millis(begun.elapsed());
            held.tell(
                context,
                if failed {
                    Happened::EphemeralFailed { work, took_ms }
                } else {
                    Happened::EphemeralFinished { work, took_ms }
                },
            );
        }
        faults
    }
}

impl Held {
    fn tell(&self, context: &Context<'_>, happened: Happened) {
        context.events.send(Event::Object { address: self.address.clone(), deposed: None, happened });
    }
}

fn now_ms() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, millis)
}
