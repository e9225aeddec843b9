//! Two values beside each other, line by line: what is added, removed and changed, and how much of the rest is hidden.

use std::collections::BTreeSet;
use std::sync::Arc;

use lang::write::quoted;
use value::{Kind, Path, Step, Value};

use super::Paint;

/// Sequences up to this length are compared element by element in the best way; beyond it place by place, since the best way takes
/// time by the square of the length.
const BEST_WAY_MAX: usize = 400;

/// What a line says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Add,
    Remove,
    Change,
    Same,
}

/// Writes differences.
pub struct Differences<'a> {
    paint: Paint,
    /// Places whose change needs another object.
    forces: &'a [Path],
    lines: Vec<String>,
}

impl<'a> Differences<'a> {
    /// With the places whose change needs another object.
    #[must_use]
    pub fn new(paint: Paint, forces: &'a [Path]) -> Self {
        Self { paint, forces, lines: Vec::new() }
    }

    /// The attributes of an object, from one to the other; either may be null. `depth`: spaces before the signs.
    #[must_use]
    pub fn object(mut self, before: &Value, after: &Value, depth: usize) -> Vec<String> {
        self.attributes(before, after, depth, &Path::default(), true);
        self.lines
    }

    /// One named value, from one to the other; `None`: it is not there.
    #[must_use]
    pub fn named(
        mut self,
        name: &str,
        width: usize,
        before: Option<&Value>,
        after: Option<&Value>,
        depth: usize,
    ) -> Vec<String> {
        self.entry(&format!("{name:width$} = "), before, after, depth, &Path::default(), "");
        self.lines
    }

    fn sign(&self, sign: Sign) -> String {
        match sign {
            Sign::Add => self.paint.good("+"),
            Sign::Remove => self.paint.bad("-"),
            Sign::Change => self.paint.change("~"),
            Sign::Same => " ".into(),
        }
    }

    fn line(&mut self, depth: usize, sign: Sign, text: &str) {
        let sign = self.sign(sign);
        self.lines.push(format!("{:depth$}{sign} {text}", ""));
    }

    fn attributes(&mut self, before: &Value, after: &Value, depth: usize, path: &Path, is_top: bool) {
        let names: BTreeSet<Arc<str>> = [before, after]
            .into_iter()
            .filter_map(Value::as_entries)
            .flat_map(|entries| entries.keys().cloned())
            .collect();
        let is_map = matches!(before.kind(), Kind::Map(..)) || matches!(after.kind(), Kind::Map(..));
        let shown = |name: &Arc<str>| {
            if is_map || !lang::syntax::is_identifier(name) { quoted(name) } else { name.to_string() }
        };
        let of = |value: &Value, name: &Arc<str>| {
            value.as_entries().and_then(|entries| entries.get(name).cloned())
        };
        let mut rows = Vec::new();
        let mut hidden = 0;
        for name in &names {
            let (was, is) = (of(before, name), of(after, name));
            // A null attribute of a resource is one that is not there.
            let there = |value: Option<Value>| value.filter(|value| !(is_top && value.is_null()));
            let (was, is) = (there(was), there(is));
            match (&was, &is) {
                (None, None) => {}
                (Some(was), Some(is)) if was == is && !(is_top && matches!(name.as_ref(), "id" | "name")) => {
                    hidden += 1
                }
                _ => rows.push((name.clone(), was, is)),
            }
        }
        let width = rows.iter().map(|(name, ..)| shown(name).chars().count()).max().unwrap_or(0);
        for (name, was, is) in rows {
            let step = if is_map { Step::Key(name.clone()) } else { Step::Attribute(name.clone()) };
            let label = format!("{:width$} = ", shown(&name));
            self.entry(&label, was.as_ref(), is.as_ref(), depth, &path.with(step), "");
        }
        self.hidden(hidden, if is_map { "element" } else { "attribute" }, depth);
    }

    fn hidden(&mut self, count: usize, noun: &str, depth: usize) {
        if count > 0 {
            let plural = if count == 1 { "" } else { "s" };
            let text = self.paint.faint(&format!("# ({count} unchanged {noun}{plural} hidden)"));
            self.lines.push(format!("{:depth$}  {text}", ""));
        }
    }

    /// `label`: what stands before the value; `end`: what stands after it.
    fn entry(
        &mut self,
        label: &str,
        before: Option<&Value>,
        after: Option<&Value>,
        depth: usize,
        path: &Path,
        end: &str,
    ) {
        let forced =
            if self.forces.contains(path) { self.paint.bad(" # forces replacement") } else { String::new() };
        let hidden = |value: Option<&Value>| value.is_some_and(Value::is_sensitive);
        if hidden(before) || hidden(after) {
            let sign = match (before, after) {
                (None, _) => Sign::Add,
                (_, None) => Sign::Remove,
                (Some(before), Some(after)) if before == after => Sign::Same,
                _ => Sign::Change,
            };
            self.line(depth, sign, &format!("{label}(sensitive value){end}{forced}"));
            return;
        }
        match (before, after) {
            (None, None) => {}
            (None, Some(after)) => self.whole(label, after, depth, Sign::Add, &format!("{end}{forced}")),
            (Some(before), None) => {
                let gone = format!(" -> {}{end}{forced}", self.paint.faint("null"));
                self.whole(label, before, depth, Sign::Remove, if end == "," { end } else { &gone });
            }
            (Some(before), Some(after)) if before == after => {
                self.whole(label, before, depth, Sign::Same, end)
            }
            (Some(before), Some(after)) => self.changed(label, before, after, depth, path, end, &forced),
        }
    }

    #[expect(clippy::too_many_arguments, reason = "each is a part of the one line")]
    fn changed(
        &mut self,
        label: &str,
        before: &Value,
        after: &Value,
        depth: usize,
        path: &Path,
        end: &str,
        forced: &str,
    ) {
        match (before.kind(), after.kind()) {
            (Kind::Object(_) | Kind::Map(..), Kind::Object(_) | Kind::Map(..)) => {
                self.line(depth, Sign::Change, &format!("{label}{{{forced}"));
                self.attributes(before, after, depth + 4, path, false);
                self.lines.push(format!("{:depth$}  }}{end}", ""));
            }
            (Kind::List(..) | Kind::Tuple(_), Kind::List(..) | Kind::Tuple(_))
            | (Kind::Set(..), Kind::Set(..)) => {
                self.line(depth, Sign::Change, &format!("{label}[{forced}"));
                let elements = |value: &Value| value.as_slice().map(<[Value]>::to_vec).unwrap_or_default();
                self.elements(&elements(before), &elements(after), depth + 4, path);
                self.lines.push(format!("{:depth$}  ]{end}", ""));
            }
            _ => {
                let (was, is) = (self.inline(before, depth), self.inline(after, depth));
                self.line(depth, Sign::Change, &format!("{label}{was} -> {is}{end}{forced}"));
            }
        }
    }

    fn elements(&mut self, before: &[Value], after: &[Value], depth: usize, path: &Path) {
        let mut hidden = 0;
        for (was, is) in pairs(before, after) {
            if was.is_some() && was == is {
                hidden += 1;
                continue;
            }
            self.hidden(std::mem::take(&mut hidden), "element", depth);
            let index =
                is.or(was).and_then(|it| after.iter().position(|other| std::ptr::eq(other, it))).unwrap_or(0);
            self.entry("", was, is, depth, &path.with(Step::Index(index.into())), ",");
        }
        self.hidden(hidden, "element", depth);
    }

    /// A value all of which is new, gone, or the same.
    fn whole(&mut self, label: &str, value: &Value, depth: usize, sign: Sign, end: &str) {
        if value.is_sensitive() {
            self.line(depth, sign, &format!("{label}(sensitive value){end}"));
            return;
        }
        match value.kind() {
            Kind::Object(entries) | Kind::Map(_, entries) if !entries.is_empty() => {
                self.line(depth, sign, &format!("{label}{{"));
                let is_map = matches!(value.kind(), Kind::Map(..));
                let shown = |name: &Arc<str>| {
                    if is_map || !lang::syntax::is_identifier(name) { quoted(name) } else { name.to_string() }
                };
                let width = entries.keys().map(|name| shown(name).chars().count()).max().unwrap_or(0);
                for (name, entry) in entries.iter() {
                    self.whole(&format!("{:width$} = ", shown(name)), entry, depth + 4, sign, "");
                }
                self.lines.push(format!("{:depth$}  }}{end}", ""));
            }
            Kind::List(_, elements) | Kind::Set(_, elements) | Kind::Tuple(elements)
                if !elements.is_empty() =>
            {
                self.line(depth, sign, &format!("{label}["));
                for element in elements.iter() {
                    self.whole("", element, depth + 4, sign, ",");
                }
                self.lines.push(format!("{:depth$}  ]{end}", ""));
            }
            _ => {
                let text = self.inline(value, depth);
                self.line(depth, sign, &format!("{label}{text}{end}"));
            }
        }
    }

    /// A value within a line; text of several lines becomes a heredoc.
    fn inline(&self, value: &Value, depth: usize) -> String {
        match value.kind() {
            Kind::Unknown(_) => "(known after apply)".into(),
            Kind::Null(_) => self.paint.faint("null"),
            Kind::String(text) if text.contains('\n') => {
                let inner = " ".repeat(depth + 6);
                let body: Vec<String> = text
                    .lines()
                    .map(|line| if line.is_empty() { String::new() } else { format!("{inner}{line}") })
                    .collect();
                format!("<<-EOT\n{}\n{:close$}EOT", body.join("\n"), "", close = depth + 2)
            }
            _ => lang::write::expression(value).unwrap_or_else(|| "(known after apply)".into()),
        }
    }
}

/// Elements beside each other: those that are in both, those that are gone and those that are new, in the order of both.
fn pairs<'v>(before: &'v [Value], after: &'v [Value]) -> Vec<(Option<&'v Value>, Option<&'v Value>)> {
    if before.len() > BEST_WAY_MAX || after.len() > BEST_WAY_MAX {
        let longest = before.len().max(after.len());
        return (0..longest).map(|at| (before.get(at), after.get(at))).collect();
    }
    // The longest common subsequence, by the table of its lengths.
    let (rows, columns) = (before.len() + 1, after.len() + 1);
    let mut lengths = vec![0_usize; rows * columns];
    for i in (0..before.len()).rev() {
        for j in (0..after.len()).rev() {
            lengths[i * columns + j] = if before[i] == after[j] {
                lengths[(i + 1) * columns + j + 1] + 1
            } else {
                lengths[(i + 1) * columns + j].max(lengths[i * columns + j + 1])
            };
        }
    }
    let mut out = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < before.len() || j < after.len() {
        let both = i < before.len() && j < after.len();
        if both && before[i] == after[j] {
            out.push((Some(&before[i]), Some(&after[j])));
            (i, j) = (i + 1, j + 1);
        } else if j >= after.len() || (both && lengths[(i + 1) * columns + j] >= lengths[i * columns + j + 1])
        {
            // A composite that changed inside is one change rather than one that went and one that came.
            if both
                && is_composite(&before[i])
                && is_composite(&after[j])
                && lengths[(i + 1) * columns + j] == lengths[(i + 1) * columns + j + 1]
            {
                out.push((Some(&before[i]), Some(&after[j])));
                (i, j) = (i + 1, j + 1);
            } else {
                out.push((Some(&before[i]), None));
                i += 1;
            }
        } else {
            out.push((None, Some(&after[j])));
            j += 1;
        }
    }
    out
}

fn is_composite(value: &Value) -> bool {
    matches!(value.kind(), Kind::Object(_) | Kind::Map(..))
}

#[cfg(test)]
mod tests {
    use value::{Marks, Type};

    use super::*;

    #[test]
    fn what_changed_is_shown_and_the_rest_is_counted() {
        let before = Value::object([
            ("id", Value::string("1")),
            ("input", Value::object([("a", Value::number(1)), ("b", Value::number(2))])),
            ("list", Value::tuple(vec![Value::string("x"), Value::string("y")])),
            ("same", Value::string("s")),
            ("secret", Value::string("old").with_marks(Marks::SENSITIVE)),
        ]);
        let after = Value::object([
            ("id", Value::string("1")),
            ("input", Value::object([("a", Value::number(3)), ("b", Value::number(2))])),
            ("list", Value::tuple(vec![Value::string("x"), Value::string("z")])),
            ("output", Value::unknown(Type::String)),
            ("same", Value::string("s")),
            ("secret", Value::string("new").with_marks(Marks::SENSITIVE)),
        ]);
        let forces = [Path(vec![Step::Attribute("input".into())])];
        let text = Differences::new(Paint(false), &forces).object(&before, &after, 6).join("\n");
        let expected = "        id     = \"1\"
      ~ input  = { # forces replacement
          ~ a = 1 -> 3
            # (1 unchanged attribute hidden)
        }
      ~ list   = [
            # (1 unchanged element hidden)
          - \"y\",
          + \"z\",
        ]
      + output = (known after apply)
      ~ secret = (sensitive value)
        # (1 unchanged attribute hidden)";
        assert_eq!(text, expected);
    }
}
