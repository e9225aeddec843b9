//! Two values beside each other, line by line: what is added, removed and changed, and how much of the rest is hidden.
//!
//! An attribute of no fixed type is shown as the JSON that it is: its sets are sequences, and its maps objects.

use std::collections::BTreeSet;
use std::sync::Arc;

use engine::{Address, Mode};
use serde_json::Value as Json;
use store::v4::{BuiltinShapes, Shapes};
use value::{Kind, Path, Step, Type, Value};

use super::Paint;
use super::quote::quoted;
use super::sequences::{lines, pairs};

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Add,
    Remove,
    Change,
    Same,
}

/// Which attributes of an object are of no fixed type.
pub struct Loose(BTreeSet<Arc<str>>);

impl Loose {
    /// Those of a kind of resource.
    #[must_use]
    pub fn of(provider: &str, address: &Address) -> Self {
        let mode = if address.mode == Mode::Data { Mode::Data } else { Mode::Managed };
        let shape = BuiltinShapes.shape(provider, mode, address.kind.as_str());
        let Some(Type::Object(object)) = shape else { return Self(BTreeSet::new()) };
        let loose = object.attributes.iter().filter(|(_, attribute)| attribute.ty == Type::Dynamic);
        Self(loose.map(|(name, _)| name.clone()).collect())
    }
}

/// Writes differences.
pub struct Differences<'a> {
    paint: Paint,
    /// Places whose change needs another object.
    forces: &'a [Path],
}

/// Where something is written.
#[derive(Clone, Copy)]
struct Here<'p> {
    /// Spaces before the sign.
    depth: usize,
    path: &'p Path,
    /// Whether it is inside of something of no fixed type.
    is_loose: bool,
}

impl<'a> Differences<'a> {
    /// With the places whose change needs another object.
    #[must_use]
    pub fn new(paint: Paint, forces: &'a [Path]) -> Self {
        Self { paint, forces }
    }

    /// The attributes of an object, from one to the other; either may be null. `depth`: spaces before the signs.
    #[must_use]
    pub fn object(&self, before: &Value, after: &Value, depth: usize, loose: &Loose) -> Vec<String> {
        let path = Path::default();
        self.attributes(before, after, Here { depth, path: &path, is_loose: false }, Some(loose))
    }

    /// One named value of no fixed type, from one to the other; `None`: it is not there.
    #[must_use]
    pub fn named(
        &self,
        name: &str,
        width: usize,
        before: Option<&Value>,
        after: Option<&Value>,
        depth: usize,
    ) -> Vec<String> {
        let path = Path::default();
        let here = Here { depth, path: &path, is_loose: true };
        self.entry(&format!("{name:width$} = "), before, after, here)
    }

    /// The attributes of an object that is as it is.
    #[must_use]
    pub fn still(&self, value: &Value, depth: usize, loose: &Loose) -> Vec<String> {
        let Some(entries) = value.as_entries() else { return Vec::new() };
        let there: Vec<_> = entries.iter().filter(|(_, value)| !value.is_null()).collect();
        let width = there.iter().map(|(name, _)| name.chars().count()).max().unwrap_or(0);
        let mut out = Vec::new();
        for (name, value) in there {
            let path = Path(vec![Step::Attribute(name.clone())]);
            let here = Here { depth, path: &path, is_loose: loose.0.contains(name) };
            out.extend(self.lined(
                Sign::Same,
                &format!("{name:width$} = "),
                self.whole(value, Sign::Same, here),
                depth,
                "",
            ));
        }
        out
    }

    /// One named value that is as it is.
    #[must_use]
    pub fn still_named(&self, name: &str, value: &Value, depth: usize) -> Vec<String> {
        let path = Path::default();
        let here = Here { depth, path: &path, is_loose: false };
        self.lined(Sign::Same, &format!("{name} = "), self.whole(value, Sign::Same, here), depth, "")
    }

    fn sign(&self, sign: Sign) -> String {
        match sign {
            Sign::Add => self.paint.good("+"),
            Sign::Remove => self.paint.bad("-"),
            Sign::Change => self.paint.change("~"),
            Sign::Same => " ".into(),
        }
    }

    /// A value under its label: the sign and the label stand before the first of its lines, and `end` after the last.
    fn lined(&self, sign: Sign, label: &str, mut text: Vec<String>, depth: usize, end: &str) -> Vec<String> {
        if let Some(first) = text.first_mut() {
            *first = format!("{:depth$}{} {label}{first}", "", self.sign(sign));
        }
        if let Some(last) = text.last_mut() {
            last.push_str(end);
        }
        text
    }

    fn hidden(&self, count: usize, noun: &str, depth: usize) -> Option<String> {
        let plural = if count == 1 { "" } else { "s" };
        let text = format!("# ({count} unchanged {noun}{plural} hidden)");
        (count > 0).then(|| format!("{:depth$}  {}", "", self.paint.faint(&text)))
    }

    /// `loose`: of an object as a whole; none inside of one.
    fn attributes(
        &self,
        before: &Value,
        after: &Value,
        here: Here<'_>,
        loose: Option<&Loose>,
    ) -> Vec<String> {
        let names: BTreeSet<Arc<str>> = [before, after]
            .into_iter()
            .filter_map(Value::as_entries)
            .flat_map(|entries| entries.keys().cloned())
            .collect();
        let is_map = !here.is_loose
            && (matches!(before.kind(), Kind::Map(..)) || matches!(after.kind(), Kind::Map(..)));
        let of = |value: &Value, name: &Arc<str>| {
            let found = value.as_entries().and_then(|entries| entries.get(name).cloned());
            // A null attribute of a resource is one that is not there.
            found.filter(|value| loose.is_none() || !value.is_null())
        };
        let rows: Vec<_> = names
            .into_iter()
            .map(|name| (of(before, &name), of(after, &name), name))
            .filter(|(was, is, _)| was.is_some() || is.is_some())
            .map(|(was, is, name)| (label(&name, is_map), name, was, is))
            .collect();
        let width = rows.iter().map(|(label, ..)| label.chars().count()).max().unwrap_or(0);
        let (mut out, mut hidden) = (Vec::new(), 0);
        for (label, name, was, is) in rows {
            // What an object is known by is shown also where nothing changes.
            let is_known_by = loose.is_some() && matches!(name.as_ref(), "id" | "name");
            if was == is && !is_known_by {
                hidden += 1;
                continue;
            }
            let step = if is_map { Step::Key(name.clone()) } else { Step::Attribute(name.clone()) };
            let path = here.path.with(step);
            let is_loose = here.is_loose || loose.is_some_and(|loose| loose.0.contains(&name));
            let here = Here { path: &path, is_loose, ..here };
            out.extend(self.entry(&format!("{label:width$} = "), was.as_ref(), is.as_ref(), here));
        }
        let noun = if is_map { "element" } else { "attribute" };
        out.extend(self.hidden(hidden, noun, here.depth));
        out
    }

    /// What stands under a label, from one value to another.
    fn entry(
        &self,
        label: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        here: Here<'_>,
    ) -> Vec<String> {
        let depth = here.depth;
        let gone = format!(" {}", self.paint.faint("-> null"));
        let (was_null, is_null) = (before.is_none_or(Value::is_null), after.is_none_or(Value::is_null));
        let hide = |value: Option<&Value>| value.is_some_and(Value::is_sensitive);
        if hide(before) || hide(after) {
            let (sign, end) = match (before, after) {
                (None, _) => (Sign::Add, ""),
                (_, None) => (Sign::Remove, gone.as_str()),
                (before, after) if before == after => (Sign::Same, ""),
                _ => (Sign::Change, ""),
            };
            let mut out = match (before, after) {
                (Some(before), Some(after)) => self.warning(before, after, depth),
                _ => Vec::new(),
            };
            let text = self.forced(vec!["(sensitive value)".into()], here.path);
            out.extend(self.lined(sign, label, text, depth, end));
            return out;
        }
        let (sign, text, end) = match (before, after) {
            (Some(before), Some(after)) if before == after => {
                (Sign::Same, self.whole(before, Sign::Same, here), "")
            }
            (_, Some(after)) if was_null => (Sign::Add, self.whole(after, Sign::Add, here), ""),
            (Some(before), _) if is_null => {
                (Sign::Remove, self.whole(before, Sign::Remove, here), gone.as_str())
            }
            (Some(before), Some(after)) => (Sign::Change, self.changed(before, after, here), ""),
            // Null before, and not there after.
            (Some(before), None) => (Sign::Remove, self.whole(before, Sign::Remove, here), ""),
            (None, Some(after)) => (Sign::Add, self.whole(after, Sign::Add, here), ""),
            (None, None) => return Vec::new(),
        };
        let text = if sign == Sign::Same { text } else { self.forced(text, here.path) };
        self.lined(sign, label, text, depth, end)
    }

    /// That a value is going to be seen, or not any more.
    fn warning(&self, before: &Value, after: &Value, depth: usize) -> Vec<String> {
        let warning = self.paint.change("Warning");
        let (first, second) = match (before.is_sensitive(), after.is_sensitive()) {
            (true, false) => (
                format!("# {warning}: this attribute value will no longer be marked as sensitive"),
                "# after applying this change.",
            ),
            (false, true) => (
                format!("# {warning}: this attribute value will be marked as sensitive and will not"),
                "# display in UI output after applying this change.",
            ),
            _ => return Vec::new(),
        };
        let is_same = before.clone().unmark_deep().0 == after.clone().unmark_deep().0;
        let end = if is_same { " The value is unchanged." } else { "" };
        vec![format!("{:depth$}{first}", ""), format!("{:depth$}{second}{end}", "")]
    }

    /// Says where a change needs another object.
    fn forced(&self, mut text: Vec<String>, path: &Path) -> Vec<String> {
        if self.forces.contains(path)
            && let Some(first) = text.first_mut()
        {
            first.push_str(&format!(" {}", self.paint.bad("# forces replacement")));
        }
        text
    }

    /// From one value to another that differs.
    fn changed(&self, before: &Value, after: &Value, here: Here<'_>) -> Vec<String> {
        let depth = here.depth;
        let close = |mut inner: Vec<String>, open: &str, end: &str| {
            inner.insert(0, open.to_owned());
            inner.push(format!("{:depth$}  {end}", ""));
            inner
        };
        let inside = Here { depth: depth + 4, ..here };
        match (before.kind(), after.kind()) {
            (Kind::Object(_) | Kind::Map(..), Kind::Object(_) | Kind::Map(..)) => {
                close(self.attributes(before, after, inside, None), "{", "}")
            }
            (Kind::Set(_, before), Kind::Set(_, after)) if !here.is_loose => {
                close(self.set(before, after, inside), "[", "]")
            }
            (
                Kind::List(_, before) | Kind::Set(_, before) | Kind::Tuple(before),
                Kind::List(_, after) | Kind::Set(_, after) | Kind::Tuple(after),
            ) => close(self.elements(before, after, inside), "[", "]"),
            (Kind::String(was), Kind::String(is)) => match (json(was), json(is)) {
                (Some(was), Some(is)) => self.json(&was, &is, here),
                _ if was.contains('\n') || is.contains('\n') => self.heredoc(was, is, depth),
                _ => self.replaced(before, after, here),
            },
            _ => self.replaced(before, after, here),
        }
    }

    /// One value, and the other in its place.
    fn replaced(&self, before: &Value, after: &Value, here: Here<'_>) -> Vec<String> {
        let mut text = self.whole(before, Sign::Remove, here);
        let mut then = self.whole(after, Sign::Add, here).into_iter();
        if let (Some(last), Some(first)) = (text.last_mut(), then.next()) {
            last.push_str(&format!(" -> {first}"));
        }
        text.extend(then);
        text
    }

    fn set(&self, before: &[Value], after: &[Value], here: Here<'_>) -> Vec<String> {
        let mut out = Vec::new();
        let mut hidden = 0;
        for value in before {
            if after.contains(value) {
                hidden += 1;
            } else {
                out.extend(self.lined(
                    Sign::Remove,
                    "",
                    self.whole(value, Sign::Remove, here),
                    here.depth,
                    ",",
                ));
            }
        }
        for value in after.iter().filter(|value| !before.contains(value)) {
            out.extend(self.lined(Sign::Add, "", self.whole(value, Sign::Add, here), here.depth, ","));
        }
        out.extend(self.hidden(hidden, "element", here.depth));
        out
    }

    /// Elements of a sequence; of those that stay, only the ones beside a change are shown.
    fn elements(&self, before: &[Value], after: &[Value], here: Here<'_>) -> Vec<String> {
        let pairs = pairs(before, after, here.is_loose);
        let stays = |at: usize| pairs.get(at).is_none_or(|(was, is)| was.is_some() && was == is);
        let (mut out, mut hidden, mut place) = (Vec::new(), 0, 0_usize);
        for (at, (was, is)) in pairs.iter().enumerate() {
            let index = place;
            place += usize::from(is.is_some());
            if stays(at) && (at == 0 || stays(at - 1)) && stays(at + 1) {
                hidden += 1;
                continue;
            }
            out.extend(self.hidden(std::mem::take(&mut hidden), "element", here.depth));
            let path = here.path.with(Step::Index(index.into()));
            let inner = Here { path: &path, ..here };
            let (sign, text) = match (was, is) {
                (Some(was), Some(is)) if was == is => (Sign::Same, self.whole(was, Sign::Same, inner)),
                (Some(was), Some(is)) if was.is_sensitive() || is.is_sensitive() => {
                    out.extend(self.warning(was, is, here.depth));
                    (Sign::Change, vec!["(sensitive value)".into()])
                }
                (Some(was), Some(is)) => (Sign::Change, self.changed(was, is, inner)),
                (Some(was), None) => (Sign::Remove, self.whole(was, Sign::Remove, inner)),
                (None, Some(is)) => (Sign::Add, self.whole(is, Sign::Add, inner)),
                (None, None) => continue,
            };
            out.extend(self.lined(sign, "", self.forced(text, &path), here.depth, ","));
        }
        out.extend(self.hidden(hidden, "element", here.depth));
        out
    }

    /// Texts of several lines, line by line.
    fn heredoc(&self, before: &str, after: &str, depth: usize) -> Vec<String> {
        let (was, is): (Vec<&str>, Vec<&str>) = (before.lines().collect(), after.lines().collect());
        let mut out = vec!["<<-EOT".to_owned()];
        for (was, is) in lines(&was, &is) {
            let (sign, line) = match (was, is) {
                (Some(line), Some(_)) => (Sign::Same, line),
                (Some(line), None) => (Sign::Remove, line),
                (None, Some(line)) => (Sign::Add, line),
                (None, None) => continue,
            };
            let line = format!("{:indent$}{} {line}", "", self.sign(sign), indent = depth + 4);
            out.push(line.trim_end().to_owned());
        }
        out.push(format!("{:depth$}  EOT", ""));
        out
    }

    /// Texts that are JSON, as what they say.
    fn json(&self, before: &Json, after: &Json, here: Here<'_>) -> Vec<String> {
        let depth = here.depth;
        let (was, is) = (value::from_json(before), value::from_json(after));
        let inside = Here { depth: depth + 4, is_loose: true, ..here };
        let encoded = |note: &str, sign: Sign, text: Vec<String>| {
            let mut out = vec![format!("jsonencode({note}")];
            out.extend(self.lined(sign, "", text, depth + 4, ""));
            out.push(format!("{:depth$}  )", ""));
            out
        };
        if before == after {
            return encoded(" # whitespace changes", Sign::Same, self.whole(&was, Sign::Same, inside));
        }
        let (is_object, becomes_object) = (before.is_object(), after.is_object());
        if is_object == becomes_object {
            return encoded("", Sign::Change, self.changed(&was, &is, inside));
        }
        let mut text = self.replaced(&was, &is, here);
        if let Some(first) = text.first_mut() {
            first.insert_str(0, "jsonencode(");
        }
        if let Some(last) = text.last_mut() {
            last.push(')');
        }
        text
    }

    /// A value all of which is new, gone, or the same.
    fn whole(&self, value: &Value, sign: Sign, here: Here<'_>) -> Vec<String> {
        let depth = here.depth;
        if value.is_sensitive() {
            return vec!["(sensitive value)".into()];
        }
        let inside = Here { depth: depth + 4, ..here };
        match value.kind() {
            Kind::Unknown(_) => vec!["(known after apply)".into()],
            Kind::Null(_) => vec!["null".into()],
            Kind::Object(entries) | Kind::Map(_, entries) => {
                let is_map = !here.is_loose && matches!(value.kind(), Kind::Map(..));
                // Where nothing happens and the type is known, a null attribute says nothing.
                let is_said =
                    |value: &Value| is_map || here.is_loose || sign != Sign::Same || !value.is_null();
                let rows: Vec<_> = entries
                    .iter()
                    .filter(|(_, value)| is_said(value))
                    .map(|(name, value)| (label(name, is_map), value))
                    .collect();
                if rows.is_empty() {
                    return vec!["{}".into()];
                }
                let width = rows.iter().map(|(label, _)| label.chars().count()).max().unwrap_or(0);
                let mut out = vec!["{".to_owned()];
                for (label, entry) in rows {
                    let text = self.whole(entry, sign, inside);
                    out.extend(self.lined(sign, &format!("{label:width$} = "), text, depth + 4, ""));
                }
                out.push(format!("{:depth$}  }}", ""));
                out
            }
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements) => {
                if elements.is_empty() {
                    return vec!["[]".into()];
                }
                let mut out = vec!["[".to_owned()];
                for element in elements.iter() {
                    out.extend(self.lined(sign, "", self.whole(element, sign, inside), depth + 4, ","));
                }
                out.push(format!("{:depth$}  ]", ""));
                out
            }
            Kind::String(text) => self.text(text, sign, here),
            Kind::Bool(_) | Kind::Number(_) => vec![lang::write::expression(value).unwrap_or_default()],
        }
    }

    fn text(&self, text: &str, sign: Sign, here: Here<'_>) -> Vec<String> {
        let depth = here.depth;
        if let Some(json) = json(text) {
            let value = value::from_json(&json);
            let inside = Here { depth: depth + 4, is_loose: true, ..here };
            let mut inner = self.whole(&value, sign, inside);
            if inner.len() == 1 {
                return vec![format!("jsonencode({})", inner.concat())];
            }
            inner = self.lined(Sign::Same, "", inner, depth + 4, "");
            inner.insert(0, "jsonencode(".into());
            inner.push(format!("{:depth$}  )", ""));
            return inner;
        }
        if !text.contains('\n') {
            return vec![quoted(text)];
        }
        let mut out = vec!["<<-EOT".to_owned()];
        let line = |line: &str| format!("{:indent$}{line}", "", indent = depth + 6).trim_end().to_owned();
        out.extend(text.lines().map(line));
        out.push(format!("{:depth$}  EOT", ""));
        out
    }
}

fn label(name: &str, is_map: bool) -> String {
    if is_map || !lang::syntax::is_identifier(name) { quoted(name) } else { name.to_owned() }
}

/// A text that is an object or a sequence in JSON.
fn json(text: &str) -> Option<Json> {
    if !text.trim_start().starts_with(['{', '[']) {
        return None;
    }
    serde_json::from_str(text).ok().filter(|json: &Json| json.is_object() || json.is_array())
}

#[cfg(test)]
mod tests {
    use value::Marks;

    use super::*;

    fn check(before: &Value, after: &Value, expected: &str) {
        let forces = [Path(vec![Step::Attribute("input".into())])];
        let loose = Loose(["input".into()].into());
        let text = Differences::new(Paint(false), &forces).object(before, after, 6, &loose).join("\n");
        assert_eq!(text, expected);
    }

    #[test]
    fn what_changed_is_shown_and_the_rest_is_counted() {
        let before = Value::object([
            ("id", Value::string("1")),
            ("input", Value::object([("a", Value::number(1)), ("b", Value::number(2))])),
            ("list", Value::tuple(vec![Value::string("w"), Value::string("x"), Value::string("y")])),
            ("same", Value::string("s")),
            ("secret", Value::string("old").with_marks(Marks::SENSITIVE)),
        ]);
        let after = Value::object([
            ("id", Value::string("1")),
            ("input", Value::object([("a", Value::number(3)), ("b", Value::number(2))])),
            ("list", Value::tuple(vec![Value::string("w"), Value::string("x"), Value::string("z")])),
            ("output", Value::unknown(Type::String)),
            ("same", Value::string("s")),
            ("secret", Value::string("new").with_marks(Marks::SENSITIVE)),
        ]);
        check(
            &before,
            &after,
            "        id     = \"1\"
      ~ input  = { # forces replacement
          ~ a = 1 -> 3
            # (1 unchanged attribute hidden)
        }
      ~ list   = [
            # (1 unchanged element hidden)
            \"x\",
          - \"y\",
          + \"z\",
        ]
      + output = (known after apply)
      ~ secret = (sensitive value)
        # (1 unchanged attribute hidden)",
        );
    }

    #[test]
    fn texts_are_compared_line_by_line_or_as_the_json_that_they_are() {
        let of =
            |text: &str, json: &str| Value::object([("j", Value::string(json)), ("t", Value::string(text))]);
        check(
            &of("a\nb\nc\n", "{\"a\":1,\"b\":[1,2]}"),
            &of("a\nB\nc\n", "{\"a\":1,\"b\":[1,3]}"),
            "      ~ j = jsonencode(
          ~ {
              ~ b = [
                    1,
                  ~ 2 -> 3,
                ]
                # (1 unchanged attribute hidden)
            }
        )
      ~ t = <<-EOT
            a
          - b
          + B
            c
        EOT",
        );
    }

    #[test]
    fn what_is_not_known_yet_takes_the_place_of_all_that_was_there() {
        let of = |input: Value| Value::object([("input", input)]);
        check(
            &of(Value::tuple(vec![Value::number(1)])),
            &of(Value::unknown(Type::Dynamic)),
            "      ~ input = [ # forces replacement
          - 1,
        ] -> (known after apply)",
        );
        check(
            &of(Value::string("x")),
            &of(Value::null(Type::Dynamic)),
            "      - input = \"x\" # forces replacement -> null",
        );
    }
}
