//! Bodies: attributes and blocks, and how the parser finds its feet again after a fault.

use diag::{Diagnostic, Span};
use value::Value;

use super::ast::{Attribute, Block, Body, Expr, ExprKind, Identifier};
use super::cursor::{Cursor, Read};
use super::token::{Token, TokenKind as K};

impl Cursor<'_> {
    /// A whole file.
    pub(super) fn file(&mut self) -> Body {
        let end = u32::try_from(self.text.len()).unwrap_or(u32::MAX);
        let span = Span { file: self.file, start: 0, end };
        let mut body = Body::native(span);
        loop {
            self.entries(&mut body);
            let token = self.peek();
            if token.kind == K::End {
                return body;
            }
            // Only `}` and the end stop the entries.
            self.at += 1;
            self.unbalanced = true;
            let mut fault = Diagnostic::error("unopened-brace", "this `}` closes nothing")
                .at(self.span(token))
                .hint("remove it, or open the block that it was meant for");
            if let Some(suspect) = self.suspect.take() {
                fault = fault.see(suspect, "this brace is closed by one of another indentation");
            }
            self.diagnostics.push(fault);
        }
    }

    /// Entries up to `}` or the end of the file, which is not taken.
    fn entries(&mut self, body: &mut Body) {
        loop {
            let token = self.peek();
            match token.kind {
                K::Newline => self.at += 1,
                K::CloseBrace | K::End => return,
                K::Identifier => self.entry(body),
                K::OpenQuote => self.quoted_name(body),
                _ => {
                    self.unexpected("the name of an attribute or block");
                    self.skip_line(self.at);
                }
            }
        }
    }

    /// An attribute or a block; faults are reported and stepped over.
    fn entry(&mut self, body: &mut Body) {
        let start = self.at;
        let token = self.take();
        let name = self.identifier(token);
        match self.peek_kind() {
            K::Assign => {
                self.take();
                self.attribute_value(name, body, start);
            }
            K::OpenBrace | K::OpenQuote | K::Identifier | K::Invalid => {
                self.block_or_forgotten_assign(name, body, start);
            }
            K::Colon => {
                let colon = self.take();
                self.diagnostics.push(
                    Diagnostic::error("missing-equals", "an attribute is written with `=`, not with `:`")
                        .at(self.span(colon))
                        .hint(format!("write `{} = …`", name.name)),
                );
                self.attribute_value(name, body, start);
            }
            K::Number | K::OpenBracket | K::Minus | K::OpenHeredoc => {
                self.missing_assign(&name);
                self.attribute_value(name, body, start);
            }
            K::Newline | K::End | K::CloseBrace => self.bare_name(name, body),
            _ => {
                self.unexpected("`=` or `{`");
                self.broken_attribute(name, body);
                self.skip_line(start);
            }
        }
    }

    /// A name with nothing behind it, or with its `{` on the next line.
    fn bare_name(&mut self, name: Identifier, body: &mut Body) {
        if self.brace_on_next_line() {
            self.block(name, Vec::new(), body);
            return;
        }
        self.diagnostics.push(
            Diagnostic::error("missing-equals", format!("`{}` has no value", name.name))
                .at(name.span)
                .hint(format!("write `{0} = …` for an attribute, `{0} {{ … }}` for a block", name.name)),
        );
        self.broken_attribute(name, body);
    }

    fn broken_attribute(&mut self, name: Identifier, body: &mut Body) {
        let expr = self.broken(name.span);
        body.attributes.push(Attribute { name, expr });
    }

    fn missing_assign(&mut self, name: &Identifier) {
        let place = Span { start: name.span.end, ..name.span };
        self.diagnostics.push(
            Diagnostic::error("missing-equals", format!("`=` is missing after `{}`", name.name))
                .at(place)
                .label("`=` is expected here")
                .hint(format!("write `{} = …`", name.name)),
        );
    }

    /// `"name" = value`: names are written without quotes.
    fn quoted_name(&mut self, body: &mut Body) {
        let start = self.at;
        let Ok(label) = self.label() else {
            self.skip_line(start);
            return;
        };
        let is_attribute = matches!(self.peek_kind(), K::Assign | K::Colon);
        self.diagnostics.push(
            Diagnostic::error("quoted-name", "the name of an attribute or block is written without quotes")
                .at(label.span)
                .hint(format!("write `{}`", label.name)),
        );
        if is_attribute {
            self.take();
            self.attribute_value(label, body, start);
        } else {
            self.skip_line(start);
        }
    }

    /// After `=`.
    fn attribute_value(&mut self, name: Identifier, body: &mut Body, start: usize) {
        match self.expression() {
            Ok(mut expr) => {
                // What is followed by something else was not read as it was meant.
                if !self.end_of_entry() {
                    expr.kind = ExprKind::Broken;
                }
                body.attributes.push(Attribute { name, expr });
            }
            Err(_) => {
                self.broken_attribute(name, body);
                self.skip_line(start);
            }
        }
    }

    /// An entry ends with its line, or with the brace of a block on one line. Whether it ends there or with another entry.
    fn end_of_entry(&mut self) -> bool {
        let token = self.peek();
        match token.kind {
            K::Newline => self.at += 1,
            K::CloseBrace if !self.on_one_line => self.brace_behind(),
            K::CloseBrace | K::End => {}
            K::Comma => {
                self.at += 1;
                let mut fault =
                    Diagnostic::error("syntax", "attributes of a block are not separated by commas")
                        .at(self.span(token));
                fault = if self.peek_kind() == K::Newline {
                    fault.hint("leave the comma out")
                } else {
                    fault.hint("write each attribute on a line of its own")
                };
                self.diagnostics.push(fault);
            }
            K::Invalid if self.token_text(token) == ";" => {
                self.unexpected("the end of the line");
                self.at += 1;
            }
            K::Identifier if self.second_kind() == K::Assign => {
                self.diagnostics.push(
                    Diagnostic::error("syntax", "two attributes stand on one line")
                        .at(self.span(token))
                        .label("the second begins here")
                        .hint("write each attribute on a line of its own"),
                );
            }
            _ => {
                self.unexpected("the end of the line");
                self.skip_line(self.at);
                return false;
            }
        }
        true
    }

    /// The `}` of a block stands behind something.
    fn brace_behind(&mut self) {
        let token = self.peek();
        self.diagnostics.push(
            Diagnostic::error(
                "syntax",
                "the `}` of a block that goes over several lines has a line of its own",
            )
            .at(self.span(token))
            .hint("move it to the next line"),
        );
    }

    /// `name "label" {`, or `name "text"` whose `=` was forgotten.
    fn block_or_forgotten_assign(&mut self, name: Identifier, body: &mut Body, start: usize) {
        let mut labels = Vec::new();
        loop {
            match self.peek_kind() {
                K::OpenBrace => return self.block(name, labels, body),
                K::OpenQuote | K::Identifier | K::Invalid => match self.label() {
                    Ok(label) => labels.push(label),
                    Err(_) => {
                        self.broken_attribute(name, body);
                        return self.skip_line(start);
                    }
                },
                K::Assign => {
                    let two = labels.first().map_or("", |l| l.name.as_ref()).to_owned();
                    let place = labels.first().map_or(name.span, |l| l.span);
                    let message = format!("there is no `=` or `{{` between `{}` and `{two}`", name.name);
                    self.diagnostics.push(
                        Diagnostic::error("syntax", message)
                            .at(place)
                            .hint("an attribute's name is one word"),
                    );
                    self.broken_attribute(name, body);
                    return self.skip_line(start);
                }
                K::Newline if self.brace_on_next_line() => return self.block(name, labels, body),
                K::Newline | K::End | K::CloseBrace if labels.len() == 1 => {
                    let label = labels.remove(0);
                    self.diagnostics.push(
                        Diagnostic::error("missing-equals", format!("`=` is missing after `{}`", name.name))
                            .at(label.span)
                            .hint(format!(
                                "write `{} = …` for an attribute; a block's `{{` is on the same line",
                                name.name
                            )),
                    );
                    let kind = ExprKind::Literal(Value::string(label.name));
                    body.attributes.push(Attribute { name, expr: Expr { kind, span: label.span } });
                    self.end_of_entry();
                    return;
                }
                _ => {
                    self.unexpected("`{`");
                    self.broken_attribute(name, body);
                    return self.skip_line(start);
                }
            }
        }
    }

    /// Whether the next line begins with the `{` that should have been on this one; says so, and goes there.
    fn brace_on_next_line(&mut self) -> bool {
        let mut index = self.at;
        while matches!(self.raw(index).kind, K::Newline | K::LineComment | K::BlockComment) {
            index += 1;
        }
        let brace = self.raw(index);
        if brace.kind != K::OpenBrace {
            return false;
        }
        self.diagnostics.push(
            Diagnostic::error("syntax", "the `{` of a block has to be on the line of its type")
                .at(self.span(brace))
                .hint("move it to the end of the line above"),
        );
        self.at = index;
        true
    }

    /// A label: a name, or text without interpolation.
    fn label(&mut self) -> Read<Identifier> {
        let token = self.peek();
        let expr = match token.kind {
            K::Identifier => {
                self.take();
                return Ok(self.identifier(token));
            }
            K::Invalid => self.wrong_quotes(token)?,
            _ => {
                self.take();
                self.string(token)?
            }
        };
        match expr.kind {
            ExprKind::Literal(ref literal) if literal.as_str().is_some() => {
                Ok(Identifier { name: literal.as_str().unwrap_or("").into(), span: expr.span })
            }
            _ => Err(self.report(
                Diagnostic::error("label-with-interpolation", "a label cannot hold an interpolation")
                    .at(expr.span)
                    .hint("labels are fixed text; use `for_each` to make several of one block"),
            )),
        }
    }

    /// From `{` on.
    fn block(&mut self, kind: Identifier, labels: Vec<Identifier>, body: &mut Body) {
        let open = self.take();
        let span = self.span(open);
        let mut inner = Body::native(span);
        let deep = self.deeper(|cursor| {
            if !cursor.one_line(open, &mut inner) {
                let before = std::mem::replace(&mut cursor.on_one_line, false);
                cursor.entries(&mut inner);
                cursor.on_one_line = before;
            }
            Ok(())
        });
        if deep.is_err() {
            self.skip_to_close();
        }
        let end = self.peek();
        if end.kind == K::CloseBrace {
            self.at += 1;
            inner.span = span.to(self.span(end));
            self.note_indentation(open, end);
            body.blocks.push(Block { kind, labels, body: inner });
            // What follows the brace belongs on the next line.
            if self.peek_kind() == K::CloseBrace && !self.on_one_line && self.depth > 0 {
                self.brace_behind();
            } else if !matches!(self.peek_kind(), K::Newline | K::CloseBrace | K::End) {
                self.unexpected("the end of the line");
                self.skip_line(self.at);
            }
            return;
        }
        // The end of the file: said once, for the innermost block that is open.
        inner.span = span.to(self.span(end));
        if !self.unbalanced {
            self.unbalanced = true;
            let header = labels.last().map_or(kind.span, |l| kind.span.to(l.span));
            let mut fault =
                Diagnostic::error("unclosed-brace", format!("the block `{}` is not closed", kind.name))
                    .at(header.to(span))
                    .label("its `{` has no `}`")
                    .hint("add a `}` where the block ends");
            if let Some(suspect) = self.suspect.take() {
                fault =
                    fault.see(suspect, "look here first: this `{` is closed by a `}` of another indentation");
            }
            self.diagnostics.push(fault);
        }
        body.blocks.push(Block { kind, labels, body: inner });
    }

    /// `{ name = value }` on one line holds a single attribute.
    fn one_line(&mut self, open: Token, inner: &mut Body) -> bool {
        if matches!(self.peek_kind(), K::Newline | K::End | K::CloseBrace) {
            return false;
        }
        let first = self.at;
        let before = std::mem::replace(&mut self.on_one_line, true);
        self.entries_until_line_end(inner);
        self.on_one_line = before;
        let count = inner.attributes.len() + inner.blocks.len();
        let close = self.peek();
        // Entries that a comma separates have been reported at the comma.
        let reported =
            self.diagnostics.0.last().is_some_and(|d| d.span.is_some_and(|s| s.start >= open.start));
        let ends_line = self.raw(self.at - 1).kind == K::Newline;
        if close.kind != K::CloseBrace || ends_line {
            // The block goes on: its first entry should have been on the next line.
            if close.kind != K::End && !(ends_line && reported) {
                let token = self.raw(first);
                self.diagnostics.push(
                    Diagnostic::error("syntax", "the first entry of a block has to be on a line of its own")
                        .at(self.span(token))
                        .hint("start a new line after `{`"),
                );
            }
            return false;
        }
        if count > 1 || !inner.blocks.is_empty() {
            let place = Span { end: close.end, ..self.span(open) };
            if !reported {
                self.diagnostics.push(
                    Diagnostic::error(
                        "syntax",
                        "a block on one line can hold one attribute and nothing else",
                    )
                    .at(place)
                    .hint("write each attribute and block on a line of its own"),
                );
            }
        }
        true
    }

    fn entries_until_line_end(&mut self, inner: &mut Body) {
        loop {
            match self.peek_kind() {
                K::Newline | K::CloseBrace | K::End => return,
                K::Identifier => {
                    let before = self.at;
                    self.entry(inner);
                    let ended_line = self.at > before && self.raw(self.at - 1).kind == K::Newline;
                    if ended_line {
                        return;
                    }
                }
                _ => {
                    self.unexpected("the name of an attribute or block");
                    self.skip_line(self.at);
                    return;
                }
            }
        }
    }

    pub(super) fn note_indentation(&mut self, open: Token, close: Token) {
        if self.suspect.is_none()
            && let Some(closing) = self.indentation(close.start, false)
            && self.indentation(open.start, true) != Some(closing)
        {
            self.suspect = Some(self.span(open));
        }
    }

    /// Steps over what is left of a broken entry that began at token `start`: to the end of its line, or of the line on which
    /// the brackets that it opened are closed, or to where a new entry plainly begins.
    fn skip_line(&mut self, start: usize) {
        let stopped = self.at;
        let mut open: Vec<K> = Vec::new();
        let mut index = start;
        loop {
            let kind = self.raw(index).kind;
            match kind {
                K::End => break,
                K::OpenBrace | K::OpenBracket | K::OpenParen | K::Interpolation | K::Directive => {
                    open.push(kind)
                }
                K::CloseBrace => {
                    // An interpolation whose end was forgotten is not ended by the brace of a block.
                    while matches!(open.last(), Some(K::Interpolation | K::Directive)) {
                        open.pop();
                    }
                    if open.pop().is_none() {
                        break;
                    }
                }
                K::CloseBracket | K::CloseParen | K::TemplateEnd => {
                    open.pop();
                }
                K::Newline => {
                    let over =
                        open.is_empty() || self.begins_entry(index + 1, open.last() == Some(&K::OpenBrace));
                    if over && index >= stopped && !self.continues_value(index + 1) {
                        break;
                    }
                    if over {
                        open.clear();
                    }
                }
                _ => {}
            }
            index += 1;
        }
        self.at = index.max(stopped);
    }

    /// Whether the line that begins at a token is plainly the rest of a value: it can begin no entry.
    fn continues_value(&self, index: usize) -> bool {
        match self.raw(index).kind {
            K::Identifier => matches!(self.raw(index + 1).kind, K::Dot | K::OpenParen),
            kind => matches!(
                kind,
                K::Number
                    | K::OpenBracket
                    | K::OpenParen
                    | K::Dot
                    | K::Question
                    | K::Colon
                    | K::Plus
                    | K::Star
                    | K::Slash
                    | K::And
                    | K::Or
                    | K::Equal
                    | K::NotEqual
                    | K::CloseBracket
                    | K::CloseParen
            ),
        }
    }

    /// Whether the line that begins at a token is plainly one of a body: `name = …` (which an object has as well), or
    /// `name "label" {`.
    fn begins_entry(&self, index: usize, in_object: bool) -> bool {
        if self.raw(index).kind != K::Identifier {
            return false;
        }
        let mut next = index + 1;
        if self.raw(next).kind == K::Assign {
            return !in_object;
        }
        while matches!(self.raw(next).kind, K::OpenQuote | K::QuotedText | K::CloseQuote | K::Identifier) {
            next += 1;
        }
        self.raw(next).kind == K::OpenBrace
    }

    /// Steps to the `}` of the block that is open.
    fn skip_to_close(&mut self) {
        let mut open = 0usize;
        loop {
            match self.raw(self.at).kind {
                K::End => return,
                K::OpenBrace => open += 1,
                K::CloseBrace if open == 0 => return,
                K::CloseBrace => open -= 1,
                _ => {}
            }
            self.at += 1;
        }
    }
}
