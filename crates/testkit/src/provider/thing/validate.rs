//! What a configuration may not say: faults at attributes, at keys of maps and at places in lists.

use plugin::wire::calls::ValidateRequest;
use plugin::wire::messages::{DiagnosticsOnly, Selector};
use value::Value;

use crate::provider::Provider;
use crate::provider::calls::Outcome;
use crate::provider::fault::{Fault, attribute, key};
use crate::provider::schema::{text, value};

/// The word that is wrong wherever it is.
const BAD: &str = "bad";

pub(in crate::provider) fn validate(provider: &Provider, asked: ValidateRequest) -> Outcome<DiagnosticsOnly> {
    let config = value(asked.config.as_ref(), &provider.shape(&asked.type_name)?.ty())?;
    let takes_write_only =
        asked.client_capabilities.is_some_and(|capabilities| capabilities.write_only_attributes_allowed);
    let mut faults = Vec::new();
    match text(&config, "name").as_deref() {
        Some("") => {
            faults.push(Fault::new("Empty name", "a name has a letter at least").at([attribute("name")]));
        }
        Some("odd") => {
            faults.push(Fault::warning("Odd name", "that is an odd name").at([attribute("name")]));
        }
        _ => {}
    }
    if !takes_write_only && text(&config, "secret").is_some() {
        let why = "the client does not know attributes that are never kept";
        faults.push(Fault::new("Write-only", why).at([attribute("secret")]));
    }
    let bad = |step: [Selector; 2]| Fault::new("Bad word", format!("{BAD:?} is not allowed")).at(step);
    let labels = config.get("labels").unwrap_or_else(|| config.clone());
    for (label, word) in labels.as_entries().into_iter().flatten() {
        if word.as_str() == Some(BAD) && labels.get(label).is_some() {
            faults.push(bad([attribute("labels"), key(label)]));
        }
    }
    let parts = config.get("parts");
    for (at, word) in parts.iter().filter_map(Value::as_slice).flatten().enumerate() {
        if word.as_str() == Some(BAD) {
            let at = i64::try_from(at).unwrap_or(i64::MAX);
            faults.push(bad([attribute("parts"), Selector::ElementKeyInt(at)]));
        }
    }
    Ok(DiagnosticsOnly { diagnostics: faults.into_iter().map(Fault::diagnostic).collect() })
}
