//! Text to tree: tokens, and a parser of our own that goes on after a fault, so that several faults of one text are reported
//! together. It gives no name a meaning and evaluates nothing.

pub mod ast;
mod body;
mod cursor;
mod expression;
mod lexer;
mod postfix;
mod template;
mod token;

use diag::{Diagnostics, FileId};

pub use ast::{Attribute, Block, Body, Call, Expr, ExprKind, For, Identifier, Item, Operator, Part, Step};
pub use lexer::{is_identifier, tokenize, tokenize_template};
pub use token::{Token, TokenKind};

use cursor::Cursor;

/// A text as a tree, and what is wrong with it.
#[derive(Debug)]
pub struct Parsed<T> {
    /// The tree; pieces that could not be read are left out or [`ExprKind::Broken`].
    pub tree: T,
    /// The faults.
    pub diagnostics: Diagnostics,
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
