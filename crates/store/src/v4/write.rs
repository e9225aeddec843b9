//! Writing a document.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use engine::{Address, Key, Mode, StateRow};
use serde_json::Value as Json;
use value::{Kind, Type, Value, type_to_json};

use super::marks::{Place, is_wrapped, sensitive};
use super::text::Text;
use super::{Document, Shapes};
use crate::edits::configured;

/// A document, and what could not be in it.
#[derive(Debug, Clone)]
pub struct Written {
    /// The document.
    pub bytes: Vec<u8>,
    /// Resources of Mainstay's own kinds, which have no Terraform provider and no place in the document.
    pub left_out: Vec<Address>,
}

/// What a resource is ordered and told apart by: module, data before managed, type, name.
type ResourceKey<'a> = (String, bool, &'a str, &'a str);

/// The document as Terraform writes it.
#[must_use]
pub fn write(document: &Document, shapes: &dyn Shapes) -> Written {
    let mut left_out = Vec::new();
    let mut resources: BTreeMap<ResourceKey<'_>, Vec<&StateRow>> = BTreeMap::new();
    for row in &document.rows {
        let Address { module, mode, kind, name, .. } = &row.address;
        if row.record.provider.is_empty() || row.address.cluster.is_some() {
            left_out.push(row.address.clone());
            continue;
        }
        let key = (module.to_string(), *mode != Mode::Data, kind.as_str(), name.as_ref());
        resources.entry(key).or_default().push(row);
    }
    let mut text = Text::default();
    text.object(|text| {
        text.name("version").plain("4");
        text.name("terraform_version").string(&document.terraform_version);
        text.name("serial").plain(&document.serial.to_string());
        text.name("lineage").string(&document.lineage);
        let mut outputs: Vec<_> = document.outputs.iter().collect();
        outputs.sort_by(|a, b| a.0.cmp(&b.0));
        text.name("outputs").object(|text| outputs.into_iter().for_each(|(name, v)| output(text, name, v)));
        text.name("resources").array(|text| {
            for (key, mut rows) in resources {
                rows.sort_by(|a, b| {
                    let order = |row: &StateRow| (row.address.key.clone(), row.record.deposed.clone());
                    order(a).cmp(&order(b))
                });
                resource(text, &key, &rows, shapes);
            }
        });
        checks(text.name("check_results"), document.checks.as_ref());
    });
    Written { bytes: text.finish(), left_out }
}

fn output(text: &mut Text, name: &str, output: &Value) {
    text.name(name).object(|text| {
        value(text.name("value"), output, None);
        text.name("type").json(&type_to_json(&output.ty()));
        if output.marks_deep().contains(value::Marks::SENSITIVE) {
            text.name("sensitive").plain("true");
        }
    });
}

fn resource(text: &mut Text, key: &ResourceKey<'_>, rows: &[&StateRow], shapes: &dyn Shapes) {
    let (module, managed, kind, name) = key;
    let provider = rows.first().map(|row| row.record.provider.as_ref()).unwrap_or_default();
    let mode = if *managed { Mode::Managed } else { Mode::Data };
    let shape = shapes.shape(provider, mode, kind);
    text.object(|text| {
        if !module.is_empty() {
            text.name("module").string(module);
        }
        text.name("mode").string(if *managed { "managed" } else { "data" });
        text.name("type").string(kind);
        text.name("name").string(name);
        text.name("provider").string(provider);
        text.name("instances").array(|text| {
            for row in rows {
                instance(text, row, shape.as_ref());
            }
        });
    });
}

fn instance(text: &mut Text, row: &StateRow, shape: Option<&Type>) {
    let record = &row.record;
    text.object(|text| {
        match &row.address.key {
            Some(Key::Index(index)) => text.name("index_key").plain(&index.to_string()),
            Some(Key::Name(name)) => text.name("index_key").string(name),
            None => {}
        }
        if record.tainted {
            text.name("status").string("tainted");
        }
        if let Some(deposed) = &record.deposed {
            text.name("deposed").string(deposed);
        }
        text.name("schema_version").plain(&record.schema_version.to_string());
        // A value that was read without its schema's type is written as it was read, whatever the schema says by now.
        let shape = shape.filter(|shape| fits(&row.value, shape));
        match (shape, row.value.as_entries()) {
            // Attributes of no fixed type still have their type beside them, in the order that such have.
            (None, Some(entries)) => text.name("attributes").object(|text| {
                entries.iter().for_each(|(name, v)| implied(text.name(name), v));
            }),
            _ => value(text.name("attributes"), &row.value, shape),
        }
        let paths = sensitive(&row.value, shape);
        text.name("sensitive_attributes").array(|text| paths.iter().for_each(|path| steps(text, path)));
        if let Some((version, identity)) = &record.identity {
            text.name("identity_schema_version").plain(&version.to_string());
            text.name("identity").json(identity);
        }
        if !record.private.is_empty() {
            text.name("private").string(&BASE64.encode(&record.private));
        }
        let dependencies: BTreeSet<String> =
            row.depends_on.iter().map(|address| configured(address).to_string()).collect();
        if !dependencies.is_empty() {
            text.name("dependencies").array(|text| dependencies.iter().for_each(|d| text.string(d)));
        }
        if record.create_before_destroy {
            text.name("create_before_destroy").plain("true");
        }
    });
}

/// Whether a value is one of the type, with anything where the type is not fixed.
fn fits(value: &Value, shape: &Type) -> bool {
    match (value.kind(), shape) {
        (_, Type::Dynamic) | (Kind::Null(_), _) => true,
        (Kind::Bool(_), Type::Bool) | (Kind::Number(_), Type::Number) | (Kind::String(_), Type::String) => {
            true
        }
        (Kind::List(_, vs), Type::List(t)) | (Kind::Set(_, vs), Type::Set(t)) => {
            !t.has_dynamic() || vs.iter().all(|v| fits(v, t))
        }
        (Kind::Tuple(vs), Type::Tuple(ts)) => {
            vs.len() == ts.len() && vs.iter().zip(ts.iter()).all(|(v, t)| fits(v, t))
        }
        (Kind::Tuple(vs), Type::List(t)) => t.has_dynamic() && vs.iter().all(|v| fits(v, t)),
        (Kind::Map(_, m), Type::Map(t)) => !t.has_dynamic() || m.values().all(|v| fits(v, t)),
        (Kind::Object(m), Type::Map(t)) => t.has_dynamic() && m.values().all(|v| fits(v, t)),
        (Kind::Object(m), Type::Object(o)) => {
            m.len() == o.attributes.len()
                && m.iter().all(|(name, v)| {
                    o.attributes.get(name.as_ref()).is_some_and(|attribute| fits(v, &attribute.ty))
                })
        }
        _ => false,
    }
}

fn value(text: &mut Text, v: &Value, shape: Option<&Type>) {
    if let (Some(Type::Dynamic), false) = (shape, v.is_null()) {
        text.object(|text| {
            value(text.name("value"), v, None);
            text.name("type").json(&type_to_json(&v.ty()));
        });
        return;
    }
    match v.kind() {
        // What is unknown has no place in a state; null is what an apply that was broken off leaves.
        Kind::Unknown(_) | Kind::Null(_) => text.plain("null"),
        Kind::Bool(b) => text.plain(if *b { "true" } else { "false" }),
        Kind::Number(n) => text.plain(&n.to_string()),
        Kind::String(s) => text.string(s),
        Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => text.array(|text| {
            for (i, v) in vs.iter().enumerate() {
                value(text, v, element(shape, i));
            }
        }),
        Kind::Map(_, m) | Kind::Object(m) => text.object(|text| {
            for (name, v) in m.iter() {
                value(text.name(name), v, member(shape, name));
            }
        }),
    }
}

/// A value that was read without its schema's type.
fn implied(text: &mut Text, v: &Value) {
    match v.kind() {
        Kind::Object(m) if is_wrapped(v) => text.object(|text| {
            for name in ["value", "type"] {
                if let Some(v) = m.get(name) {
                    value(text.name(name), v, None);
                }
            }
        }),
        Kind::Map(_, m) | Kind::Object(m) => text.object(|text| {
            m.iter().for_each(|(name, v)| implied(text.name(name), v));
        }),
        Kind::List(_, vs) | Kind::Set(_, vs) | Kind::Tuple(vs) => {
            text.array(|text| vs.iter().for_each(|v| implied(text, v)));
        }
        _ => value(text, v, None),
    }
}

fn element(shape: Option<&Type>, at: usize) -> Option<&Type> {
    match shape? {
        Type::List(t) | Type::Set(t) => Some(t.as_ref()),
        Type::Tuple(ts) => ts.get(at),
        _ => None,
    }
}

fn member<'t>(shape: Option<&'t Type>, name: &str) -> Option<&'t Type> {
    match shape? {
        Type::Map(t) => Some(t.as_ref()),
        Type::Object(o) => o.attributes.get(name).map(|attribute| &attribute.ty),
        _ => None,
    }
}

fn steps(text: &mut Text, path: &[Place]) {
    text.array(|text| {
        for place in path {
            text.object(|text| match place {
                Place::Attribute(name) => {
                    text.name("type").string("get_attr");
                    text.name("value").string(name);
                }
                Place::Key(key) => index(text, "string", |text| text.string(key)),
                Place::Index(at) => index(text, "number", |text| text.plain(&at.to_string())),
            });
        }
    });
}

fn index(text: &mut Text, ty: &str, key: impl FnOnce(&mut Text)) {
    text.name("type").string("index");
    text.name("value").object(|text| {
        key(text.name("value"));
        text.name("type").string(ty);
    });
}

/// Members of the results of checks in the order in which Terraform writes them; JSON objects in memory have lost theirs.
const CHECK_MEMBERS: [&str; 6] =
    ["object_kind", "config_addr", "object_addr", "status", "objects", "failure_messages"];

fn checks(text: &mut Text, json: Option<&Json>) {
    match json {
        None => text.plain("null"),
        Some(Json::Array(list)) => text.array(|text| list.iter().for_each(|json| checks(text, Some(json)))),
        Some(Json::Object(members)) => text.object(|text| {
            for name in CHECK_MEMBERS {
                if let Some(json) = members.get(name) {
                    checks(text.name(name), Some(json));
                }
            }
            for (name, json) in members.iter().filter(|(name, _)| !CHECK_MEMBERS.contains(&name.as_str())) {
                checks(text.name(name), Some(json));
            }
        }),
        Some(other) => text.json(other),
    }
}
