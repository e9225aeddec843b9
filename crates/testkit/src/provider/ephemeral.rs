//! Leases: open until they are closed, and renewed in between if their configuration wants that. Each renewal gives a lease a new
//! number, which is in its private data; what comes with an old number is turned away.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use plugin::wire::calls::{
    EphemeralRequest, OpenEphemeralRequest, OpenEphemeralResponse, RenewEphemeralResponse, Timestamp,
    ValidateRequest,
};
use plugin::wire::messages::DiagnosticsOnly;
use serde::{Deserialize, Serialize};
use value::{Type, Value};

use super::calls::Outcome;
use super::fault::{Fault, attribute};
use super::schema::{sent, text, value};
use super::{Cloud, Provider};

/// What a lease's private data says.
#[derive(Serialize, Deserialize)]
struct Lease {
    id: String,
    number: u32,
    renew_after_ms: Option<u64>,
}

impl Lease {
    fn key(&self) -> String {
        format!("{}/{}", self.id, self.number)
    }

    fn renew_at(&self) -> Option<Timestamp> {
        let after = Duration::from_millis(self.renew_after_ms?);
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default() + after;
        Some(Timestamp {
            seconds: at.as_secs().try_into().unwrap_or(i64::MAX),
            nanos: at.subsec_nanos().try_into().unwrap_or(0),
        })
    }

    fn private(&self) -> Option<Vec<u8>> {
        serde_json::to_vec(self).ok()
    }

    fn of_private(private: Option<Vec<u8>>) -> Outcome<Self> {
        let read = serde_json::from_slice(&private.unwrap_or_default());
        read.map_err(|error| Fault::new("The private data was lost", error.to_string()))
    }
}

pub(super) fn validate(provider: &Provider, asked: ValidateRequest) -> Outcome<DiagnosticsOnly> {
    let config = value(asked.config.as_ref(), &provider.lease_type())?;
    if text(&config, "scope").as_deref() == Some("") {
        return Err(Fault::new("Empty scope", "a scope has a letter at least").at([attribute("scope")]));
    }
    Ok(DiagnosticsOnly::default())
}

pub(super) fn open(provider: &Provider, asked: OpenEphemeralRequest) -> Outcome<OpenEphemeralResponse> {
    let ty = provider.lease_type();
    let config = value(asked.config.as_ref(), &ty)?;
    let renew_after = config.get("renew_after_ms").unwrap_or_else(|| Value::null(Type::Number));
    let renew_after_ms = renew_after.as_number().and_then(|it| it.to_i64()).and_then(|ms| ms.try_into().ok());
    let lease = Cloud::change(&provider.script.cloud, |cloud| {
        cloud.serial += 1;
        let lease = Lease { id: format!("lease-{}", cloud.serial), number: 0, renew_after_ms };
        cloud.leases.insert(lease.key());
        lease
    })?;
    let scope = text(&config, "scope").unwrap_or_default();
    let result = Value::object([
        ("token", Value::string(format!("{scope}:{}", lease.id))),
        ("scope", Value::string(scope)),
        ("renew_after_ms", renew_after),
    ]);
    Ok(OpenEphemeralResponse {
        renew_at: lease.renew_at(),
        result: sent(&result, &ty),
        private: lease.private(),
        ..OpenEphemeralResponse::default()
    })
}

pub(super) fn renew(provider: &Provider, asked: EphemeralRequest) -> Outcome<RenewEphemeralResponse> {
    let old = Lease::of_private(asked.private)?;
    let new = Lease { id: old.id.clone(), number: old.number + 1, renew_after_ms: old.renew_after_ms };
    Cloud::change(&provider.script.cloud, |cloud| {
        take(cloud, &old)?;
        cloud.leases.insert(new.key());
        Ok::<_, Fault>(())
    })??;
    Ok(RenewEphemeralResponse {
        renew_at: new.renew_at(),
        private: new.private(),
        ..RenewEphemeralResponse::default()
    })
}

pub(super) fn close(provider: &Provider, asked: EphemeralRequest) -> Outcome<DiagnosticsOnly> {
    let lease = Lease::of_private(asked.private)?;
    Cloud::change(&provider.script.cloud, |cloud| take(cloud, &lease))??;
    Ok(DiagnosticsOnly::default())
}

fn take(cloud: &mut Cloud, lease: &Lease) -> Outcome<()> {
    let key = lease.key();
    if cloud.leases.remove(&key) {
        Ok(())
    } else {
        Err(Fault::new("No such lease", format!("{key} is not open")))
    }
}

impl Provider {
    fn lease_type(&self) -> Type {
        self.ephemeral.first().map_or(Type::Dynamic, |(_, _, shape)| shape.ty())
    }
}
