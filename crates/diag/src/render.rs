//! Diagnostics for people, and as data.

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde_json::{Value as Json, json};

use crate::{Diagnostic, Diagnostics, Severity, Sources, Span};

/// How to draw.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    /// Text only.
    Plain,
    /// With colours.
    Coloured,
}

/// One diagnostic as a person reads it, ending without a line break.
#[must_use]
pub fn render(diagnostic: &Diagnostic, sources: &Sources, style: Style) -> String {
    let level = match diagnostic.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let title = match &diagnostic.subject {
        Some(subject) => format!("{subject}: {}", diagnostic.message),
        None => diagnostic.message.clone(),
    };
    let mut group = Group::with_title(level.primary_title(title).id(diagnostic.code.as_ref()));
    let mut apart: Vec<_> = diagnostic.related.iter().collect();
    if let Some(span) = diagnostic.span
        && let Some(mut shown) = snippet(sources, span, AnnotationKind::Primary, diagnostic.label.as_deref())
    {
        // Places in the lines that are shown anyway are marked there.
        let lines = sources.excerpt(span).map(|(text, line, _)| (text, line));
        apart.retain(|related| {
            let excerpt = sources.excerpt(related.span);
            let same = related.span.file == span.file
                && excerpt.as_ref().map(|(text, line, _)| (*text, *line)) == lines;
            if same && let Some((_, _, range)) = excerpt {
                let mark = AnnotationKind::Context.span(range).label(related.label.as_str());
                let before = std::mem::replace(&mut shown, Snippet::source(""));
                shown = before.annotation(mark);
            }
            !same
        });
        group = group.element(shown);
    }
    for related in apart {
        if let Some(snippet) = snippet(sources, related.span, AnnotationKind::Context, Some(&related.label)) {
            group = group.element(snippet);
        }
    }
    if let Some(detail) = &diagnostic.detail {
        group = group.element(Level::NOTE.message(detail.trim_end()));
    }
    if let Some(hint) = &diagnostic.hint {
        group = group.element(Level::HELP.message(hint.as_str()));
    }
    let renderer = match style {
        Style::Plain => Renderer::plain(),
        Style::Coloured => Renderer::styled(),
    };
    renderer.decor_style(DecorStyle::Ascii).render(&[group])
}

fn snippet<'a>(
    sources: &'a Sources,
    span: Span,
    kind: AnnotationKind,
    label: Option<&'a str>,
) -> Option<Snippet<'a, annotate_snippets::Annotation<'a>>> {
    let (text, line, range) = sources.excerpt(span)?;
    Some(
        Snippet::source(text)
            .path(sources.path(span.file))
            .line_start(line)
            .fold(false)
            .annotation(kind.span(range).label(label)),
    )
}

/// All of them, a blank line between two.
#[must_use]
pub fn render_all(diagnostics: &Diagnostics, sources: &Sources, style: Style) -> String {
    let rendered: Vec<String> = diagnostics.0.iter().map(|d| render(d, sources, style)).collect();
    rendered.join("\n\n")
}

/// The same content as data; places with path, line and column.
#[must_use]
pub fn to_json(diagnostic: &Diagnostic, sources: &Sources) -> Json {
    let place = |span: Span| {
        json!({
            "file": sources.path(span.file),
            "start": sources.position(span.file, span.start),
            "end": sources.position(span.file, span.end),
        })
    };
    let mut data = json!({
        "severity": diagnostic.severity,
        "code": diagnostic.code,
        "message": diagnostic.message,
    });
    if let Some(map) = data.as_object_mut() {
        if let Some(span) = diagnostic.span {
            map.insert("place".into(), place(span));
        }
        for (name, text) in [
            ("label", &diagnostic.label),
            ("subject", &diagnostic.subject),
            ("detail", &diagnostic.detail),
            ("hint", &diagnostic.hint),
        ] {
            if let Some(text) = text {
                map.insert(name.into(), json!(text));
            }
        }
        if !diagnostic.related.is_empty() {
            let related =
                diagnostic.related.iter().map(|r| json!({ "place": place(r.span), "label": r.label }));
            map.insert("related".into(), related.collect());
        }
    }
    data
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::FileId;

    #[test]
    fn a_fault_is_shown_with_its_place_its_label_and_the_way_out() {
        let mut sources = Sources::default();
        let file = sources.add("shop.hcl", "service \"web\" {\n  replica = 2\n}\n");
        let span = Span { file, start: 18, end: 25 };
        let d = Diagnostic::error("unknown-attribute", "`service` has no attribute `replica`")
            .at(span)
            .label("not an attribute here")
            .hint("did you mean `replicas`?");
        insta::assert_snapshot!(render(&d, &sources, Style::Plain), @r#"
        error[unknown-attribute]: `service` has no attribute `replica`
         --> shop.hcl:2:3
          |
        2 |   replica = 2
          |   ^^^^^^^ not an attribute here
          |
          = help: did you mean `replicas`?
        "#);
        assert_eq!(sources.position(FileId(0), 18), crate::Position { line: 2, column: 3 });
    }
}
