//! Terraform's JSON formats, made of Mainstay's own data: plans (1.2), states (1.0), outputs, schemas, diagnostics, checks.
//!
//! Nothing is decided or read here. Field order is Terraform's, and so is the escaping of `<`, `>` and `&`.

pub mod checks;
pub mod configuration;
pub mod diagnostics;
pub mod plan;
pub mod resource;
pub mod schemas;
pub mod state;
pub mod summaries;
pub mod values;

use engine::stack::StackPlan;
use serde::Serialize;

/// The version of Terraform that the formats and the language are those of.
pub const TERRAFORM_VERSION: &str = "1.11.4";

/// When a plan was made, as its JSON has it: RFC 3339, in whole seconds.
#[must_use]
pub fn timestamp(plan: &StackPlan) -> String {
    let at = i64::try_from(plan.created_at_ms).ok().and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok());
    at.map(|at| at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()).unwrap_or_default()
}

/// The text of something in one line, as Terraform writes JSON: characters that mean something in HTML are escaped.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn text(data: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string(data).map(|text| escape(&text))
}

/// The same over several lines, two spaces a level.
///
/// # Errors
/// If it cannot be written as JSON.
pub fn pretty(data: &impl Serialize) -> Result<String, serde_json::Error> {
    serde_json::to_string_pretty(data).map(|text| escape(&text))
}

/// Stands before the digits of a number that is carried as text; before other text that begins with it, it stands twice. No character
/// of any script, so that it hardly ever does.
pub(crate) const NUMBER: char = '\u{fdd0}';

/// Characters that mean something in HTML stand in strings only, so that they may be replaced anywhere. Numbers of more digits than a
/// JSON number of this program holds were carried as text, and become numbers.
fn escape(text: &str) -> String {
    if !text.contains(['<', '>', '&', '\u{2028}', '\u{2029}', NUMBER]) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 16);
    let mut chars = text.chars().peekable();
    let mut is_number = false;
    while let Some(c) = chars.next() {
        match c {
            '<' => out.push_str("\\u003c"),
            '>' => out.push_str("\\u003e"),
            '&' => out.push_str("\\u0026"),
            '\u{2028}' => out.push_str("\\u2028"),
            '\u{2029}' => out.push_str("\\u2029"),
            NUMBER if out.ends_with('"') && !out.ends_with("\\\"") => {
                if chars.peek() == Some(&NUMBER) {
                    chars.next();
                    out.push(NUMBER);
                } else {
                    out.pop();
                    is_number = true;
                }
            }
            '"' if is_number => is_number = false,
            c => out.push(c),
        }
    }
    out
}
