//! Compares a description with what was last written and with what is live. It asks nobody; what a platform fills in by
//! itself is hidden on both sides.

use std::collections::BTreeMap;
use std::sync::Arc;

use engine::{Difference, DifferenceKind};
use value::{Kind, Number, Path, Step, Value};

use crate::description::{default_of, is_default};
use crate::record::COMPUTED;

/// Attributes that are no property of one service in one cluster: what only an agent tells, and which clusters there are.
fn is_compared(name: &str) -> bool {
    !COMPUTED.contains(&name) && name != "clusters"
}

/// Whether two descriptions are the same, apart from what is not compared. Quick, and the usual answer.
pub(crate) fn same(a: &Value, b: &Value) -> bool {
    match (a.as_entries(), b.as_entries()) {
        (Some(a), Some(b)) => {
            let compared = |(name, _): &(&Arc<str>, &Value)| is_compared(name);
            a.iter().filter(compared).eq(b.iter().filter(compared))
        }
        _ => a == b,
    }
}

/// Tells whose the deviation of what is live from what was written is, by the attribute's place.
pub(crate) type Whose<'a> = &'a dyn Fn(&str) -> DifferenceKind;

/// What differs, in the order of the attributes. Marked values are shown as such, and marks alone are no difference.
pub(crate) fn differences(
    written: Option<&Value>,
    live: Option<&Value>,
    described: &Value,
    whose: Whose<'_>,
) -> Vec<Difference> {
    let described = leaves(described);
    let written = written.map(leaves);
    let live = live.map(leaves);
    let mut places: BTreeMap<&str, &Path> = BTreeMap::new();
    for side in [Some(&described), written.as_ref(), live.as_ref()].into_iter().flatten() {
        places.extend(side.iter().map(|(place, leaf)| (place.as_str(), &leaf.path)));
    }
    let mut differences = Vec::new();
    for (place, path) in places {
        let described = described.get(place).map(|leaf| &leaf.value);
        let written = written.as_ref().map(|it| it.get(place).map(|leaf| &leaf.value));
        let live = live.as_ref().map(|it| it.get(place).map(|leaf| &leaf.value));
        let now = live.or(written).unwrap_or(None);
        let ours = written.is_none_or(|written| !alike(written, described));
        let moved = matches!((written, live), (Some(written), Some(live)) if !alike(written, live));
        if !ours && !moved {
            continue;
        }
        let kind = if moved && !ours { whose(place) } else { DifferenceKind::Ours };
        let (before, after) = (now.or(default_of(place)), described.or(default_of(place)));
        let before = if written.is_none() && live.is_none() { None } else { before };
        differences.push(Difference::new(path, kind, before, after));
    }
    differences
}

fn alike(a: Option<&Value>, b: Option<&Value>) -> bool {
    match (a, b) {
        (Some(a), Some(b)) => a.clone().unmark_deep().0 == b.clone().unmark_deep().0,
        (None, None) => true,
        _ => false,
    }
}

/// One place of a description with what is there.
struct Leaf {
    path: Path,
    value: Value,
}

/// Every place of a description that says more than nothing would.
fn leaves(value: &Value) -> BTreeMap<String, Leaf> {
    let mut leaves = BTreeMap::new();
    for (name, attribute) in value.as_entries().into_iter().flatten() {
        if is_compared(name) {
            let path = Path::default().with(Step::Attribute(name.clone()));
            let attribute = attribute.clone().with_marks(value.marks());
            collect(&attribute, path, name.to_string(), &mut leaves);
        }
    }
    leaves
}

fn collect(value: &Value, path: Path, place: String, leaves: &mut BTreeMap<String, Leaf>) {
    if is_default(&place, value) {
        return;
    }
    let inner: Vec<(Step, String, Value)> = match value.kind() {
        // A secret is not taken apart: even its parts' names may say too much.
        _ if value.is_sensitive() => Vec::new(),
        Kind::Object(entries) => entries
            .iter()
            .map(|(name, value)| (Step::Attribute(name.clone()), format!("{place}.{name}"), value.clone()))
            .collect(),
        Kind::Map(_, entries) => entries
            .iter()
            .map(|(name, value)| (Step::Key(name.clone()), format!("{place}[{name:?}]"), value.clone()))
            .collect(),
        Kind::List(_, values) | Kind::Tuple(values)
            if values.iter().any(|value| value.as_entries().is_some()) =>
        {
            values
                .iter()
                .enumerate()
                .map(|(i, value)| (Step::Index(Number::from(i)), format!("{place}[{i}]"), value.clone()))
                .collect()
        }
        _ => Vec::new(),
    };
    if inner.is_empty() {
        leaves.insert(place, Leaf { path, value: value.clone() });
        return;
    }
    for (step, place, value) in inner {
        collect(&value, path.with(step), place, leaves);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use value::{Marks, Type};

    fn service(replicas: u64, env: &[(&str, &str)], grace: Option<&str>) -> Value {
        let secret = |name: &str, text: &str| {
            let value = Value::string(text);
            if name.starts_with("SECRET") { value.with_marks(Marks::SENSITIVE) } else { value }
        };
        Value::object([
            ("image", Value::string("shop/web@sha256:1")),
            ("replicas", Value::number(replicas)),
            ("env", Value::map(Type::String, env.iter().map(|(name, text)| (*name, secret(name, text))))),
            ("stop", Value::object([("grace", grace.map_or(Value::null(Type::String), Value::string))])),
            ("address", Value::unknown(Type::String)),
        ])
    }

    fn shown(written: Option<&Value>, live: Option<&Value>, described: &Value) -> Vec<String> {
        let whose =
            |place: &str| if place == "replicas" { DifferenceKind::Drift } else { DifferenceKind::Foreign };
        let text = |it: Option<String>| it.unwrap_or_else(|| "-".into());
        differences(written, live, described, &whose)
            .into_iter()
            .map(|it| format!("{:?} {}: {} -> {}", it.kind, it.path, text(it.before), text(it.after)))
            .collect()
    }

    #[test]
    fn differences_say_whose_they_are_and_hide_secrets_and_defaults() {
        let written = service(3, &[("A", "1"), ("SECRET", "old")], None);
        let live = service(2, &[("A", "9"), ("SECRET", "old")], None);
        let described = service(3, &[("A", "1"), ("B", "2"), ("SECRET", "new")], Some("30s"));
        assert_eq!(
            shown(Some(&written), Some(&live), &described),
            [
                "Foreign env[\"A\"]: \"9\" -> \"1\"",
                "Ours env[\"B\"]: - -> \"2\"",
                "Ours env[\"SECRET\"]: (sensitive value) -> (sensitive value)",
                "Drift replicas: 2 -> 3",
            ]
        );
        assert_eq!(shown(Some(&written), Some(&written), &written), Vec::<String>::new());
    }

    #[test]
    fn what_is_taken_out_goes_back_to_its_default_and_what_is_new_has_nothing_before() {
        let written = service(1, &[], Some("5s"));
        let described = service(1, &[], None);
        assert_eq!(shown(Some(&written), Some(&written), &described), ["Ours stop.grace: \"5s\" -> \"30s\""]);
        assert_eq!(
            shown(None, None, &service(2, &[], None)),
            ["Ours image: - -> \"shop/web@sha256:1\"", "Ours replicas: - -> 2"]
        );
    }
}
