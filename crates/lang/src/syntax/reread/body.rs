//! Bodies: attributes and blocks.

use std::collections::HashSet;
use std::sync::Arc;

use super::super::ast::{Attribute, Block, Body, Expr, Identifier};
use super::super::token::{Token, TokenKind as K};
use super::Rereader;
use diag::Span;

/// What an attribute is written like.
const DEFINITION: &str = "Argument or block definition required";
const BLOCK: &str = "Invalid block definition";
const SINGLE: &str = "Invalid single-argument block definition";

impl Rereader<'_> {
    /// A whole file.
    pub(super) fn file(&mut self) -> Body {
        let end = u32::try_from(self.cursor.text.len()).unwrap_or(u32::MAX);
        let mut body = Body::native(Span { file: self.cursor.file, start: 0, end });
        self.entries(K::End, None, &mut body);
        body
    }

    /// Entries up to the end of a body, which is taken.
    fn entries(&mut self, end: K, open: Option<Token>, body: &mut Body) {
        let mut names = HashSet::new();
        loop {
            let token = self.peek();
            match token.kind {
                kind if kind == end => {
                    self.take();
                    return;
                }
                K::Newline => {
                    self.take();
                }
                K::Identifier => self.entry(body, &mut names),
                K::End => {
                    let place = open.unwrap_or(token);
                    self.wrong(place, "Unclosed configuration block", "no brace closes this block");
                    self.is_recovering = true;
                    return;
                }
                kind => {
                    self.take();
                    let (summary, why) = match kind {
                        K::OpenQuote => ("Invalid argument name", "names are written without quotes"),
                        _ => (DEFINITION, "a name stands here"),
                    };
                    self.wrong(token, summary, why);
                    self.recover(end);
                    return;
                }
            }
        }
    }

    /// `names`: what the body has attributes for already.
    fn entry(&mut self, body: &mut Body, names: &mut HashSet<Arc<str>>) {
        let token = self.take();
        let name = self.cursor.identifier(token);
        match self.peek_kind() {
            K::Assign => {
                let expr = self.assigned(false);
                if names.insert(name.name.clone()) {
                    body.attributes.push(Attribute { name, expr });
                } else {
                    self.tell(token, "Attribute redefined", "an attribute is given once");
                }
            }
            K::OpenQuote | K::OpenBrace | K::Identifier => self.block(name, body),
            _ => {
                self.recover_after_entry();
                self.tell(token, DEFINITION, "an attribute is a name, `=` and a value");
            }
        }
    }

    /// At `=`: the value behind it, and the end of its line unless it is the only one of a block.
    fn assigned(&mut self, is_single: bool) -> Expr {
        self.take();
        let mark = self.mark();
        let expr = self.value();
        if self.is_lost(mark) {
            self.recover_after_entry();
        } else if !is_single {
            let next = self.peek();
            match next.kind {
                K::Newline | K::End => {
                    self.take();
                }
                kind => {
                    let (summary, why) = match kind {
                        K::Comma => {
                            ("Unexpected comma after argument", "attributes are not separated by commas")
                        }
                        _ => ("Missing newline after argument", "an attribute ends with its line"),
                    };
                    self.wrong(next, summary, why);
                    self.recover_after_entry();
                }
            }
        }
        expr
    }

    /// At what follows a name that is no `=`.
    fn block(&mut self, kind: Identifier, body: &mut Body) {
        let mut labels = Vec::new();
        let open = loop {
            let token = self.peek();
            match token.kind {
                K::OpenBrace => break self.take(),
                K::OpenQuote => labels.push(self.label()),
                K::Identifier => {
                    self.take();
                    labels.push(self.cursor.identifier(token));
                }
                found => {
                    match found {
                        K::Assign => self.tell(token, BLOCK, "a block has no `=`"),
                        K::Newline => {
                            self.tell(token, BLOCK, "the `{` of a block is on the line of its name")
                        }
                        _ => self.wrong(token, BLOCK, "labels and `{` follow the name of a block"),
                    }
                    self.recover_after_entry();
                    let inner = Body::native(self.cursor.span(token));
                    body.blocks.push(Block { kind, labels, body: inner });
                    return;
                }
            }
        };
        let start = self.cursor.span(open);
        let mut inner = Body::native(start);
        if self.depth >= super::super::DEPTH_MAX {
            self.wrong(open, "Too many nested blocks", "this is nested too deep to be read");
            self.recover(K::CloseBrace);
        } else {
            self.depth += 1;
            match self.peek_kind() {
                K::Newline | K::End | K::CloseBrace => self.entries(K::CloseBrace, Some(open), &mut inner),
                _ => self.one_line(open, &mut inner),
            }
            self.depth -= 1;
        }
        inner.span = self.cursor.since(start);
        body.blocks.push(Block { kind, labels, body: inner });
        let next = self.peek();
        if matches!(next.kind, K::Newline | K::End) {
            self.take();
        } else {
            self.wrong(next, "Missing newline after block definition", "a block ends with its line");
            self.recover_after_entry();
        }
    }

    /// `{ name = value }`.
    fn one_line(&mut self, open: Token, body: &mut Body) {
        if let Err((token, summary, why)) = self.only_entry(body) {
            self.tell(token, summary, why);
            self.recover_after_entry();
        }
        let next = self.peek();
        match next.kind {
            K::CloseBrace => {
                self.take();
            }
            K::End => {
                self.wrong(open, "Unclosed configuration block", "no brace closes this block");
                self.recover(K::CloseBrace);
            }
            kind => {
                let why = "a block on one line has one attribute, and ends on it";
                match kind {
                    K::Newline => self.tell(next, SINGLE, why),
                    _ => self.wrong(next, SINGLE, why),
                }
                self.recover(K::CloseBrace);
            }
        }
    }

    fn only_entry(&mut self, body: &mut Body) -> Result<(), (Token, &'static str, &'static str)> {
        let token = self.take();
        if token.kind != K::Identifier {
            return Err((token, DEFINITION, "a name stands here"));
        }
        let name = self.cursor.identifier(token);
        match self.peek_kind() {
            K::Assign => {
                let expr = self.assigned(true);
                body.attributes.push(Attribute { name, expr });
                Ok(())
            }
            K::OpenQuote | K::OpenBrace | K::Identifier => {
                Err((token, "Argument definition required", "a block on one line has no block in it"))
            }
            _ => Err((token, DEFINITION, "an attribute is a name, `=` and a value")),
        }
    }

    /// A label between quotes.
    fn label(&mut self) -> Identifier {
        let open = self.take();
        let mut name = String::new();
        loop {
            let token = self.raw();
            match token.kind {
                K::CloseQuote => break,
                K::QuotedText => {
                    let text = self.cursor.token_text(token);
                    self.escapes(token);
                    name.push_str(text);
                }
                K::Interpolation | K::Directive => {
                    self.tell(token, "Invalid string literal", "a label is fixed text");
                    // Whatever stands there is no part of a name.
                    name.push_str("${…}");
                    self.recover(K::TemplateEnd);
                }
                K::End => {
                    self.tell(token, "Unterminated string literal", "no quote ends this label");
                    break;
                }
                _ => {
                    self.tell(token, "Invalid string literal", "a label is text on one line");
                    self.recover(K::CloseQuote);
                    break;
                }
            }
        }
        let name = name.into();
        Identifier { name, span: self.cursor.since(self.cursor.span(open)) }
    }

    /// Takes the next token as it stands: between quotes nothing is passed over.
    pub(super) fn raw(&mut self) -> Token {
        let token = self.cursor.raw(self.cursor.at);
        if token.kind != K::End {
            self.cursor.at += 1;
        }
        token
    }
}
