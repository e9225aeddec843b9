//! Ephemeral resources while planning: opened where their configuration is known, so that providers may be configured with them, and
//! closed when the plan is made. Nothing of them is in the plan.

use std::sync::Arc;

use async_trait::async_trait;
use diag::{Diagnostic, Diagnostics};
use lang::configuration::Resource;
use lang::schema::decode;
use tokio::sync::Mutex;
use tokio::time::Instant;
use value::{Marks, Value};

use super::conditions::Conditions;
use super::instances::{EachInstance, Instance, One, plan_each};
use super::marks::plain;
use super::object::Asking;
use super::planner::{Found, Planner};
use crate::stack::ResourceProvider;
use crate::stack::provider::Part;
use crate::stack::world::{ResourceAt, Telling, World, failed};
use crate::{Address, Happened, Work};

/// What is open.
#[derive(Default)]
pub(super) struct Ephemerals(Mutex<Vec<Held>>);

struct Held {
    address: Address,
    provider: Arc<dyn ResourceProvider>,
    private: Vec<u8>,
}

/// Opens all instances of an ephemeral resource.
pub(super) async fn open(planner: &Planner, world: &World, at: ResourceAt) -> Diagnostics {
    let mut told = Diagnostics::default();
    let opened = async {
        let (resource, asking) = Asking::of(planner, world, at)?;
        let conditions = Conditions::of_resource(world, at, resource);
        let instances = Instance::all(world, at, world.expand_resource(at)?)?;
        let opening = Opening { planner, world, at, resource, asking, conditions: &conditions };
        plan_each(world, at, &instances, planner.parallelism, &opening, &mut told).await;
        Ok(())
    };
    if let Err(faults) = opened.await {
        let faults: Diagnostics = faults;
        told.extend(if faults.is_empty() { failed() } else { faults });
    }
    told
}

struct Opening<'a> {
    planner: &'a Planner,
    world: &'a World,
    at: ResourceAt,
    resource: &'a Resource,
    asking: Asking<'a>,
    conditions: &'a Conditions<'a>,
}

#[async_trait]
impl EachInstance for Opening<'_> {
    async fn one(&self, one: &Instance) -> Result<One, Diagnostics> {
        let mut told = Diagnostics::default();
        let place = one.place(self.world, self.at);
        self.conditions.judge(Telling::PRECONDITION, &place, one, &mut told)?;
        let resource = self.resource;
        let block = &self.asking.kind.block;
        let what = format!("ephemeral \"{}\" \"{}\"", resource.kind.name, resource.name.name);
        let decoded = decode(&resource.body, resource.header, &what, block, &[], &place);
        told.extend(decoded.diagnostics);
        let configuration = plain(&decoded.value);
        let kind = one.address.kind.as_str();
        if !told.has_errors() {
            let remarks = self.asking.provider.validate(Part::Ephemeral, kind, &configuration).await;
            told.extend(self.asking.told(&one.address, remarks));
        }
        if told.has_errors() {
            return Err(told);
        }
        if !configuration.is_wholly_known() {
            let value = Value::unknown(block.ty()).with_marks(Marks::EPHEMERAL);
            return Ok(One { found: Found::default(), value, told });
        }
        let Some(powers) = self.asking.provider.powers() else {
            told.push(
                Diagnostic::error("no-ephemerals", "its provider opens nothing ephemeral")
                    .at(resource.header),
            );
            return Err(told);
        };
        let planner = self.planner;
        let tell = |happened| planner.tell(&one.address, None, happened);
        let begun = Instant::now();
        let took_ms = || u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        let work = Work::Open;
        let opened = {
            let _permit = planner.permit().await;
            tell(Happened::EphemeralStarted { work });
            powers.open(kind, &configuration).await
        };
        let opened = match opened {
            Ok(opened) => opened,
            Err(remarks) => {
                tell(Happened::EphemeralFailed { work, took_ms: took_ms() });
                told.extend(self.asking.told(&one.address, remarks));
                return Err(told);
            }
        };
        tell(Happened::EphemeralFinished { work, took_ms: took_ms() });
        told.extend(self.asking.told(&one.address, opened.remarks));
        let provider = self.asking.provider.clone();
        let held = Held { address: one.address.clone(), provider, private: opened.private };
        planner.ephemerals.0.lock().await.push(held);
        let value = block.with_sensitive(&opened.value).with_marks(Marks::EPHEMERAL);
        self.conditions.judge(Telling::POSTCONDITION, &place.with_self(&value), one, &mut told)?;
        Ok(One { found: Found::default(), value, told })
    }
}

impl Ephemerals {
    /// Closes everything, what was opened last first.
    pub async fn close(&self, planner: &Planner) -> Diagnostics {
        let mut told = Diagnostics::default();
        let mut open = std::mem::take(&mut *self.0.lock().await);
        while let Some(Held { address, provider, private }) = open.pop() {
            let Some(powers) = provider.powers() else { continue };
            let begun = Instant::now();
            let work = Work::Close;
            planner.tell(&address, None, Happened::EphemeralStarted { work });
            let remarks = powers.close(address.kind.as_str(), &private).await;
            let took_ms = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
            let failed = remarks.iter().any(|remark| remark.is_error);
            let happened = if failed {
                Happened::EphemeralFailed { work, took_ms }
            } else {
                Happened::EphemeralFinished { work, took_ms }
            };
            planner.tell(&address, None, happened);
            let nothing = lang::syntax::Body {
                attributes: Vec::new(),
                blocks: Vec::new(),
                span: NOWHERE,
                is_json: false,
            };
            told.extend(crate::stack::world::tell_remarks(remarks, &nothing, None, &address.to_string()));
        }
        told
    }
}

const NOWHERE: diag::Span = diag::Span { file: diag::FileId(0), start: 0, end: 0 };
