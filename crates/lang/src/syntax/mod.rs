//! Text to tree: tokens, and a parser of our own that goes on after a fault, so that several faults of one text are reported
//! together. It gives no name a meaning and evaluates nothing.

pub mod ast;
mod body;
mod cursor;
mod expression;
mod lexer;
mod places;
mod postfix;
mod reread;
mod template;
mod token;
mod visit;

use diag::{Diagnostics, FileId};

pub use crate::json::parse as parse_json;
pub use ast::{Attribute, Block, Body, Call, Expr, ExprKind, For, Identifier, Item, Operator, Part, Step};
pub use lexer::{is_identifier, tokenize, tokenize_template};
pub use token::{Token, TokenKind};

pub(crate) use cursor::DEPTH_MAX;
pub(crate) use reread::reread;

use cursor::Cursor;

/// A text as a tree, and what is wrong with it.
#[derive(Debug)]
pub struct Parsed<T> {
    /// The tree; pieces that could not be read are left out or [`ExprKind::Broken`].
    pub tree: T,
    /// The faults.
    pub diagnostics: Diagnostics,
    /// Faults of templates in texts of JSON, which nobody looks into before they are worked out.
    pub templates: Diagnostics,
    /// Whether braces do not pair: which block a line belongs to is a guess then.
    pub unbalanced: bool,
}

/// Reads a whole file.
#[must_use]
pub fn parse(file: FileId, text: &str) -> Parsed<Body> {
    let mut cursor = Cursor::new(file, text, tokenize(text));
    let tree = cursor.file();
    cursor.finish(tree)
}

/// Reads one expression.
#[must_use]
pub fn parse_expression(file: FileId, text: &str) -> Parsed<Expr> {
    let mut cursor = Cursor::new(file, text, tokenize(text));
    cursor.multiline = true;
    let tree = cursor.whole_expression();
    cursor.finish(tree)
}

/// Reads a text that is a template as a whole, as `templatefile` has it.
#[must_use]
pub fn parse_template(file: FileId, text: &str) -> Parsed<Expr> {
    let mut cursor = Cursor::new(file, text, tokenize_template(text));
    let tree = cursor.whole_template();
    cursor.finish(tree)
}

/// What a text inside of another file is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Within {
    /// An expression.
    Expression,
    /// A template.
    Template,
}

/// Reads a text that stands inside of a file of another syntax, `depth` levels deep there. `place` gives the file's offset of each
/// offset in the text.
pub(crate) fn parse_within(
    file: FileId,
    text: &str,
    within: Within,
    depth: u32,
    place: &dyn Fn(u32) -> u32,
) -> Parsed<Expr> {
    let tokens = match within {
        Within::Expression => tokenize(text),
        Within::Template => tokenize_template(text),
    };
    let mut cursor = Cursor::new(file, text, tokens);
    cursor.depth = depth;
    cursor.multiline = true;
    let tree = match within {
        Within::Expression => cursor.whole_expression(),
        Within::Template => cursor.whole_template(),
    };
    let mut parsed = cursor.finish(tree);
    places::move_expr(&mut parsed.tree, place);
    places::move_faults(&mut parsed.diagnostics, place);
    parsed
}
