//! Expressions: precedence, conditionals, primaries. Steps into values and calls are in `postfix`, strings in `template`.

use diag::{Diagnostic, Span};
use value::{Number, Type, Value};

use super::ast::{Expr, ExprKind, For, Item, Operator, Part};
use super::cursor::{Cursor, Read};
use super::token::{Token, TokenKind as K};

/// Operators by precedence, the loosest first.
const LEVELS: [&[(K, Operator)]; 6] = [
    &[(K::Or, Operator::Or)],
    &[(K::And, Operator::And)],
    &[(K::Equal, Operator::Equal), (K::NotEqual, Operator::NotEqual)],
    &[
        (K::Less, Operator::Less),
        (K::LessEqual, Operator::LessEqual),
        (K::Greater, Operator::Greater),
        (K::GreaterEqual, Operator::GreaterEqual),
    ],
    &[(K::Plus, Operator::Add), (K::Minus, Operator::Subtract)],
    &[(K::Star, Operator::Multiply), (K::Slash, Operator::Divide), (K::Percent, Operator::Modulo)],
];

impl Cursor<'_> {
    /// An expression that is a text as a whole.
    pub(super) fn whole_expression(&mut self) -> Expr {
        let start = {
            let token = self.peek();
            self.span(token)
        };
        match self.expression() {
            Ok(expr) => {
                if self.peek_kind() != K::End {
                    self.unexpected("the end of the expression");
                }
                expr
            }
            Err(_) => self.broken(start),
        }
    }

    pub(super) fn expression(&mut self) -> Read<Expr> {
        self.deeper(Self::conditional)
    }

    fn conditional(&mut self) -> Read<Expr> {
        let condition = self.binary(0)?;
        if self.accept(K::Question).is_none() {
            return Ok(condition);
        }
        let then = self.expression()?;
        if self.accept(K::Colon).is_none() {
            let token = self.peek();
            let found = self.found(token);
            return Err(self.report(
                Diagnostic::error("syntax", format!("the conditional has no `:` before {found}"))
                    .at(condition.span.to(then.span))
                    .hint("a conditional is written `condition ? value_if_true : value_if_false`"),
            ));
        }
        let otherwise = self.expression()?;
        let span = condition.span.to(otherwise.span);
        Ok(Expr { kind: ExprKind::Conditional(Box::new([condition, then, otherwise])), span })
    }

    fn binary(&mut self, level: usize) -> Read<Expr> {
        let Some(operators) = LEVELS.get(level) else { return self.unary() };
        let first = self.binary(level + 1)?;
        let mut rest = Vec::new();
        loop {
            let kind = self.peek_kind();
            let Some((_, operator)) = operators.iter().find(|(k, _)| *k == kind) else { break };
            self.take();
            rest.push((*operator, self.binary(level + 1)?));
        }
        let Some((_, last)) = rest.last() else { return Ok(first) };
        let span = first.span.to(last.span);
        Ok(Expr { kind: ExprKind::Binary(Box::new(first), rest), span })
    }

    fn unary(&mut self) -> Read<Expr> {
        let kind = self.peek_kind();
        if !matches!(kind, K::Minus | K::Not) {
            return self.postfix();
        }
        let sign = self.take();
        let operand = self.deeper(Self::unary)?;
        let span = self.span(sign).to(operand.span);
        let kind = match (kind, &operand.kind) {
            (K::Not, _) => ExprKind::Not(Box::new(operand)),
            // A negative number is one literal, so that a type constraint's default and a label's number are plain.
            (_, ExprKind::Literal(v)) if v.as_number().is_some() => {
                let number = v.as_number().map_or_else(|| Number::from(0i64), Number::negate);
                ExprKind::Literal(Value::number(number))
            }
            _ => ExprKind::Negate(Box::new(operand)),
        };
        Ok(Expr { kind, span })
    }

    /// A value that begins with a token of its own.
    pub(super) fn primary(&mut self) -> Read<Expr> {
        let token = self.peek();
        let span = self.span(token);
        let literal = |value| Ok(Expr { kind: ExprKind::Literal(value), span });
        match token.kind {
            K::Number => {
                self.take();
                match self.token_text(token).parse::<Number>() {
                    Ok(number) => literal(Value::number(number)),
                    Err(_) => Err(self.wrong_number(token)),
                }
            }
            K::Identifier => {
                self.take();
                match self.token_text(token) {
                    "true" => literal(Value::bool(true)),
                    "false" => literal(Value::bool(false)),
                    "null" => literal(Value::null(Type::Dynamic)),
                    text => {
                        let name = self.name(text);
                        Ok(Expr { kind: ExprKind::Name(name), span })
                    }
                }
            }
            K::OpenQuote => {
                self.take();
                self.string(token)
            }
            K::OpenHeredoc => {
                self.take();
                self.heredoc(token)
            }
            K::OpenParen => self.parentheses(),
            K::OpenBracket => self.tuple(),
            K::OpenBrace => self.object(),
            K::Invalid => self.wrong_quotes(token),
            _ => Err(self.no_expression(token)),
        }
    }

    fn wrong_number(&mut self, token: Token) -> super::cursor::Reported {
        let is_twice = |sign: char| self.token_text(token).to_ascii_lowercase().matches(sign).count() > 1;
        let message = match (is_twice('.'), is_twice('e')) {
            (false, false) => "this number has too large an exponent",
            _ => "a number has one fraction and one exponent at most",
        };
        self.report(Diagnostic::error("invalid-number", message).at(self.span(token)))
    }

    fn no_expression(&mut self, token: Token) -> super::cursor::Reported {
        let place = self.after_last();
        let found = self.found(token);
        let (span, hint) = match token.kind {
            K::Newline => (
                place,
                "write a value; an expression may go on over several lines only inside parentheses or brackets",
            ),
            K::End => (place, "write a value"),
            K::Less => (self.span(token), "a heredoc begins with `<<WORD` and nothing else on its line"),
            _ => (self.span(token), "write a value here"),
        };
        self.report(
            Diagnostic::error("missing-expression", format!("a value is missing before {found}"))
                .at(span)
                .hint(hint),
        )
    }

    /// Text between quotes that are not the language's: said, and read as if they were.
    pub(super) fn wrong_quotes(&mut self, token: Token) -> Read<Expr> {
        let quote = self.token_text(token);
        let closing: &[char] = match quote {
            "'" => &['\''],
            "`" => &['`', '\''],
            "\u{201c}" | "\u{201d}" | "\u{201e}" => &['\u{201c}', '\u{201d}'],
            "\u{2018}" | "\u{2019}" => &['\u{2018}', '\u{2019}'],
            _ => return Err(self.unexpected("a value")),
        };
        let inner_start = token.end as usize;
        let rest = self.text.get(inner_start..).unwrap_or("");
        let line = rest.lines().next().unwrap_or("");
        let Some(length) = line.find(closing) else {
            return Err(self.unexpected("a value"));
        };
        let inner = line.get(..length).unwrap_or("");
        let close_length = line.get(length..).and_then(|r| r.chars().next()).map_or(1, char::len_utf8);
        let end = u32::try_from(inner_start + length + close_length).unwrap_or(u32::MAX);
        let span = Span { end, ..self.span(token) };
        self.diagnostics.push(
            Diagnostic::error("wrong-quotes", "text is written between straight double quotes")
                .at(span)
                .hint(format!("write `\"{inner}\"`")),
        );
        while self.raw(self.at).start < end && self.raw(self.at).kind != K::End {
            self.at += 1;
        }
        Ok(Expr { kind: ExprKind::Literal(Value::string(inner)), span })
    }

    fn parentheses(&mut self) -> Read<Expr> {
        let open = self.take();
        let inner = self.with_lines(true, Self::expression)?;
        self.with_lines(true, |cursor| match cursor.accept(K::CloseParen) {
            Some(close) => {
                let span = cursor.span(open).to(cursor.span(close));
                Ok(Expr { kind: ExprKind::Parens(Box::new(inner)), span })
            }
            None => Err(cursor.unclosed(open, ")")),
        })
    }

    /// A bracket without its end; the place is the opening one, and what was found instead is shown too.
    pub(super) fn unclosed(&mut self, open: Token, wanted: &str) -> super::cursor::Reported {
        let token = self.peek();
        let found = self.found(token);
        let sign = self.token_text(open).trim_end();
        let mut fault = Diagnostic::error(
            "unclosed-bracket",
            format!("`{sign}` is not closed: `{wanted}` is missing before {found}"),
        )
        .at(self.span(open))
        .label(format!("closed by no `{wanted}`"));
        if token.kind != K::End {
            fault = fault.see(self.span(token), format!("`{wanted}` or `,` is expected before this"));
        }
        self.report(fault)
    }

    fn tuple(&mut self) -> Read<Expr> {
        let open = self.take();
        self.with_lines(true, |cursor| {
            let next = cursor.peek();
            if cursor.token_text(next) == "for"
                && next.kind == K::Identifier
                && cursor.second_kind() == K::Identifier
            {
                return cursor.for_expression(open, false);
            }
            let mut elements = Vec::new();
            loop {
                if let Some(close) = cursor.accept(K::CloseBracket) {
                    let span = cursor.span(open).to(cursor.span(close));
                    return Ok(Expr { kind: ExprKind::Tuple(elements), span });
                }
                if matches!(cursor.peek_kind(), K::End | K::CloseBrace) {
                    return Err(cursor.unclosed(open, "]"));
                }
                elements.push(cursor.expression()?);
                cursor.separator(open, K::CloseBracket, "]")?;
            }
        })
    }

    /// `,` between elements or arguments; a forgotten one is reported and passed over.
    pub(super) fn separator(&mut self, open: Token, close: K, sign: &str) -> Read<()> {
        let place = self.after_last();
        let kind = self.peek_kind();
        if kind == K::Comma {
            self.take();
            return Ok(());
        }
        if kind == close {
            return Ok(());
        }
        let begins_value =
            matches!(kind, K::OpenQuote | K::Number | K::Identifier | K::OpenBrace | K::OpenBracket);
        // A line `name = …` is an attribute of the block around: the bracket was not closed before it.
        if !begins_value || self.second_kind() == K::Assign {
            return Err(self.unclosed(open, sign));
        }
        self.diagnostics.push(
            Diagnostic::error("missing-comma", "a comma is missing between two elements")
                .at(place)
                .label("`,` is expected here"),
        );
        Ok(())
    }

    fn object(&mut self) -> Read<Expr> {
        let open = self.take();
        let next = self.with_lines(true, Self::peek);
        let is_for = self.token_text(next) == "for"
            && next.kind == K::Identifier
            && self.with_lines(true, Self::second_kind) == K::Identifier;
        if is_for {
            return self.with_lines(true, |cursor| cursor.for_expression(open, true));
        }
        self.with_lines(false, |cursor| {
            let mut items = Vec::new();
            loop {
                while cursor.accept(K::Newline).is_some() {}
                if let Some(close) = cursor.accept(K::CloseBrace) {
                    cursor.note_indentation(open, close);
                    let span = cursor.span(open).to(cursor.span(close));
                    return Ok(Expr { kind: ExprKind::Object(items), span });
                }
                if cursor.peek_kind() == K::End {
                    cursor.unbalanced = true;
                    return Err(cursor.unclosed(open, "}"));
                }
                items.push(cursor.item(open)?);
            }
        })
    }

    fn item(&mut self, open: Token) -> Read<Item> {
        let token = self.peek();
        let is_name = token.kind == K::Identifier && matches!(self.second_kind(), K::Assign | K::Colon);
        let key = if is_name {
            self.take();
            let name = self.name(self.token_text(token));
            Expr { kind: ExprKind::Literal(Value::string(name)), span: self.span(token) }
        } else {
            let before = self.at;
            let key = self.expression()?;
            // `port "http" {` inside an object: the object's end was forgotten, or a block was written inside it.
            let is_block = matches!(key.kind, ExprKind::Name(_))
                && matches!(self.peek_kind(), K::OpenQuote | K::OpenBrace)
                && self.raw(before).kind == K::Identifier;
            if is_block {
                let span = key.span;
                return Err(self.report(
                    Diagnostic::error("unclosed-brace", "a block cannot be inside an object")
                        .at(span)
                        .label("a block begins here")
                        .see(self.span(open), "the object begins here")
                        .hint("close the object with `}` before the block, or give the value with `=`"),
                ));
            }
            key
        };
        if self.accept(K::Assign).is_none() && self.accept(K::Colon).is_none() {
            return Err(self.unexpected("`=`"));
        }
        let value = self.expression()?;
        match self.peek_kind() {
            K::Comma | K::Newline => {
                self.take();
            }
            K::CloseBrace | K::End => {}
            K::Identifier | K::OpenQuote => {
                let place = self.after_last();
                self.diagnostics.push(
                    Diagnostic::error("missing-comma", "a comma is missing between two items of the object")
                        .at(place)
                        .label("`,` or a new line is expected here"),
                );
            }
            _ => return Err(self.unexpected("`,` or the end of the line")),
        }
        Ok(Item { key, value })
    }

    /// After `[` or `{`, at `for`.
    fn for_expression(&mut self, open: Token, is_object: bool) -> Read<Expr> {
        self.take();
        let (key_name, value_name, collection) = self.for_intro()?;
        if self.accept(K::Colon).is_none() {
            return Err(self.unexpected("`:`"));
        }
        let first = self.expression()?;
        let (key, value) = if is_object {
            if self.accept(K::Arrow).is_none() {
                let place = self.after_last();
                return Err(self.report(
                    Diagnostic::error("syntax", "a `for` between braces needs `key => value`")
                        .at(place)
                        .label("`=>` is expected here")
                        .hint("write `{ for k, v in map : k => v }`, or `[for …]` for a list"),
                ));
            }
            (Some(first), self.expression()?)
        } else {
            (None, first)
        };
        let group = is_object && self.accept(K::Ellipsis).is_some();
        let next = self.peek();
        let condition = if next.kind == K::Identifier && self.token_text(next) == "if" {
            self.take();
            Some(self.expression()?)
        } else {
            None
        };
        let (close, sign) = if is_object { (K::CloseBrace, "}") } else { (K::CloseBracket, "]") };
        if self.peek_kind() == K::Arrow {
            let place = self.peek();
            let span = self.span(place);
            return Err(self.report(
                Diagnostic::error("syntax", "a `for` between brackets makes a list, which has no keys")
                    .at(span)
                    .hint("write it between braces: `{ for k, v in map : k => v }`"),
            ));
        }
        let Some(end) = self.accept(close) else { return Err(self.unclosed(open, sign)) };
        let span = self.span(open).to(self.span(end));
        let for_ = For { key_name, value_name, collection, key, value, condition, group };
        Ok(Expr { kind: ExprKind::For(Box::new(for_)), span })
    }

    /// `k, v in collection`.
    pub(super) fn for_intro(&mut self) -> Read<(Option<super::Identifier>, super::Identifier, Expr)> {
        let Some(first) = self.accept(K::Identifier) else { return Err(self.unexpected("a name")) };
        let first = self.identifier(first);
        let second = match self.accept(K::Comma) {
            Some(_) => match self.accept(K::Identifier) {
                Some(token) => Some(self.identifier(token)),
                None => return Err(self.unexpected("a name")),
            },
            None => None,
        };
        let word = self.peek();
        if self.token_text(word) != "in" {
            return Err(self.unexpected("`in`"));
        }
        self.take();
        let collection = self.expression()?;
        let (key, value) = match second {
            Some(value) => (Some(first), value),
            None => (None, first),
        };
        Ok((key, value, collection))
    }

    /// What is between quotes or in a heredoc, as one expression.
    pub(super) fn parts_to_expr(mut parts: Vec<Part>, span: Span) -> Expr {
        let kind = match parts.len() {
            0 => ExprKind::Literal(Value::string("")),
            1 => match parts.remove(0) {
                Part::Text(text) => ExprKind::Literal(Value::string(text)),
                Part::Value(expr) => ExprKind::Wrap(Box::new(expr)),
                part => ExprKind::Template(vec![part]),
            },
            _ => ExprKind::Template(parts),
        };
        Expr { kind, span }
    }
}
