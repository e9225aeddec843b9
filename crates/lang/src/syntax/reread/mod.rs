//! A second reading of a text that has faults, as Terraform takes it: it stumbles at other places than our own parser, goes on elsewhere,
//! and says less of what follows from the first fault of a file. It is done for Terraform's files only, where people know those places, and
//! costs nothing where there is no fault.
//!
//! It finds places and bounds. The trees of what it could read are the parser's.

mod body;
mod expression;
mod template;

use std::collections::{BTreeMap, VecDeque};

use diag::{Diagnostic, Diagnostics, FileId, Span};

use super::Parsed;
use super::ast::{Body, Expr, ExprKind};
use super::cursor::Cursor;
use super::lexer::tokenize_running_on;
use super::token::{Token, TokenKind as K};

/// Reads a file again. `first`: what our own parser says about it, whose words stand beside the faults that are on the same lines. Where
/// nothing is found, the first reading stands.
pub(crate) fn reread(file: FileId, text: &str, first: Parsed<Body>) -> Parsed<Body> {
    let mut rereader = Rereader {
        cursor: Cursor::new(file, text, tokenize_running_on(text)),
        faults: Diagnostics::default(),
        is_recovering: false,
        misread: 0,
        depth: 0,
        partial: None,
    };
    rereader.characters();
    let tree = rereader.file();
    if rereader.faults.is_empty() {
        return first;
    }
    let mut diagnostics = rereader.faults;
    explain(&mut diagnostics, &first.diagnostics, text);
    Parsed { tree, diagnostics, templates: Diagnostics::default(), unbalanced: false }
}

/// Puts what our parser says to faults on the same line.
fn explain(faults: &mut Diagnostics, first: &Diagnostics, text: &str) {
    let ends: Vec<usize> = text.match_indices('\n').map(|(at, _)| at).collect();
    let line = |span: Span| ends.partition_point(|end| *end < span.start as usize);
    let mut known: BTreeMap<usize, VecDeque<&Diagnostic>> = BTreeMap::new();
    for fault in &first.0 {
        if let Some(span) = fault.span {
            known.entry(line(span)).or_default().push_back(fault);
        }
    }
    for fault in &mut faults.0 {
        let on_line = fault.span.and_then(|span| known.get_mut(&line(span)));
        let Some(own) = on_line.and_then(VecDeque::pop_front) else { continue };
        fault.detail = Some(match &own.detail {
            Some(why) => format!("{}: {why}", own.message),
            None => own.message.clone(),
        });
        fault.hint = own.hint.clone();
        fault.related.clone_from(&own.related);
    }
}

/// The state of the second reading.
struct Rereader<'a> {
    cursor: Cursor<'a>,
    faults: Diagnostics,
    /// After the first fault of most kinds nothing is said of what may only follow from it, up to the end of the file.
    is_recovering: bool,
    /// How many faults were not told.
    misread: usize,
    depth: u32,
    /// Where the list, object or call began that was read last, and what could be read of it.
    partial: Option<(u32, ExprKind)>,
}

/// How many faults there were.
#[derive(Clone, Copy)]
struct Mark {
    told: usize,
    misread: usize,
}

impl Rereader<'_> {
    fn mark(&self) -> Mark {
        Mark { told: self.faults.0.len(), misread: self.misread }
    }

    /// Whether something was told since.
    fn has_told(&self, mark: Mark) -> bool {
        self.faults.0.len() > mark.told
    }

    /// Whether the place in the text is lost since: something was told, and the reader looks for where to go on.
    fn is_lost(&self, mark: Mark) -> bool {
        self.is_recovering && self.has_told(mark)
    }

    /// Tells a fault in any case.
    fn tell(&mut self, token: Token, summary: &'static str, why: &'static str) {
        let fault = Diagnostic::error("syntax", summary).at(self.cursor.span(token)).because(why);
        self.faults.push(fault);
    }

    /// Tells a fault unless it may follow from an earlier one.
    fn wrong(&mut self, token: Token, summary: &'static str, why: &'static str) {
        if self.is_recovering {
            self.misread += 1;
        } else {
            self.tell(token, summary, why);
        }
    }

    fn peek(&mut self) -> Token {
        self.cursor.peek()
    }

    fn peek_kind(&mut self) -> K {
        self.cursor.peek_kind()
    }

    fn take(&mut self) -> Token {
        self.cursor.take()
    }

    fn is_word(&mut self, word: &str) -> bool {
        let token = self.peek();
        token.kind == K::Identifier && self.cursor.token_text(token) == word
    }

    /// Runs a rule in which line breaks mean nothing, or something.
    fn with_lines<T>(&mut self, multiline: bool, rule: impl FnOnce(&mut Self) -> T) -> T {
        let before = std::mem::replace(&mut self.cursor.multiline, multiline);
        let result = rule(self);
        self.cursor.multiline = before;
        result
    }

    /// Goes on behind the end of what is open, and answers that end.
    fn recover(&mut self, end: K) -> Token {
        self.is_recovering = true;
        let mut nested = 0usize;
        loop {
            let token = self.raw_take();
            match token.kind {
                K::End => return token,
                kind if kind == end && nested == 0 => return token,
                kind if kind == end => nested -= 1,
                kind if opens(kind, end) => nested += 1,
                _ => {}
            }
        }
    }

    /// Goes on at the next line that is not inside of something that was opened since.
    fn recover_after_entry(&mut self) {
        self.is_recovering = true;
        let mut open: Vec<K> = Vec::new();
        loop {
            let token = self.raw_take();
            match token.kind {
                K::End => return,
                K::Newline if open.is_empty() => return,
                K::OpenBrace
                | K::OpenBracket
                | K::OpenParen
                | K::OpenQuote
                | K::OpenHeredoc
                | K::Interpolation
                | K::Directive => open.push(token.kind),
                K::CloseBrace
                | K::CloseBracket
                | K::CloseParen
                | K::CloseQuote
                | K::CloseHeredoc
                | K::TemplateEnd => {
                    while open.last().is_some_and(|last| !opens(*last, token.kind)) {
                        open.pop();
                    }
                    open.pop();
                }
                _ => {}
            }
        }
    }

    /// The next token but comments, line breaks included.
    fn raw_take(&mut self) -> Token {
        self.with_lines(false, Self::take)
    }

    /// Characters that no text of the language has, all of them first.
    fn characters(&mut self) {
        let mut has_semicolon = false;
        for at in 0.. {
            let token = self.cursor.raw(at);
            match token.kind {
                K::End => return,
                K::QuotedNewline => {
                    self.tell(token, "Invalid multi-line string", "text between quotes ends with its line")
                }
                K::Invalid => match self.cursor.token_text(token) {
                    "&" | "|" | "^" | "~" => {
                        self.tell(token, "Unsupported operator", "there are no operators on bits");
                    }
                    ";" if has_semicolon => {}
                    sign => {
                        has_semicolon |= sign == ";";
                        self.tell(token, "Invalid character", "the language does not use this character");
                    }
                },
                _ => {}
            }
        }
    }

    /// Reads an expression, and answers its tree. Of a list, object or call with something in it that could not be read, what was
    /// before is left.
    fn value(&mut self) -> Expr {
        let span = {
            let token = self.peek();
            self.cursor.span(token)
        };
        let start = self.cursor.at;
        let mark = self.mark();
        self.partial = None;
        self.expression();
        if self.has_told(mark) || self.misread > mark.misread {
            let kind = match self.partial.take() {
                Some((begin, kind)) if begin == span.start => kind,
                _ => ExprKind::Broken,
            };
            return Expr { kind, span };
        }
        let end = std::mem::replace(&mut self.cursor.at, start);
        let told = self.cursor.diagnostics.0.len();
        let tree = self.cursor.expression();
        let is_read = self.cursor.diagnostics.0.len() == told;
        self.cursor.at = end;
        tree.ok().filter(|_| is_read).unwrap_or(Expr { kind: ExprKind::Broken, span })
    }
}

/// Whether a kind of token opens what another closes.
fn opens(open: K, close: K) -> bool {
    matches!(
        (open, close),
        (K::OpenBrace, K::CloseBrace)
            | (K::OpenBracket, K::CloseBracket)
            | (K::OpenParen, K::CloseParen)
            | (K::OpenQuote, K::CloseQuote)
            | (K::OpenHeredoc, K::CloseHeredoc)
            | (K::Interpolation | K::Directive, K::TemplateEnd)
    )
}
