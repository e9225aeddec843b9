//! Formatting: the layout of `terraform fmt`, from tokens, so that comments and every token stay as they were.
//!
//! It does not break or join lines. Three old ways of writing are made new, as there: `"${x}"` as a whole value, a type between
//! quotes, and a label without.

mod layout;
mod spacing;

use std::collections::HashMap;

use diag::{Diagnostics, FileId};

use crate::syntax::{Body, ExprKind, Token, TokenKind, parse, tokenize};
use layout::{Line, Word};

/// The text in canonical layout. `file` is the text's id in the caller's sources, for faults.
///
/// # Errors
/// If the text cannot be parsed, since the layout of a broken text would be a guess.
pub fn format(text: &str, file: FileId) -> Result<String, Diagnostics> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let changes = checked(text, file)?;
    let tokens = tokenize(text);
    let mut lines = split(text, &tokens, &changes);
    for line in &mut lines {
        spacing::apply(&mut line.words);
    }
    let mut formatted = layout::write(lines);
    // Blanks at the very end are left, as many as there are, as `terraform fmt` leaves them.
    let end = text.trim_end_matches([' ', '\t']).len();
    if tokens.iter().all(|token| token.start == token.end || token.end as usize <= end) {
        formatted.extend(std::iter::repeat_n(' ', text.len() - end));
    }
    Ok(formatted)
}

/// What is written anew, by the byte at which it begins.
#[derive(Default)]
struct Changes {
    /// `"${x}"`: where the string ends.
    unwrapped: HashMap<u32, u32>,
    /// A token that is written as another text; the end of what it stands for.
    replaced: HashMap<u32, (u32, String)>,
}

fn checked(text: &str, file: FileId) -> Result<Changes, Diagnostics> {
    let parsed = parse(file, text);
    if parsed.diagnostics.has_errors() {
        return Err(parsed.diagnostics);
    }
    let mut changes = Changes::default();
    note_changes(&parsed.tree, text, &mut changes);
    Ok(changes)
}

fn note_changes(body: &Body, text: &str, changes: &mut Changes) {
    for attribute in &body.attributes {
        let span = attribute.expr.span;
        let written = text.get(span.start as usize..span.end as usize).unwrap_or("");
        let is_plain = written.starts_with("\"${") && written.ends_with("}\"");
        let inner = written.get(3..written.len().saturating_sub(2)).unwrap_or("\n\n");
        // A value that goes over several lines needs its parentheses.
        if matches!(attribute.expr.kind, ExprKind::Wrap(_)) && is_plain && !inner.trim().contains('\n') {
            changes.unwrapped.insert(span.start, span.end);
        }
    }
    for block in &body.blocks {
        for label in &block.labels {
            if !text.get(label.span.start as usize..).unwrap_or("").starts_with('"') {
                changes.replaced.insert(label.span.start, (label.span.end, format!("\"{}\"", label.name)));
            }
        }
        if block.kind.name.as_ref() == "variable"
            && let Some(attribute) = block.body.attribute("type")
            && let ExprKind::Literal(value) = &attribute.expr.kind
            && let Some(word) = value.as_str()
        {
            let ty = match word {
                "string" | "number" | "bool" => word,
                "list" => "list(string)",
                "map" => "map(string)",
                _ => continue,
            };
            let span = attribute.expr.span;
            changes.replaced.insert(span.start, (span.end, ty.to_owned()));
        }
        note_changes(&block.body, text, changes);
    }
}

/// The tokens as lines of words. What spans lines as one token (a heredoc, a comment) stays in the line on which it begins.
fn split<'a>(text: &'a str, tokens: &[Token], changes: &Changes) -> Vec<Line<'a>> {
    let mut lines = vec![Line::default()];
    let mut skip_until = 0;
    let mut unwrap_ends: Option<(u32, u32)> = None;
    for token in tokens {
        if token.start < skip_until || token.kind == TokenKind::End {
            continue;
        }
        if token.kind == TokenKind::Newline && unwrap_ends.is_none() {
            if let Some(line) = lines.last_mut() {
                line.ending = token.text(text);
            }
            lines.push(Line::default());
            continue;
        }
        // Of `"${x}"` the quote, the opening sign, its brace and the other quote go.
        if let Some(end) = changes.unwrapped.get(&token.start) {
            unwrap_ends = Some((token.start, *end));
            continue;
        }
        if let Some((start, end)) = unwrap_ends {
            let is_sign =
                token.start == start + 1 || token.end == end - 1 && token.kind == TokenKind::TemplateEnd;
            if is_sign || token.kind == TokenKind::Newline {
                continue;
            }
            if token.end == end {
                unwrap_ends = None;
                continue;
            }
        }
        let mut word = Word::new(token.kind, token.text(text));
        if let Some((end, replacement)) = changes.replaced.get(&token.start) {
            skip_until = *end;
            word = Word { kind: TokenKind::Identifier, text: replacement.clone().into(), space: false };
        }
        if let Some(line) = lines.last_mut() {
            line.words.push(word);
        }
    }
    lines
}
