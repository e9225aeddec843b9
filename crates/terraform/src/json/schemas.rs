//! Schemas of providers in JSON, format 1.0.

use engine::stack::provider::KindSchema;
use lang::schema::{Attribute, Block, Given, NestedBlock, Nesting};
use operations::stack::Schemas;
use serde_json::{Map, Value as Json, json};

/// The answer of `providers schema -json`.
#[must_use]
pub fn schemas(schemas: &Schemas) -> Json {
    let mut out = Map::new();
    for (name, schema) in schemas {
        let mut provider = Map::new();
        let own = if schema.provider.block.attributes.is_empty() && schema.provider.block.blocks.is_empty() {
            json!({ "version": schema.provider.version })
        } else {
            kind(&schema.provider)
        };
        provider.insert("provider".into(), own);
        let groups = [
            ("resource_schemas", &schema.resources),
            ("data_source_schemas", &schema.data),
            ("ephemeral_resource_schemas", &schema.ephemeral),
        ];
        for (group, kinds) in groups {
            if !kinds.is_empty() {
                let all = kinds.iter().map(|(name, schema)| (name.to_string(), kind(schema))).collect();
                provider.insert(group.into(), Json::Object(all));
            }
        }
        if !schema.functions.is_empty() {
            let all =
                schema.functions.iter().map(|(name, it)| (name.to_string(), it.metadata.clone())).collect();
            provider.insert("functions".into(), Json::Object(all));
        }
        out.insert(name.clone(), Json::Object(provider));
    }
    json!({ "format_version": "1.0", "provider_schemas": out })
}

fn kind(schema: &KindSchema) -> Json {
    json!({ "version": schema.version, "block": block(&schema.block) })
}

fn block(block: &Block) -> Json {
    let mut out = Map::new();
    if !block.attributes.is_empty() {
        let all = block.attributes.iter().map(|it| (it.name.to_string(), attribute(it))).collect();
        out.insert("attributes".into(), Json::Object(all));
    }
    if !block.blocks.is_empty() {
        let all = block.blocks.iter().map(|it| (it.name.to_string(), nested(it))).collect();
        out.insert("block_types".into(), Json::Object(all));
    }
    described(&mut out, &block.doc, block.is_markdown);
    if block.is_deprecated {
        out.insert("deprecated".into(), Json::Bool(true));
    }
    Json::Object(out)
}

fn described(out: &mut Map<String, Json>, doc: &str, is_markdown: bool) {
    if !doc.is_empty() {
        out.insert("description".into(), json!(doc));
    }
    out.insert("description_kind".into(), json!(if is_markdown { "markdown" } else { "plain" }));
}

fn attribute(attribute: &Attribute) -> Json {
    let mut out = Map::new();
    match &attribute.nested {
        None => {
            out.insert("type".into(), value::type_to_json(&attribute.ty));
        }
        Some(inner) => {
            let mode = match attribute.ty {
                value::Type::List(_) => "list",
                value::Type::Set(_) => "set",
                value::Type::Map(_) => "map",
                _ => "single",
            };
            let attributes: Map<String, Json> =
                inner.attributes.iter().map(|it| (it.name.to_string(), self::attribute(it))).collect();
            out.insert("nested_type".into(), json!({ "attributes": attributes, "nesting_mode": mode }));
        }
    }
    described(&mut out, &attribute.doc, attribute.is_markdown);
    let mut flag = |name: &str, is_set: bool| {
        if is_set {
            out.insert(name.into(), Json::Bool(true));
        }
    };
    flag("required", attribute.given == Given::Required);
    flag("optional", matches!(attribute.given, Given::Optional | Given::OptionalComputed));
    flag("computed", matches!(attribute.given, Given::Computed | Given::OptionalComputed));
    flag("sensitive", attribute.is_sensitive);
    flag("deprecated", attribute.is_deprecated);
    flag("write_only", attribute.is_write_only);
    Json::Object(out)
}

fn nested(nested: &NestedBlock) -> Json {
    let mode = match nested.nesting {
        Nesting::Single { defaults: false } => "single",
        Nesting::Single { defaults: true } => "group",
        Nesting::List => "list",
        Nesting::Set => "set",
        Nesting::Map { .. } => "map",
    };
    let mut out = Map::new();
    out.insert("nesting_mode".into(), json!(mode));
    out.insert("block".into(), block(&nested.block));
    if nested.min > 0 {
        out.insert("min_items".into(), json!(nested.min));
    }
    if nested.max > 0 {
        out.insert("max_items".into(), json!(nested.max));
    }
    Json::Object(out)
}
