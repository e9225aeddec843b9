//! Reads attributes of a value and collects what is wrong with them. It knows no service.

use value::{Kind, Value};

/// What is wrong with a description: where, and what.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{attribute}`: {message}")]
pub struct DescriptionFault {
    /// The attribute, as in `rollout.surge`.
    pub attribute: String,
    /// What is wrong with it, with the way out.
    pub message: String,
}

/// One object of a description, and where faults go.
pub(super) struct Attributes<'a> {
    path: String,
    value: Option<Value>,
    faults: &'a std::cell::RefCell<Vec<DescriptionFault>>,
}

impl<'a> Attributes<'a> {
    /// A value at a path; the empty one is the description itself.
    pub(super) fn new(
        path: impl Into<String>,
        value: &Value,
        faults: &'a std::cell::RefCell<Vec<DescriptionFault>>,
    ) -> Self {
        let value = (value.is_known() && !value.is_null()).then(|| value.clone());
        Self { path: path.into(), value, faults }
    }

    /// Whether it is there at all.
    pub(super) fn is_there(&self) -> bool {
        self.value.is_some()
    }

    fn at(&self, name: &str) -> String {
        if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) }
    }

    pub(super) fn fault(&self, name: &str, message: impl Into<String>) {
        self.faults.borrow_mut().push(DescriptionFault { attribute: self.at(name), message: message.into() });
    }

    /// An attribute's value, unless it is null or not there. A part that is not known is a fault: whoever makes an instance
    /// has to know all of it.
    pub(super) fn value(&self, name: &str) -> Option<Value> {
        let value = self.value.as_ref()?.get(name)?;
        if !value.is_wholly_known() {
            self.fault(name, "it is not known yet");
            return None;
        }
        (!value.is_null()).then_some(value)
    }

    /// Attributes of the object or of the one element of the list at this place.
    pub(super) fn nested(&self, name: &str) -> Attributes<'a> {
        let value = self.value(name).map(|value| match value.kind() {
            Kind::List(_, vs) | Kind::Tuple(vs) | Kind::Set(_, vs) if vs.len() == 1 => vs[0].clone(),
            _ => value,
        });
        let value = value.filter(|value| value.length() != Some(0));
        Attributes { path: self.at(name), value, faults: self.faults }
    }

    /// Attributes of each element: with its name for a map, with its place for a list.
    pub(super) fn each(&self, name: &str) -> Vec<(String, Attributes<'a>)> {
        let Some(elements) = self.value(name).and_then(|value| value.elements()) else { return Vec::new() };
        let of = |(key, value): (Value, Value)| {
            let key = key.as_str().map_or_else(|| key.to_string(), str::to_owned);
            let path = self.at(&format!("{name}[{key}]"));
            (key, Attributes { path, value: Some(value), faults: self.faults })
        };
        elements.into_iter().map(of).collect()
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        let value = self.value(name)?;
        let text = value.as_str().map(str::to_owned);
        if text.is_none() {
            self.fault(name, format!("a text is needed, and it is {value}"));
        }
        text
    }

    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let value = self.value(name)?;
        let flag = value.as_bool();
        if flag.is_none() {
            self.fault(name, format!("`true` or `false` is needed, and it is {value}"));
        }
        flag
    }

    /// A whole number from 0 on.
    pub(super) fn count(&self, name: &str) -> Option<u64> {
        let value = self.value(name)?;
        let count = value.as_number().and_then(value::Number::to_i64).and_then(|n| u64::try_from(n).ok());
        if count.is_none() {
            self.fault(name, format!("a whole number from 0 on is needed, and it is {value}"));
        }
        count
    }

    pub(super) fn small_count(&self, name: &str) -> Option<u32> {
        let count = self.count(name)?;
        let small = u32::try_from(count).ok();
        if small.is_none() {
            self.fault(name, format!("{count} is too large"));
        }
        small
    }

    /// Texts of a list; a single text is a list of one.
    pub(super) fn texts(&self, name: &str) -> Option<Vec<String>> {
        let value = self.value(name)?;
        if let Some(text) = value.as_str() {
            return Some(vec![text.to_owned()]);
        }
        let texts: Option<Vec<String>> =
            value.as_slice().and_then(|vs| vs.iter().map(|v| v.as_str().map(str::to_owned)).collect());
        if texts.is_none() {
            self.fault(name, format!("a list of texts is needed, and it is {value}"));
        }
        texts
    }

    pub(super) fn milliseconds(&self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        let ms = lang::schema::duration_ms(&text);
        if ms.is_none() {
            self.fault(name, format!("`{text}` is not a time; write one like `500ms`, `30s` or `1m30s`"));
        }
        ms
    }

    pub(super) fn bytes(&self, name: &str) -> Option<u64> {
        let text = self.text(name)?;
        let bytes = lang::schema::size_bytes(&text);
        if bytes.is_none() {
            self.fault(name, format!("`{text}` is not a size; write one like `256Mi`, `1Gi` or `500M`"));
        }
        bytes
    }
}
