//! Which call is answered by what, and what the script has to do with it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use plugin::wire::{Method, Protocol};
use prost::Message;
use tonic::body::Body;
use tonic::{Request, Response, Status};
use tonic_prost::ProstCodec;
use value::Type;

use super::fault::Fault;
use super::messages::{Answered, Asked};
use super::misdeed::{crash, spoil};
use super::script::{Answer, Rule};
use super::{Provider, data, ephemeral, functions, journal, schema, thing};

/// As much as a client may want to send.
const MESSAGE_BYTES_MAX: usize = 256 << 20;
/// What a message says of its length that is longer than any that is taken.
const TOO_LONG: u32 = 1 << 30;

/// What a call comes to.
pub(super) type Outcome<A> = Result<A, Fault>;

/// Answers a call of the provider's own.
pub(super) async fn answer(
    provider: Arc<Provider>,
    request: http::Request<Incoming>,
) -> http::Response<Body> {
    let protocol = Protocol::of_number(provider.script.protocol).unwrap_or(Protocol::V6);
    let path = request.uri().path();
    let Some(method) = Method::ALL.iter().copied().find(|method| method.path(protocol) == path) else {
        return Status::unimplemented(format!("there is no {path}")).into_http();
    };
    let call = Call { provider, method, request };
    match method {
        Method::GetProviderSchema => call.by(schema::schema).await,
        Method::GetResourceIdentitySchemas if !call.provider.script.has_identities => {
            Status::unimplemented("identities are not known here").into_http()
        }
        Method::GetResourceIdentitySchemas => call.by(schema::identities).await,
        Method::ValidateProviderConfig => call.by(schema::validate).await,
        Method::ConfigureProvider => call.by(schema::configure).await,
        Method::StopProvider => call.by(schema::stop).await,
        Method::ValidateResourceConfig => call.by(thing::validate).await,
        Method::UpgradeResourceState => call.by(thing::upgrade).await,
        Method::UpgradeResourceIdentity => call.by(thing::upgrade_identity).await,
        Method::ReadResource => call.by(thing::read).await,
        Method::PlanResourceChange => call.by(thing::plan).await,
        Method::ApplyResourceChange => call.by(thing::apply).await,
        Method::ImportResourceState => call.by(thing::import).await,
        Method::MoveResourceState => call.by(thing::take_over).await,
        Method::ValidateDataResourceConfig => call.by(data::validate).await,
        Method::ReadDataSource => call.by(data::read).await,
        Method::ValidateEphemeralResourceConfig => call.by(ephemeral::validate).await,
        Method::OpenEphemeralResource => call.by(ephemeral::open).await,
        Method::RenewEphemeralResource => call.by(ephemeral::renew).await,
        Method::CloseEphemeralResource => call.by(ephemeral::close).await,
        Method::CallFunction => call.by(functions::call).await,
    }
}

struct Call {
    provider: Arc<Provider>,
    method: Method,
    request: http::Request<Incoming>,
}

impl Call {
    async fn by<Q, A>(self, act: fn(&Provider, Q) -> Outcome<A>) -> http::Response<Body>
    where
        Q: Message + Asked + Default + 'static,
        A: Message + Answered + Default + 'static,
    {
        let is_too_long = Arc::new(AtomicBool::new(false));
        let (provider, method, flag) = (self.provider, self.method, is_too_long.clone());
        let service = tower::service_fn(move |request: Request<Q>| {
            let (provider, flag) = (provider.clone(), flag.clone());
            async move { provider.called(method, request.into_inner(), act, &flag).await.map(Response::new) }
        });
        let mut grpc = tonic::server::Grpc::new(ProstCodec::<A, Q>::default())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        let answer = grpc.unary(service, self.request).await;
        if is_too_long.load(Ordering::Relaxed) { too_long() } else { answer }
    }
}

/// A message that says that it is longer than any, and begins.
fn too_long() -> http::Response<Body> {
    let mut bytes = vec![0];
    bytes.extend(TOO_LONG.to_be_bytes());
    bytes.extend([0; 1000]);
    let mut answer = http::Response::new(Body::new(Full::new(Bytes::from(bytes))));
    let kind = http::HeaderValue::from_static("application/grpc");
    answer.headers_mut().insert(http::header::CONTENT_TYPE, kind);
    answer
}

impl Provider {
    async fn called<Q, A>(
        &self,
        method: Method,
        asked: Q,
        act: fn(&Self, Q) -> Outcome<A>,
        is_too_long: &AtomicBool,
    ) -> Result<A, Status>
    where
        Q: Message + Asked,
        A: Message + Answered + Default,
    {
        let about = self.about(method, &asked);
        journal::add(&self.script.cloud, &format!("{method}"), asked.kind(), &about)?;
        match method {
            Method::GetProviderSchema => self.has_told_schema.store(true, Ordering::Relaxed),
            _ if self.script.wants_schema_first && !self.has_told_schema.load(Ordering::Relaxed) => {
                return Err(Status::failed_precondition("nobody asked for the schema yet"));
            }
            _ => {}
        }
        let rule = self.rule(method, &about);
        let kind = asked.kind().to_owned();
        let prior = asked.prior();
        if let Some(rule) = &rule
            && let Err(fault) = self.before(rule).await
        {
            let mut answer = A::default();
            leave(&mut answer, prior, fault);
            return Ok(answer);
        }
        let mut answer = act(self, asked).unwrap_or_else(|fault| {
            let mut answer = A::default();
            leave(&mut answer, prior, fault);
            answer
        });
        if let Some(rule) = rule {
            if rule.after {
                tokio::time::sleep(Duration::from_millis(rule.wait_ms.unwrap_or_default())).await;
                if let Some(how) = &rule.crash {
                    crash(how);
                }
            }
            if let Some(how) = &rule.answer {
                is_too_long.store(*how == Answer::TooLong, Ordering::Relaxed);
                spoil(&mut answer, how, self.answered_type(method, &kind))?;
            }
            for said in &rule.says {
                answer.say(said.into());
            }
        }
        Ok(answer)
    }

    /// What a rule has to be done before the call is.
    async fn before(&self, rule: &Rule) -> Result<(), Fault> {
        if let Some(wait_ms) = rule.wait_ms.filter(|_| !rule.after) {
            tokio::select! {
                () = tokio::time::sleep(Duration::from_millis(wait_ms)) => {}
                () = self.stopped.notified() => {
                    return Err(Fault::new("Stopped", "it was told to stop before it acted"));
                }
            }
        }
        match &rule.crash {
            Some(how) if !rule.after => crash(how),
            _ => Ok(()),
        }
    }

    /// The first rule that fits and is not used up.
    fn rule(&self, method: Method, about: &str) -> Option<Rule> {
        let name = format!("{method}");
        let mut used = self.used.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        used.resize(self.script.rules.len(), 0);
        let rules = self.script.rules.iter().zip(used.iter_mut());
        for (rule, used) in rules {
            let fits = rule.call == name && rule.about.as_deref().is_none_or(|it| it == about);
            if fits && rule.times.is_none_or(|times| *used < times) {
                *used += 1;
                return Some(rule.clone());
            }
        }
        None
    }

    fn about(&self, method: Method, asked: &impl Asked) -> String {
        let (kind, ty) = (asked.kind(), self.answered_type(method, asked.kind()));
        let name = asked.values().into_iter().find_map(|value| {
            let value = plugin::decode(&value.msgpack, &ty).ok()?;
            let text = |name| value.get(name)?.as_str().map(str::to_owned);
            text("name").or_else(|| text("title")).or_else(|| text("id"))
        });
        name.unwrap_or_else(|| if kind.is_empty() { String::new() } else { asked.id().to_owned() })
    }

    /// The type of what a call is about.
    fn answered_type(&self, method: Method, kind: &str) -> Type {
        let kinds = match method {
            Method::ValidateDataResourceConfig | Method::ReadDataSource => &self.data,
            Method::ValidateEphemeralResourceConfig | Method::OpenEphemeralResource => &self.ephemeral,
            Method::CallFunction => return functions::result(kind),
            _ => &self.managed,
        };
        kinds.iter().find(|(name, ..)| *name == kind).map_or(Type::Dynamic, |(_, _, shape)| shape.ty())
    }
}

/// An answer that says why nothing was done.
fn leave<A: Answered>(answer: &mut A, prior: Option<plugin::wire::messages::DynamicValue>, fault: Fault) {
    if let (Some(place), Some(prior)) = (answer.value(), prior) {
        *place = Some(prior);
    }
    answer.say(fault);
}
