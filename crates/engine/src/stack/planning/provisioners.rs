//! Whether the provisioners of a resource are described as their kinds want it. None is run, and what they refer to counts as unknown
//! where it is not known yet.

use diag::{Diagnostic, Diagnostics};
use lang::configuration::Resource;
use lang::schema::decode;
use value::{Type, Value};

use super::instances::Instance;
use crate::stack::world::{ResourceAt, World};

/// What is wrong with the provisioners of an instance.
pub(super) fn check(world: &World, at: ResourceAt, resource: &Resource, instance: &Instance) -> Diagnostics {
    let mut faults = Diagnostics::default();
    if resource.provisioners.is_empty() && resource.connection.is_none() {
        return faults;
    }
    let Some(runs) = &world.input.provisioners else { return faults };
    // Any attribute of the object may be referred to.
    let own = Value::unknown(Type::Dynamic);
    let place = instance.place(world, at);
    let place = place.with_self(&own);
    if let Some(connection) = &resource.connection {
        let schema = runs.connection_schema();
        faults.extend(decode(connection, resource.header, "connection", schema, &[], &place).diagnostics);
    }
    for provisioner in &resource.provisioners {
        let kind = &provisioner.kind.name;
        let Some(schema) = runs.schema(kind) else {
            let message = format!("Unsupported provisioner type: there is no provisioner `{kind}`");
            let fault = Diagnostic::error("unknown-provisioner", message).at(provisioner.kind.span);
            faults.push(fault.hint("there are `local-exec`, `remote-exec` and `file`"));
            continue;
        };
        let what = format!("provisioner \"{kind}\"");
        faults.extend(decode(&provisioner.body, provisioner.header, &what, schema, &[], &place).diagnostics);
        if let Some(connection) = &provisioner.connection {
            let schema = runs.connection_schema();
            faults.extend(
                decode(connection, provisioner.header, "connection", schema, &[], &place).diagnostics,
            );
        }
    }
    faults
}
