//! Provisioners of one object: after it was made, or before it is removed, one after the other. What runs them is outside.

use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Span};
use lang::configuration::Provisioner;
use lang::schema::decode;
use lang::syntax::Body;
use value::Value;

use super::context::Context;
use crate::stack::plan::ResourceChange;
use crate::stack::world::Place;
use crate::{Happened, ProvisionRequest, Provisioners};

/// The provisioners of one block that run at one time.
pub(super) struct Provisioning<'a> {
    pub(super) change: &'a ResourceChange,
    pub(super) provisioners: Vec<&'a Provisioner>,
    /// The connection that the block gives to all of them.
    pub(super) connection: Option<&'a Body>,
    /// Where they are evaluated: with `self`, and `each` and `count` where the block has them.
    pub(super) place: Place<'a>,
}

impl Provisioning<'_> {
    /// Runs them in their order until one fails that may not.
    pub(super) async fn run(&self, context: &Context<'_>) -> Diagnostics {
        let mut faults = Diagnostics::default();
        for provisioner in &self.provisioners {
            let (request, runs) = match self.prepare(context, provisioner, &mut faults) {
                Ok(prepared) => prepared,
                Err(found) => {
                    faults.extend(found);
                    return faults;
                }
            };
            let kind = &provisioner.kind.name;
            let tell = |happened| context.tell(self.change, None, happened);
            tell(Happened::ProvisionStarted { provisioner: kind.clone() });
            let output = |line: &str| {
                tell(Happened::ProvisionOutput { provisioner: kind.clone(), output: line.to_owned() });
            };
            match runs.run(&request, &output, context.cancel).await {
                Ok(()) => tell(Happened::ProvisionFinished { provisioner: kind.clone() }),
                Err(fault) => {
                    tell(Happened::ProvisionFailed { provisioner: kind.clone() });
                    if !provisioner.continues_on_failure {
                        let fault = Diagnostic { span: fault.span.or(Some(provisioner.header)), ..fault };
                        faults.push(about(fault, self.change));
                        return faults;
                    }
                }
            }
        }
        faults
    }

    /// Its arguments and its connection, and what runs it. Warnings are told whether or not it can be run.
    fn prepare<'c>(
        &self,
        context: &'c Context<'_>,
        provisioner: &Provisioner,
        warnings: &mut Diagnostics,
    ) -> Result<(ProvisionRequest, &'c Arc<dyn Provisioners>), Diagnostics> {
        let kind = &provisioner.kind.name;
        let unknown = || {
            let message = format!("Provisioner type not supported: there is no provisioner `{kind}`");
            let fault = Diagnostic::error("unknown-provisioner", message).at(provisioner.kind.span);
            Diagnostics::from(fault.hint("there are `local-exec`, `remote-exec` and `file`"))
        };
        let runs = context.world.input.provisioners.as_ref().ok_or_else(unknown)?;
        let schema = runs.schema(kind).ok_or_else(unknown)?;
        let mut decode = |body: &Body, what: &str, schema| {
            let decoded = decode(body, provisioner.header, what, schema, &[], &self.place);
            if decoded.diagnostics.has_errors() {
                return Err(decoded.diagnostics);
            }
            warnings.extend(decoded.diagnostics);
            known(decoded.value, what, provisioner.header)
        };
        let configuration = decode(&provisioner.body, &format!("provisioner \"{kind}\""), schema)?;
        let connection = match (self.connection, &provisioner.connection) {
            (None, None) => None,
            (Some(one), None) => Some(decode(one, "connection", runs.connection_schema())?),
            (None, Some(one)) => Some(decode(one, "connection", runs.connection_schema())?),
            (Some(all), Some(own)) => {
                Some(decode(&merged(all, own), "connection", runs.connection_schema())?)
            }
        };
        let request = ProvisionRequest {
            address: self.change.address.to_string(),
            kind: kind.clone(),
            configuration,
            connection,
            folder: self.place.folder().to_path_buf(),
        };
        Ok((request, runs))
    }
}

/// A value that somebody else needs wholly known.
fn known(value: Value, what: &str, span: Span) -> Result<Value, Diagnostics> {
    if value.is_wholly_known() {
        return Ok(value);
    }
    let fault = Diagnostic::error("unknown-value", format!("`{what}` holds a value that is not known yet"));
    Err(fault.at(span).hint("refer to `self`, or to what is applied before").into())
}

/// A connection of the resource with what a provisioner says of its own in its place.
fn merged(all: &Body, own: &Body) -> Body {
    let mut body = own.clone();
    let given = |name: &str| own.attribute(name).is_some();
    body.attributes.extend(all.attributes.iter().filter(|a| !given(&a.name.name)).cloned());
    let kinds: Vec<&Arc<str>> = own.blocks.iter().map(|block| &block.kind.name).collect();
    body.blocks.extend(all.blocks.iter().filter(|block| !kinds.contains(&&block.kind.name)).cloned());
    body
}

/// A fault that has no subject is about the object.
pub(super) fn about(mut fault: Diagnostic, change: &ResourceChange) -> Diagnostic {
    if fault.subject.is_none() {
        fault.subject = Some(change.address.to_string());
    }
    fault
}
