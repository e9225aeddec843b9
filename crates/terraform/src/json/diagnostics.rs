//! Diagnostics in JSON.

use diag::{Diagnostic, Diagnostics, Severity, Sources, Span};
use engine::Address;
use serde_json::{Map, Value as Json, json};

use super::summaries::summary;

/// The answer of `validate -json`.
#[must_use]
pub fn validation(diagnostics: &Diagnostics, sources: &Sources) -> Json {
    let errors = diagnostics.0.iter().filter(|it| it.severity == Severity::Error).count();
    json!({
        "format_version": "1.0",
        "valid": errors == 0,
        "error_count": errors,
        "warning_count": diagnostics.0.len() - errors,
        "diagnostics": diagnostics.0.iter().map(|it| diagnostic(it, sources)).collect::<Vec<_>>(),
    })
}

/// One of them.
#[must_use]
pub fn diagnostic(diagnostic: &Diagnostic, sources: &Sources) -> Json {
    let mut out = Map::new();
    out.insert("severity".into(), json!(word(diagnostic.severity)));
    let (summary, _) = summary(diagnostic);
    out.insert("summary".into(), json!(summary));
    out.insert("detail".into(), json!(detail(diagnostic)));
    if let Some(subject) = diagnostic.subject.as_ref().filter(|it| is_address(it)) {
        out.insert("address".into(), json!(subject));
    }
    if let Some(span) = diagnostic.span {
        out.insert("range".into(), range(span, sources));
        out.insert("snippet".into(), snippet(span, sources));
    }
    Json::Object(out)
}

/// The word for a severity.
#[must_use]
pub fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
    }
}

/// What a fault is about is an address only where it is about an object.
fn is_address(subject: &str) -> bool {
    subject.parse::<Address>().is_ok()
}

/// Everything that is said beside the summary.
#[must_use]
pub fn detail(diagnostic: &Diagnostic) -> String {
    let subject = diagnostic.subject.as_ref().filter(|it| !is_address(it));
    let (_, rest) = summary(diagnostic);
    let parts = [subject, diagnostic.detail.as_ref(), diagnostic.label.as_ref(), diagnostic.hint.as_ref()];
    let parts = parts.into_iter().flatten().map(String::as_str);
    rest.into_iter().chain(parts).collect::<Vec<_>>().join("\n\n")
}

fn range(span: Span, sources: &Sources) -> Json {
    let place = |offset: u32| {
        let position = sources.position(span.file, offset);
        json!({ "line": position.line, "column": position.column, "byte": offset })
    };
    json!({ "filename": sources.path(span.file), "start": place(span.start), "end": place(span.end) })
}

fn snippet(span: Span, sources: &Sources) -> Json {
    let text = sources.text(span.file);
    let (start, end) = (span.start as usize, (span.end as usize).min(text.len()));
    let start = start.min(end);
    let from = text[..start].rfind('\n').map_or(0, |at| at + 1);
    let to = text[end..].find('\n').map_or(text.len(), |at| end + at);
    let to = if end > from && text[..end].ends_with('\n') { end - 1 } else { to };
    json!({
        "context": context(text, from),
        "code": &text[from..to.max(from)],
        "start_line": sources.position(span.file, span.start).line,
        "highlight_start_offset": start - from,
        "highlight_end_offset": end - from,
        "values": [],
    })
}

/// The header of the block that a line is in: the nearest line above that begins at the margin and opens one.
fn context(text: &str, from: usize) -> Option<&str> {
    let is_header = |line: &&str| {
        line.starts_with(|c: char| c.is_alphabetic()) && line.trim_end().ends_with('{') && !line.contains('=')
    };
    let above = text[..from].lines().rev().find(is_header);
    above.map(|line| line.trim_end().trim_end_matches('{').trim_end())
}
