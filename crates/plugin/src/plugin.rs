//! One provider program with the processes that run it: as few as will do. What needs no configuration goes to any of them, and
//! configurations that are the same share one.

use std::collections::BTreeMap;
use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use engine::stack::ResourceProvider;
use engine::stack::provider::{Part, ProviderSchema, Remark};
use futures_util::future::{BoxFuture, FutureExt, Shared};
use tokio::sync::OnceCell;
use value::{Type, Value};

use crate::failure::CallFailure;
use crate::hidden::Wrapper;
use crate::msgpack::encode;
use crate::process::{self, Process};
use crate::provider::Configured;
use crate::schema::{Lasting, SchemaCache, Stored};
use crate::wire::calls::{ConfigureRequest, GetProviderSchemaResponse, GetResourceIdentitySchemasResponse};
use crate::wire::messages::{ClientCapabilities, DiagnosticsOnly, DynamicValue, Empty};
use crate::wire::{Method, Protocol};
use crate::{failure, remarks};

/// The version of the language, as providers are told it.
const TERRAFORM: &str = "1.11.4";

/// A program, and how it is run.
#[derive(Debug, Clone)]
pub struct Program {
    /// The executable.
    pub path: PathBuf,
    /// What it is, `h1:…`: its schemas are kept under that. `None`: it is being worked on, and nothing of it is kept.
    pub hash: Option<String>,
    /// All that is in its environment.
    pub variables: BTreeMap<OsString, OsString>,
    /// What is put before it so that it ends with us.
    pub wrapper: Option<Wrapper>,
    /// A process that somebody else started, in place of one of our own.
    pub reattach: Option<Reattach>,
}

/// A process that somebody else started, as `TF_REATTACH_PROVIDERS` has it.
#[derive(Debug, Clone)]
pub struct Reattach {
    /// The protocol that it speaks.
    pub protocol: Protocol,
    /// Where it listens.
    pub address: ReattachAddress,
}

/// Where a process listens that somebody else started.
#[derive(Debug, Clone)]
pub enum ReattachAddress {
    /// At a socket in the file system.
    Unix(PathBuf),
    /// At a port.
    Tcp(SocketAddr),
}

/// A provider program.
pub struct Plugin {
    program: Program,
    cache: Option<SchemaCache>,
    stored: OnceCell<Stored>,
    schema: OnceCell<Arc<ProviderSchema>>,
    slots: Mutex<Vec<Arc<Slot>>>,
    /// Types of kinds that were talked of; making one anew for each call costs more than the call.
    types: Mutex<HashMap<(Part, String), Arc<Type>>>,
}

/// A process that starts or has started, or why it did not. Whoever waits for it drives it: who began it may stand still meanwhile,
/// in an expression that calls a function.
type Starting = Shared<BoxFuture<'static, Result<Arc<Process>, String>>>;

/// A process, or the place of one.
#[derive(Default)]
pub(crate) struct Slot {
    process: OnceLock<Starting>,
    /// What it is configured with, or will be.
    configuration: OnceLock<Vec<u8>>,
    /// What it said to it: warnings, or why not.
    configured: OnceCell<Result<Vec<Remark>, Vec<Remark>>>,
}

impl Plugin {
    /// Starts nothing yet.
    #[must_use]
    pub fn new(program: Program, cache: Option<SchemaCache>) -> Arc<Self> {
        Arc::new(Self {
            program,
            cache,
            stored: OnceCell::new(),
            schema: OnceCell::new(),
            slots: Mutex::default(),
            types: Mutex::default(),
        })
    }

    /// The provider, for one configuration of it.
    #[must_use]
    pub fn provider(self: &Arc<Self>) -> Arc<dyn ResourceProvider> {
        Arc::new(Configured::new(self.clone()))
    }

    /// Asks every process to end, and sees to it that they do. Processes that are left when this is dropped are killed.
    pub async fn shut_down(&self) {
        let slots = std::mem::take(&mut *self.lock());
        let ending: Vec<_> = slots
            .into_iter()
            .map(|slot| {
                tokio::spawn(async move {
                    if let Some(process) = slot.running() {
                        process.shut_down().await;
                    }
                })
            })
            .collect();
        for one in ending {
            let _ = one.await;
        }
    }

    /// How many processes run.
    #[must_use]
    pub fn processes(&self) -> usize {
        self.lock().iter().filter(|slot| slot.running().is_some()).count()
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Any process.
    pub(crate) fn any(&self) -> Arc<Slot> {
        let mut slots = self.lock();
        match slots.first() {
            Some(slot) => slot.clone(),
            None => {
                let slot = Arc::<Slot>::default();
                slots.push(slot.clone());
                slot
            }
        }
    }

    /// The process of a configuration: one that has it already, or one that has none, or another.
    fn of(&self, configuration: &[u8]) -> Arc<Slot> {
        let mut slots = self.lock();
        let same = |slot: &&Arc<Slot>| slot.configuration.get().is_some_and(|it| it == configuration);
        if let Some(slot) = slots.iter().find(same) {
            return slot.clone();
        }
        if let Some(slot) = slots.iter().find(|slot| slot.configuration.set(configuration.to_vec()).is_ok()) {
            return slot.clone();
        }
        let slot = Arc::<Slot>::default();
        let _ = slot.configuration.set(configuration.to_vec());
        slots.push(slot.clone());
        slot
    }

    /// The process of a slot, started if it is not.
    pub(crate) async fn process(&self, slot: &Slot) -> Result<Arc<Process>, CallFailure> {
        let starting = slot.process.get_or_init(|| {
            // Some providers have to be asked for their schema before they answer anything else, though it is known.
            let optional =
                self.stored.get().is_none_or(|stored| stored.capabilities().get_provider_schema_optional);
            start(self.program.clone(), !optional).boxed().shared()
        });
        starting.clone().await.map_err(CallFailure::Start)
    }

    /// What it makes.
    pub(crate) async fn schema(&self) -> Result<Arc<ProviderSchema>, Vec<Remark>> {
        let made = self.schema.get_or_try_init(async || {
            let stored = self.stored.get_or_try_init(|| self.store()).await?;
            let schema = stored
                .schema()
                .map_err(|error| vec![Remark::error("Provider schema cannot be read", error.to_string())])?;
            Ok::<_, Vec<Remark>>(Arc::new(schema))
        });
        made.await.cloned()
    }

    async fn store(&self) -> Result<Stored, Vec<Remark>> {
        let lasting = match (&self.program.hash, &self.program.reattach) {
            (Some(hash), None) => Lasting::As(hash.clone()),
            _ => Lasting::No,
        };
        if let (Some(cache), Lasting::As(name)) = (&self.cache, &lasting)
            && let Some(stored) = cache.find(name)
        {
            return Ok(stored);
        }
        let slot = self.any();
        let process = self.process(&slot).await.map_err(remarks::of_failure)?;
        let answer = process.call::<_, GetProviderSchemaResponse>(Method::GetProviderSchema, Empty {}).await;
        let mut answer = answer.map_err(remarks::of_failure)?;
        let said = remarks::of(std::mem::take(&mut answer.diagnostics));
        if said.iter().any(|remark| remark.is_error) {
            return Err(said);
        }
        let identities = process.call(Method::GetResourceIdentitySchemas, Empty {}).await;
        let identities: GetResourceIdentitySchemasResponse = match identities {
            Ok(identities) => identities,
            // It is older than identities.
            Err(CallFailure::Unknown(_)) => GetResourceIdentitySchemasResponse::default(),
            Err(failure) => return Err(remarks::of_failure(failure)),
        };
        let stored = Stored::of_answer(process.protocol, answer, identities.identity_schemas);
        if let (Some(cache), Lasting::As(name)) = (&self.cache, &lasting) {
            cache.keep(name, &stored);
        }
        Ok(stored)
    }

    /// What is known of it; after [`schema`](Self::schema).
    pub(crate) fn stored(&self) -> Option<&Stored> {
        self.stored.get()
    }

    /// What a module says to the provider in its `provider_meta` block, which is nothing. A provider that has a schema of such blocks
    /// counts on that being said; after [`schema`](Self::schema).
    pub(crate) fn meta(&self) -> Option<DynamicValue> {
        let takes_meta = self.stored().is_some_and(Stored::takes_meta);
        if takes_meta {
            DynamicValue::of_msgpack(encode(&Value::null(Type::Dynamic), &Type::Dynamic))
        } else {
            None
        }
    }

    /// The type of a kind's objects; for [`Part::Provider`] that of its configuration.
    pub(crate) async fn ty(&self, part: Part, kind: &str) -> Result<Arc<Type>, Vec<Remark>> {
        let key = (part, kind.to_owned());
        if let Some(known) = self.types.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(known.clone());
        }
        let schema = self.schema().await?;
        let found = match part {
            Part::Provider => Some(&schema.provider),
            Part::Managed => schema.resources.get(kind),
            Part::Data => schema.data.get(kind),
            Part::Ephemeral => schema.ephemeral.get(kind),
        };
        let Some(found) = found else {
            let why = format!("the provider makes no `{kind}`");
            return Err(vec![Remark::error("Unknown kind of resource", why)]);
        };
        let ty = Arc::new(found.block.ty());
        self.types.lock().unwrap_or_else(PoisonError::into_inner).insert(key, ty.clone());
        Ok(ty)
    }

    /// Starts the process of a configuration.
    pub(crate) async fn prepare(&self, configuration: &[u8]) {
        let slot = self.of(configuration);
        // A fault is found again by whoever calls.
        let _ = self.process(&slot).await;
    }

    /// A process with a configuration; the configuration is given once, however often it is asked for.
    pub(crate) async fn configured(
        &self,
        configuration: Vec<u8>,
    ) -> Result<(Arc<Slot>, Vec<Remark>), Vec<Remark>> {
        let slot = self.of(&configuration);
        let process = self.process(&slot).await.map_err(remarks::of_failure)?;
        let configured = slot.configured.get_or_init(async || {
            let request = ConfigureRequest {
                terraform_version: TERRAFORM.into(),
                config: DynamicValue::of_msgpack(configuration),
                client_capabilities: Some(capabilities()),
            };
            let answer = process.call::<_, DiagnosticsOnly>(Method::ConfigureProvider, request).await;
            remarks::checked(answer.map_err(remarks::of_failure)?.diagnostics)
        });
        let warnings = configured.await.clone()?;
        Ok((slot, warnings))
    }

    /// Asks every process to end what it is doing.
    pub(crate) async fn stop(&self) {
        let slots = self.lock().clone();
        for slot in slots {
            if let Some(process) = slot.running() {
                // One that cannot be asked ends by itself or is waited for.
                let _ =
                    process.call::<_, crate::wire::calls::StopResponse>(Method::StopProvider, Empty {}).await;
            }
        }
    }
}

impl Slot {
    /// Its process, once there is one.
    fn running(&self) -> Option<Arc<Process>> {
        self.process.get()?.peek()?.as_ref().ok().cloned()
    }
}

/// Starts a process. `asks_schema`: whether it is asked for its schema first.
async fn start(program: Program, asks_schema: bool) -> Result<Arc<Process>, String> {
    let started = match &program.reattach {
        Some(to) => process::reattach(&program.path, to).await,
        None => process::start(&program.path, &program.variables, program.wrapper.as_ref()).await,
    };
    let process = started.map_err(|failure| failure::chain(&failure))?;
    if asks_schema {
        let asked = process.call::<_, GetProviderSchemaResponse>(Method::GetProviderSchema, Empty {}).await;
        asked.map_err(|failure| failure.to_string())?;
    }
    Ok(Arc::new(process))
}

/// What we understand.
pub(crate) fn capabilities() -> ClientCapabilities {
    ClientCapabilities { deferral_allowed: false, write_only_attributes_allowed: true }
}
