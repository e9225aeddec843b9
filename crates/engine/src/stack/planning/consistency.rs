//! Whether what a provider plans is a plan of what is described: what a person wrote has to be in it.

use lang::schema::{Block, Given, Nesting};
use value::{Kind, Path, Step, Value};

use super::marks::same;

/// The places where a plan contradicts the description, each with a word of what is wrong. All values without marks.
pub(in crate::stack) fn contradictions(
    schema: &Block,
    prior: &Value,
    configuration: &Value,
    planned: &Value,
) -> Vec<(Path, String)> {
    let mut found = Vec::new();
    block(schema, prior, configuration, planned, &Path::default(), &mut found);
    found
}

type Found = Vec<(Path, String)>;

fn block(schema: &Block, prior: &Value, described: &Value, planned: &Value, path: &Path, found: &mut Found) {
    let (Kind::Object(described), Kind::Object(planned)) = (described.kind(), planned.kind()) else { return };
    let before = |name: &str| match prior.kind() {
        Kind::Object(prior) => prior.get(name),
        _ => None,
    };
    for attribute in &schema.attributes {
        let (Some(described), Some(planned)) = (described.get(&attribute.name), planned.get(&attribute.name))
        else {
            continue;
        };
        let here = || path.with(Step::Attribute(attribute.name.clone()));
        let told = attribute.given == Given::OptionalComputed && described.is_null();
        if attribute.given == Given::Computed || told || attribute.is_write_only {
            continue;
        }
        if same(described, planned) || before(&attribute.name).is_some_and(|before| same(before, planned)) {
            continue;
        }
        match &attribute.nested {
            Some(nested) if !described.is_null() => {
                let before = before(&attribute.name).cloned().unwrap_or_else(|| Value::null(planned.ty()));
                elements(nested, &before, described, planned, &here(), found);
            }
            // What is described as unknown may be planned as whatever it may become.
            _ if !described.is_wholly_known() && planned.is_known() && may_become(described, planned) => {}
            _ => found
                .push((here(), format!("the configuration says {described} and the plan says {planned}"))),
        }
    }
    for nested in &schema.blocks {
        let (Some(described), Some(planned)) = (described.get(&nested.name), planned.get(&nested.name))
        else {
            continue;
        };
        let here = path.with(Step::Attribute(nested.name.clone()));
        let none = Value::null(planned.ty());
        let before = before(&nested.name).unwrap_or(&none);
        match nested.nesting {
            Nesting::Single { .. } if described.is_null() != planned.is_null() && described.is_known() => {
                found.push((here, "the block is there in one and not in the other".to_owned()));
            }
            Nesting::Single { .. } => block(&nested.block, before, described, planned, &here, found),
            _ => elements(&nested.block, before, described, planned, &here, found),
        }
    }
}

fn elements(
    schema: &Block,
    prior: &Value,
    described: &Value,
    planned: &Value,
    path: &Path,
    found: &mut Found,
) {
    let none = Value::null(planned.ty());
    match (described.kind(), planned.kind()) {
        (Kind::Unknown(_), _) => {}
        (Kind::Object(_), Kind::Object(_)) => block(schema, prior, described, planned, path, found),
        (Kind::List(_, described), Kind::List(_, planned))
        | (Kind::Tuple(described), Kind::Tuple(planned)) => {
            if described.len() != planned.len() {
                let why = format!("{} are described and {} are planned", described.len(), planned.len());
                found.push((path.clone(), why));
                return;
            }
            let before = prior.as_slice().unwrap_or_default();
            for (at, (described, planned)) in described.iter().zip(planned.iter()).enumerate() {
                let here = path.with(Step::Index(value::Number::from(at)));
                block(schema, before.get(at).unwrap_or(&none), described, planned, &here, found);
            }
        }
        (Kind::Map(_, described), Kind::Map(_, planned)) => {
            let before = prior.as_entries();
            for (key, described) in described.iter() {
                let here = path.with(Step::Key(key.clone()));
                match planned.get(key) {
                    Some(planned) => {
                        let before = before.and_then(|before| before.get(key)).unwrap_or(&none);
                        block(schema, before, described, planned, &here, found);
                    }
                    None => found.push((here, "it is described and not planned".to_owned())),
                }
            }
            for key in planned.keys().filter(|key| !described.contains_key(*key)) {
                let here = path.with(Step::Key(key.clone()));
                found.push((here, "it is planned and not described".to_owned()));
            }
        }
        // Elements of a set have no place to compare; their number can still tell.
        (Kind::Set(_, described), Kind::Set(_, planned)) => {
            if described.len() != planned.len() && described.iter().all(Value::is_wholly_known) {
                let why = format!("{} are described and {} are planned", described.len(), planned.len());
                found.push((path.clone(), why));
            }
        }
        (Kind::Null(_), Kind::Null(_)) => {}
        _ => found.push((path.clone(), "the plan has another type".to_owned())),
    }
}

fn may_become(described: &Value, planned: &Value) -> bool {
    crate::inconsistency::agrees(described, planned)
}
