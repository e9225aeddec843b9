//! The parser's place in the tokens, and how its faults are worded. What a grammar rule looks like is in the modules beside it.

use std::collections::HashMap;
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, FileId, Span};

use super::Parsed;
use super::ast::{Expr, ExprKind, Identifier};
use super::token::{Token, TokenKind};

/// How deep expressions and blocks may be nested. Thirty levels are a lot for a person; the parser, the evaluator and the
/// destructor of the tree recurse this deep, on stacks of 2 MiB in the debug build.
pub(crate) const DEPTH_MAX: u32 = 100;

/// A fault that has been reported: the rule that found it gives up, and its caller finds the next good place.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reported;

pub(super) type Read<T> = Result<T, Reported>;

/// The parser's state.
pub(super) struct Cursor<'a> {
    pub text: &'a str,
    pub file: FileId,
    tokens: Vec<Token>,
    /// Index of the next token, comments included.
    pub at: usize,
    /// Whether line breaks mean nothing, as they do inside parentheses and brackets.
    pub multiline: bool,
    pub depth: u32,
    /// Whether the entries of a block are read that stand on the line of its `{`.
    pub on_one_line: bool,
    pub diagnostics: Diagnostics,
    pub unbalanced: bool,
    /// The first brace that is closed by one of another indentation: where a missing one is to be looked for.
    pub suspect: Option<Span>,
    names: HashMap<&'a str, Arc<str>>,
}

impl<'a> Cursor<'a> {
    pub fn new(file: FileId, text: &'a str, tokens: Vec<Token>) -> Self {
        Self {
            text,
            file,
            tokens,
            at: 0,
            multiline: false,
            depth: 0,
            on_one_line: false,
            diagnostics: Diagnostics::default(),
            unbalanced: false,
            suspect: None,
            names: HashMap::new(),
        }
    }

    pub fn finish<T>(self, tree: T) -> Parsed<T> {
        Parsed {
            tree,
            diagnostics: self.diagnostics,
            templates: Diagnostics::default(),
            unbalanced: self.unbalanced,
        }
    }

    /// The next token that means something here.
    pub fn peek(&mut self) -> Token {
        loop {
            let token = self.raw(self.at);
            match token.kind {
                TokenKind::LineComment | TokenKind::BlockComment => self.at += 1,
                TokenKind::Newline if self.multiline => self.at += 1,
                TokenKind::UnclosedComment => {
                    self.diagnostics.push(
                        Diagnostic::error("unclosed-comment", "this comment is never closed")
                            .at(Span { end: token.start + 2, ..self.span(token) })
                            .hint("end it with `*/`"),
                    );
                    // What it swallowed may have closed every open brace.
                    self.unbalanced = true;
                    self.at += 1;
                }
                _ => return token,
            }
        }
    }

    pub fn peek_kind(&mut self) -> TokenKind {
        self.peek().kind
    }

    /// The token after the next, line breaks and comments included.
    pub fn raw(&self, index: usize) -> Token {
        self.tokens.get(index).copied().unwrap_or_else(|| {
            let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
            Token { kind: TokenKind::End, start: end, end }
        })
    }

    /// The kind of the token after the next one, comments left out.
    pub fn second_kind(&mut self) -> TokenKind {
        self.peek();
        let mut index = self.at + 1;
        while matches!(self.raw(index).kind, TokenKind::BlockComment | TokenKind::LineComment)
            || (self.multiline && self.raw(index).kind == TokenKind::Newline)
        {
            index += 1;
        }
        self.raw(index).kind
    }

    /// Takes the next token.
    pub fn take(&mut self) -> Token {
        let token = self.peek();
        if token.kind != TokenKind::End {
            self.at += 1;
        }
        token
    }

    /// Takes the next token if it is of the kind.
    pub fn accept(&mut self, kind: TokenKind) -> Option<Token> {
        (self.peek_kind() == kind).then(|| self.take())
    }

    pub fn span(&self, token: Token) -> Span {
        Span { file: self.file, start: token.start, end: token.end }
    }

    /// The place just after the token that was taken last.
    pub fn after_last(&self) -> Span {
        let mut index = self.at;
        while index > 0 {
            index -= 1;
            let token = self.raw(index);
            if !matches!(
                token.kind,
                TokenKind::Newline
                    | TokenKind::LineComment
                    | TokenKind::BlockComment
                    | TokenKind::UnclosedComment
            ) {
                return Span { file: self.file, start: token.end, end: token.end };
            }
        }
        Span { file: self.file, start: 0, end: 0 }
    }

    /// From the token at `start` to what was taken last.
    pub fn since(&self, start: Span) -> Span {
        Span { end: self.after_last().end.max(start.end), ..start }
    }

    pub fn name(&mut self, text: &'a str) -> Arc<str> {
        self.names.entry(text).or_insert_with(|| text.into()).clone()
    }

    pub fn token_text(&self, token: Token) -> &'a str {
        token.text(self.text)
    }

    pub fn identifier(&mut self, token: Token) -> Identifier {
        let text = self.token_text(token);
        Identifier { name: self.name(text), span: self.span(token) }
    }

    pub fn report(&mut self, diagnostic: Diagnostic) -> Reported {
        self.diagnostics.push(diagnostic);
        Reported
    }

    pub fn broken(&self, span: Span) -> Expr {
        Expr { kind: ExprKind::Broken, span }
    }

    /// The next token is not what has to be here.
    pub fn unexpected(&mut self, wanted: &str) -> Reported {
        let token = self.peek();
        let found = self.found(token);
        let span = match token.kind {
            // The end of a line is best shown where the line's last word ends.
            TokenKind::Newline | TokenKind::End => self.after_last(),
            _ => self.span(token),
        };
        let mut diagnostic = Diagnostic::error("syntax", format!("{wanted} is missing before {found}"))
            .at(span)
            .label(format!("{wanted} is expected here"));
        if let Some(hint) = self.hint_for(token) {
            diagnostic = diagnostic.hint(hint);
        }
        self.report(diagnostic)
    }

    /// The token as a message names it.
    pub fn found(&self, token: Token) -> String {
        match token.kind {
            TokenKind::Identifier | TokenKind::Number | TokenKind::Invalid => {
                format!("`{}`", self.token_text(token))
            }
            kind => kind.describe().to_owned(),
        }
    }

    fn hint_for(&self, token: Token) -> Option<&'static str> {
        Some(match self.token_text(token) {
            ";" => "lines need no `;` at their end: leave it out",
            "'" | "`" | "\u{2018}" | "\u{2019}" | "\u{201c}" | "\u{201d}" | "\u{201e}" => {
                "text is written between straight double quotes: \"text\""
            }
            "&" => "`and` is written `&&`",
            "|" => "`or` is written `||`",
            "@" | "$" => "a reference is written without a sign before it, as in `var.name`",
            _ => return None,
        })
    }

    /// Runs a rule one level deeper, or refuses where that is too deep.
    pub fn deeper<T>(&mut self, rule: impl FnOnce(&mut Self) -> Read<T>) -> Read<T> {
        if self.depth >= DEPTH_MAX {
            let span = {
                let token = self.peek();
                self.span(token)
            };
            return Err(self.report(
                Diagnostic::error("too-deep", format!("this is nested more than {DEPTH_MAX} levels deep"))
                    .at(span)
                    .hint("give the inner part a name of its own in `locals`"),
            ));
        }
        self.depth += 1;
        let result = rule(self);
        self.depth -= 1;
        result
    }

    /// Runs a rule in which line breaks mean something, or nothing.
    pub fn with_lines<T>(&mut self, multiline: bool, rule: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.multiline, multiline);
        let result = rule(self);
        self.multiline = before;
        result
    }

    /// The indentation of the line that a byte is on, if only blanks are before it or `anywhere` is asked.
    pub fn indentation(&self, offset: u32, anywhere: bool) -> Option<usize> {
        let before = self.text.get(..offset as usize)?;
        let line = before.rsplit_once('\n').map_or(before, |(_, line)| line);
        let blank = line.len() - line.trim_start_matches([' ', '\t']).len();
        (anywhere || blank == line.len()).then_some(blank)
    }
}
