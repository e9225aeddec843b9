//! What the calls' messages have in common: what is asked about, and where an answer has its value and what is said.

use plugin::wire::calls::{
    ApplyRequest, ApplyResponse, CallFunctionRequest, CallFunctionResponse, ConfigRequest, ConfigureRequest,
    EphemeralRequest, GetProviderSchemaResponse, GetResourceIdentitySchemasResponse, ImportRequest,
    ImportResponse, MoveRequest, MoveResponse, OpenEphemeralRequest, OpenEphemeralResponse, PlanRequest,
    PlanResponse, ReadDataRequest, ReadDataResponse, ReadResourceRequest, ReadResourceResponse,
    RenewEphemeralResponse, StopResponse, UpgradeIdentityRequest, UpgradeIdentityResponse,
    UpgradeStateRequest, UpgradeStateResponse, ValidateRequest,
};
use plugin::wire::messages::{
    Diagnostic, DiagnosticsOnly, DynamicValue, Empty, FunctionError, ProviderConfigResponse, Selector,
};

use super::fault::Fault;

/// A request.
pub(super) trait Asked {
    /// The kind, or the function; empty where there is none.
    fn kind(&self) -> &str {
        ""
    }

    /// The values that may say what it is about, the surest first.
    fn values(&self) -> Vec<&DynamicValue> {
        Vec::new()
    }

    /// The id that a person gave.
    fn id(&self) -> &str {
        ""
    }

    /// What there is, and stays if nothing is done.
    fn prior(&self) -> Option<DynamicValue> {
        None
    }
}

/// An answer.
pub(super) trait Answered {
    /// Its value.
    fn value(&mut self) -> Option<&mut Option<DynamicValue>> {
        None
    }

    /// What is said with it.
    fn said(&mut self) -> Option<&mut Vec<Diagnostic>> {
        None
    }

    /// Says something more.
    fn say(&mut self, fault: Fault) {
        if let Some(said) = self.said() {
            said.push(fault.diagnostic());
        }
    }
}

macro_rules! asked {
    ($($message:ty { $($value:ident),* })*) => {
        $(impl Asked for $message {
            fn kind(&self) -> &str {
                &self.type_name
            }

            fn values(&self) -> Vec<&DynamicValue> {
                let values: Vec<&Option<DynamicValue>> = vec![$(&self.$value),*];
                values.into_iter().flatten().collect()
            }
        })*
    };
}

asked! {
    ValidateRequest { config }
    UpgradeStateRequest {}
    UpgradeIdentityRequest {}
    ReadResourceRequest { current_state }
    PlanRequest { config, prior_state }
    ReadDataRequest { config }
    OpenEphemeralRequest { config }
    EphemeralRequest {}
}

impl Asked for ApplyRequest {
    fn kind(&self) -> &str {
        &self.type_name
    }

    fn values(&self) -> Vec<&DynamicValue> {
        [&self.config, &self.prior_state].into_iter().flatten().collect()
    }

    fn prior(&self) -> Option<DynamicValue> {
        self.prior_state.clone()
    }
}

impl Asked for ImportRequest {
    fn kind(&self) -> &str {
        &self.type_name
    }

    fn id(&self) -> &str {
        &self.id
    }
}

impl Asked for MoveRequest {
    fn kind(&self) -> &str {
        &self.target_type_name
    }
}

impl Asked for CallFunctionRequest {
    fn kind(&self) -> &str {
        &self.name
    }
}

impl Asked for Empty {}
impl Asked for ConfigRequest {}
impl Asked for ConfigureRequest {}

macro_rules! answered {
    ($($message:ty { $($value:ident)? })*) => {
        $(impl Answered for $message {
            $(fn value(&mut self) -> Option<&mut Option<DynamicValue>> {
                Some(&mut self.$value)
            })?

            fn said(&mut self) -> Option<&mut Vec<Diagnostic>> {
                Some(&mut self.diagnostics)
            }
        })*
    };
}

answered! {
    GetProviderSchemaResponse {}
    GetResourceIdentitySchemasResponse {}
    DiagnosticsOnly {}
    ProviderConfigResponse {}
    UpgradeStateResponse { upgraded_state }
    UpgradeIdentityResponse {}
    ReadResourceResponse { new_state }
    PlanResponse { planned_state }
    ApplyResponse { new_state }
    MoveResponse { target_state }
    ReadDataResponse { state }
    OpenEphemeralResponse { result }
    RenewEphemeralResponse {}
}

impl Answered for ImportResponse {
    fn value(&mut self) -> Option<&mut Option<DynamicValue>> {
        self.imported_resources.first_mut().map(|one| &mut one.state)
    }

    fn said(&mut self) -> Option<&mut Vec<Diagnostic>> {
        Some(&mut self.diagnostics)
    }
}

impl Answered for CallFunctionResponse {
    fn value(&mut self) -> Option<&mut Option<DynamicValue>> {
        Some(&mut self.result)
    }

    fn say(&mut self, fault: Fault) {
        let function_argument = match fault.path.first() {
            Some(Selector::ElementKeyInt(at)) => Some(*at),
            _ => None,
        };
        self.error = Some(FunctionError { text: fault.detail, function_argument });
    }
}

impl Answered for StopResponse {
    fn say(&mut self, fault: Fault) {
        self.error = fault.detail;
    }
}
