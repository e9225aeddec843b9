//! The difference of two JSON documents in lines that a person can read: where, what we have, what the oracle has. Documents are equal
//! exactly if there are none.

use std::collections::BTreeMap;

use serde_json::Value as Json;

/// Writes what differs below `at`.
pub fn json(at: &str, ours: &Json, oracle: &Json, lines: &mut Vec<String>) {
    match (ours, oracle) {
        _ if ours == oracle => {}
        (Json::Object(mine), Json::Object(theirs)) => {
            let keys: std::collections::BTreeSet<&String> = mine.keys().chain(theirs.keys()).collect();
            for key in keys {
                let at = format!("{at}.{key}");
                match (mine.get(key), theirs.get(key)) {
                    (Some(mine), Some(theirs)) => json(&at, mine, theirs, lines),
                    (mine, theirs) => lines.push(both(&at, mine, theirs)),
                }
            }
        }
        (Json::Array(mine), Json::Array(theirs)) => array(at, mine, theirs, lines),
        _ => lines.push(both(at, Some(ours), Some(oracle))),
    }
}

fn array(at: &str, ours: &[Json], oracle: &[Json], lines: &mut Vec<String>) {
    if let (Some(mine), Some(theirs)) = (by_address(ours), by_address(oracle)) {
        return addressed(at, &mine, &theirs, lines);
    }
    if ours.len() != oracle.len() {
        let (ours, oracle) = (Json::Array(ours.to_vec()), Json::Array(oracle.to_vec()));
        return lines.push(both(at, Some(&ours), Some(&oracle)));
    }
    for (index, (mine, theirs)) in ours.iter().zip(oracle).enumerate() {
        json(&format!("{at}[{index}]"), mine, theirs, lines);
    }
}

/// Elements by the address that each has and no other has.
fn by_address(elements: &[Json]) -> Option<BTreeMap<String, (usize, &Json)>> {
    let mut known = BTreeMap::new();
    for (index, element) in elements.iter().enumerate() {
        let address = &element["address"];
        let address = address.as_str().or_else(|| address["to_display"].as_str())?;
        let deposed = element["deposed"].as_str().map_or(String::new(), |key| format!(" {key}"));
        if known.insert(format!("{address}{deposed}"), (index, element)).is_some() {
            return None;
        }
    }
    Some(known)
}

fn addressed(
    at: &str,
    ours: &BTreeMap<String, (usize, &Json)>,
    oracle: &BTreeMap<String, (usize, &Json)>,
    lines: &mut Vec<String>,
) {
    let before = lines.len();
    let addresses: std::collections::BTreeSet<&String> = ours.keys().chain(oracle.keys()).collect();
    for address in addresses {
        let at = format!("{at}[{address}]");
        match (ours.get(address), oracle.get(address)) {
            (Some((_, mine)), Some((_, theirs))) => json(&at, mine, theirs, lines),
            (mine, theirs) => lines.push(both(&at, mine.map(|it| it.1), theirs.map(|it| it.1))),
        }
    }
    if lines.len() == before {
        let order = |of: &BTreeMap<String, (usize, &Json)>| {
            let mut order: Vec<(usize, String)> = of.iter().map(|(key, it)| (it.0, key.clone())).collect();
            order.sort();
            Json::from(order.into_iter().map(|it| it.1).collect::<Vec<_>>())
        };
        lines.push(both(&format!("{at} (order)"), Some(&order(ours)), Some(&order(oracle))));
    }
}

/// Lines of text that only one of two sorted lists has.
pub fn lists(at: &str, ours: &[String], oracle: &[String], lines: &mut Vec<String>) {
    let mut mine = ours.to_vec();
    let mut theirs = oracle.to_vec();
    theirs.retain(|line| match mine.iter().position(|it| it == line) {
        Some(found) => {
            mine.remove(found);
            false
        }
        None => true,
    });
    lines.extend(theirs.iter().map(|line| format!("{at}: only the oracle's: {line:?}")));
    lines.extend(mine.iter().map(|line| format!("{at}: only ours: {line:?}")));
}

/// A place in which the two differ.
pub fn both(at: &str, ours: Option<&Json>, oracle: Option<&Json>) -> String {
    let text = |value: Option<&Json>| value.map_or_else(|| "is missing".to_owned(), Json::to_string);
    let (ours, oracle) = (text(ours), text(oracle));
    let same = ours.chars().zip(oracle.chars()).take_while(|(mine, theirs)| mine == theirs).count();
    // What long values have in common is left out as far as a few characters before they part.
    let start = if same > VALUE_LENGTH_MAX / 2 { same - CONTEXT } else { 0 };
    format!("{at}: ours {}, the oracle's {}", part(&ours, start), part(&oracle, start))
}

/// More of a value than this is not needed to know which it is.
const VALUE_LENGTH_MAX: usize = 160;
const CONTEXT: usize = 20;

fn part(text: &str, start: usize) -> String {
    let before = if start > 0 { "…" } else { "" };
    let after = if text.chars().count() > start + VALUE_LENGTH_MAX { "…" } else { "" };
    let kept: String = text.chars().skip(start).take(VALUE_LENGTH_MAX).collect();
    format!("{before}{kept}{after}")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[track_caller]
    fn check(ours: &Json, oracle: &Json, expect: &[&str]) {
        let mut lines = Vec::new();
        json("state", ours, oracle, &mut lines);
        assert_eq!(lines, expect);
    }

    #[test]
    fn a_difference_is_told_where_it_is() {
        check(&json!({"a": [1, {"b": 2}]}), &json!({"a": [1, {"b": 2}]}), &[]);
        check(
            &json!({"a": [1, {"b": 2}], "c": 1}),
            &json!({"a": [1, {"b": 3}], "d": null}),
            &[
                "state.a[1].b: ours 2, the oracle's 3",
                "state.c: ours 1, the oracle's is missing",
                "state.d: ours is missing, the oracle's null",
            ],
        );
        check(&json!([1, 2]), &json!([1]), &["state: ours [1,2], the oracle's [1]"]);
        check(&json!(false), &json!(null), &["state: ours false, the oracle's null"]);
    }

    #[test]
    fn of_long_values_the_part_that_differs_is_told() {
        let (ours, oracle) = (json!("3".repeat(500)), json!("3".repeat(499) + "4"));
        let expect = format!("state: ours …{0}3\", the oracle's …{0}4\"", "3".repeat(CONTEXT));
        check(&ours, &oracle, &[&expect]);
    }

    #[test]
    fn elements_with_an_address_are_compared_by_it() {
        let (a, b) = (json!({"address": "a", "x": 1}), json!({"address": "b"}));
        let expect = [
            "state[a].x: ours 1, the oracle's 2",
            "state[b]: ours {\"address\":\"b\"}, the oracle's is missing",
        ];
        check(&json!([b, a]), &json!([{"address": "a", "x": 2}]), &expect);
        check(
            &json!([b, a]),
            &json!([a, b]),
            &["state (order): ours [\"b\",\"a\"], the oracle's [\"a\",\"b\"]"],
        );
    }
}
