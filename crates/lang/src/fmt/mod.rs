//! Formatting: the layout of `terraform fmt`, from tokens, so that comments and every token stay as they were.
//!
//! It does not break or join lines. Some old ways of writing are made new, as there: `"${x}"` as a whole value, a type between
//! quotes, a collection without the type of its elements, and a label without quotes or with needless escapes.
//!
//! Where `terraform fmt` loses words (a comment between labels, a label with `$` in it, `true` as an index) or writes what it cannot
//! read again, nothing is lost here.

mod changes;
mod layout;
mod spacing;
mod words;

use diag::{Diagnostics, FileId};

use crate::syntax::{Body, Parsed, parse, reread, tokenize};

/// The text in canonical layout. `file` is the text's id in the caller's sources, for faults.
///
/// # Errors
/// If the text cannot be parsed, since the layout of a broken text would be a guess.
pub fn format(text: &str, file: FileId) -> Result<String, Diagnostics> {
    let text = without_mark(text);
    lay_out(text, parse(file, text))
}

/// The same for a file of Terraform's, which is told to be broken where Terraform tells it: it has no `}` behind an attribute of several
/// lines, for one, and no attribute twice.
///
/// # Errors
/// If the text cannot be parsed.
pub fn format_terraform(text: &str, file: FileId) -> Result<String, Diagnostics> {
    let text = without_mark(text);
    lay_out(text, reread(file, text, parse(file, text)))
}

fn without_mark(text: &str) -> &str {
    text.strip_prefix('\u{feff}').unwrap_or(text)
}

fn lay_out(text: &str, parsed: Parsed<Body>) -> Result<String, Diagnostics> {
    if parsed.diagnostics.has_errors() {
        return Err(parsed.diagnostics);
    }
    let changes = changes::find(&parsed.tree, text);
    let tokens = tokenize(text);
    let mut lines = words::lines(text, &tokens, &changes);
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
