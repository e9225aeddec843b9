//! Strings and heredocs: interpolations, directives, escapes.

use super::super::ast::{Expr, ExprKind, Part};
use super::super::token::{Token, TokenKind as K};
use super::Rereader;

/// A directive of a template, with its place.
#[derive(Clone, Copy, PartialEq)]
enum Directive {
    If,
    Else,
    EndIf,
    For,
    EndFor,
}

impl Rereader<'_> {
    /// After the opening quote or heredoc, up to its end, which is taken.
    pub(super) fn template(&mut self, open: Token, end: K) {
        let mut directives = Vec::new();
        let mut parts = Vec::new();
        let last = loop {
            let token = self.raw();
            match token.kind {
                kind if kind == end => break token,
                K::QuotedText | K::HeredocText => {
                    if token.kind == K::QuotedText {
                        self.escapes(token);
                    }
                    parts.push(Part::Text(self.cursor.token_text(token).into()));
                }
                K::Interpolation => parts.push(Part::Value(self.interpolation(end))),
                K::Directive => {
                    let directive = self.with_lines(true, Self::directive);
                    directives.extend(directive.map(|directive| (directive, token)));
                }
                _ => {
                    self.wrong(token, "Unterminated template string", "no marker ends this text");
                    self.recover(end);
                    break token;
                }
            }
        };
        let mut nesting = Nesting { directives: &directives, at: 0, last };
        while nesting.at < directives.len() {
            self.outermost(&mut nesting);
        }
        self.partial = Some((open.start, ExprKind::Template(parts)));
    }

    /// `end`: what ends the text that it is in.
    fn interpolation(&mut self, end: K) -> Expr {
        const EXTRA: &str = "Extra characters after interpolation expression";
        self.with_lines(true, |this| {
            let value = this.value();
            let close = this.peek();
            if close.kind == K::TemplateEnd {
                this.take();
                return value;
            }
            // Another quote is likely to be the one that ends the text.
            let is_unclosed = close.kind == K::OpenQuote && end == K::CloseQuote;
            match close.kind {
                kind if kind == K::End || is_unclosed => {
                    this.wrong(close, "Unclosed template interpolation sequence", "no brace ends it");
                }
                _ => this.wrong(
                    close,
                    EXTRA,
                    "`}` ends an interpolation; write `$${` for the signs themselves",
                ),
            }
            this.recover(K::TemplateEnd);
            value
        })
    }

    /// After `%{`.
    fn directive(&mut self) -> Option<Directive> {
        const WORD: &str = "Invalid template control keyword";
        let word = self.peek();
        if word.kind != K::Identifier {
            self.wrong(word, "Invalid template directive", "a word such as `if` or `for` follows `%{`");
            self.recover(K::TemplateEnd);
            return None;
        }
        self.take();
        let (directive, extra) = match self.cursor.token_text(word) {
            "if" => {
                self.expression();
                (Directive::If, "Extra characters in if marker")
            }
            "else" => (Directive::Else, "Extra characters in else marker"),
            "endif" => (Directive::EndIf, "Extra characters in endif marker"),
            "for" => {
                if let Err(()) = self.for_intro("Invalid 'for' directive") {
                    self.recover(K::TemplateEnd);
                    return None;
                }
                (Directive::For, "Extra characters in for marker")
            }
            "endfor" => (Directive::EndFor, "Extra characters in endfor marker"),
            _ => {
                self.wrong(word, WORD, "there are `if`, `else`, `endif`, `for` and `endfor`");
                self.recover(K::TemplateEnd);
                return None;
            }
        };
        let close = self.peek();
        if close.kind == K::TemplateEnd {
            self.take();
        } else {
            self.wrong(close, extra, "`}` ends a directive");
            self.recover(K::TemplateEnd);
        }
        Some(directive)
    }

    /// A directive that is in no other, with everything up to its end.
    fn outermost(&mut self, nesting: &mut Nesting<'_>) {
        let Some((directive, token)) = nesting.next() else { return };
        match directive {
            Directive::If => self.inside(nesting, Directive::If),
            Directive::For => self.inside(nesting, Directive::For),
            stray => self.stray(stray, token),
        }
    }

    /// Behind `if` or `for`.
    fn inside(&mut self, nesting: &mut Nesting<'_>, around: Directive) {
        let mut has_else = false;
        loop {
            let Some((directive, token)) = nesting.next() else {
                let why = "a directive of this text has no end";
                return self.tell(nesting.last, "Unexpected end of template", why);
            };
            match (around, directive) {
                (_, Directive::If | Directive::For) => {
                    self.deeper_directive(nesting, directive);
                }
                (Directive::If, Directive::Else) if !has_else => has_else = true,
                (Directive::If, Directive::EndIf) | (Directive::For, Directive::EndFor) => return,
                (_, stray) => return self.stray(stray, token),
            }
        }
    }

    fn deeper_directive(&mut self, nesting: &mut Nesting<'_>, directive: Directive) {
        if self.depth < super::super::DEPTH_MAX {
            self.depth += 1;
            self.inside(nesting, directive);
            self.depth -= 1;
        }
    }

    fn stray(&mut self, directive: Directive, token: Token) {
        let summary = match directive {
            Directive::EndIf => "Unexpected endif directive",
            Directive::EndFor => "Unexpected endfor directive",
            _ => "Unexpected else directive",
        };
        self.tell(token, summary, "it belongs to nothing that is open");
    }

    /// What stands behind backslashes.
    pub(super) fn escapes(&mut self, token: Token) {
        let text = self.cursor.token_text(token);
        let mut chars = text.char_indices();
        while let Some((at, c)) = chars.next() {
            if c != '\\' {
                continue;
            }
            let place = |length: usize| {
                let start = token.start + u32::try_from(at).unwrap_or(0);
                Token { start, end: start + u32::try_from(length).unwrap_or(1), ..token }
            };
            match chars.next().map(|(_, c)| c) {
                Some('n' | 'r' | 't' | '"' | '\\') => {}
                Some(kind @ ('u' | 'U')) => {
                    let length = if kind == 'u' { 4 } else { 8 };
                    let digits = text.get(at + 2..at + 2 + length).unwrap_or("");
                    if digits.len() == length && digits.bytes().all(|b| b.is_ascii_hexdigit()) {
                        chars.nth(length - 1);
                    } else {
                        self.tell(place(2), "Invalid escape sequence", "hexadecimal digits follow it");
                    }
                }
                Some(other) => {
                    self.tell(
                        place(1 + other.len_utf8()),
                        "Invalid escape sequence",
                        "there is no such escape",
                    );
                }
                None => self.tell(place(1), "Invalid escape sequence", "nothing follows this backslash"),
            }
        }
    }
}

/// The directives of a template, one after the other.
struct Nesting<'a> {
    directives: &'a [(Directive, Token)],
    at: usize,
    /// What ends the template.
    last: Token,
}

impl Nesting<'_> {
    fn next(&mut self) -> Option<(Directive, Token)> {
        let next = self.directives.get(self.at).copied();
        self.at += 1;
        next
    }
}
