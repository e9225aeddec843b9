//! What may follow a value: attributes, indexes, splats; and calls.

use diag::{Diagnostic, Span};
use value::Number;

use super::ast::{Call, Expr, ExprKind, Identifier, Step};
use super::cursor::{Cursor, Read};
use super::token::{Token, TokenKind as K};

impl Cursor<'_> {
    pub(super) fn postfix(&mut self) -> Read<Expr> {
        let mut source = self.primary()?;
        if let ExprKind::Name(_) = source.kind
            && matches!(self.peek_kind(), K::OpenParen | K::DoubleColon)
        {
            source = self.call(&source)?;
        }
        let steps = self.steps(false)?;
        if steps.is_empty() {
            return Ok(source);
        }
        let span = self.since(source.span);
        Ok(Expr { kind: ExprKind::Traversal(Box::new(source), steps), span })
    }

    /// Steps; after `.*` only attributes and legacy indexes belong to each element.
    fn steps(&mut self, attributes_only: bool) -> Read<Vec<Step>> {
        let mut steps = Vec::new();
        loop {
            match self.peek_kind() {
                K::Dot => {
                    let dot = self.take();
                    let next = self.peek();
                    match next.kind {
                        K::Identifier => {
                            self.take();
                            steps.push(Step::Attribute(self.identifier(next)));
                        }
                        K::Number => {
                            self.no_second_legacy_index(&steps, next)?;
                            self.take();
                            let number = self.token_text(next).parse::<Number>();
                            steps.push(Step::LegacyIndex(
                                number.unwrap_or_else(|_| Number::from(0i64)),
                                self.span(next),
                            ));
                        }
                        K::Star if attributes_only => {
                            let span = self.span(dot).to(self.span(next));
                            return Err(self.report(
                                Diagnostic::error("syntax", "`.*` cannot follow another `.*`")
                                    .at(span)
                                    .hint("use `[*]`, which can"),
                            ));
                        }
                        K::Star => {
                            self.take();
                            let span = self.span(dot).to(self.span(next));
                            let inner = self.deeper(|cursor| cursor.steps(true))?;
                            steps.push(Step::Splat { full: false, steps: inner, span });
                        }
                        _ => return Err(self.unexpected("the name of an attribute")),
                    }
                }
                K::OpenBracket if attributes_only => return Ok(steps),
                K::OpenBracket => steps.push(self.bracket()?),
                _ => return Ok(steps),
            }
        }
    }

    /// `a.0.1` is not taken by Terraform either, whose lexer sees a fraction there.
    fn no_second_legacy_index(&mut self, steps: &[Step], next: Token) -> Read<()> {
        let Some(Step::LegacyIndex(_, first)) = steps.last() else { return Ok(()) };
        let span = first.to(self.span(next));
        let text = |span: Span| self.text.get(span.start as usize..span.end as usize).unwrap_or("");
        let (first, second) = (text(*first), self.token_text(next));
        Err(self.report(
            Diagnostic::error("legacy-index", "two indexes in a row are not written with dots")
                .at(span)
                .hint(format!("write `[{first}][{second}]`")),
        ))
    }

    /// `[key]` or `[*]`.
    fn bracket(&mut self) -> Read<Step> {
        let open = self.take();
        self.with_lines(true, |cursor| {
            if cursor.peek_kind() == K::Star && cursor.second_kind() == K::CloseBracket {
                cursor.take();
                let close = cursor.take();
                return Ok((cursor.span(open).to(cursor.span(close)), None));
            }
            let key = cursor.expression()?;
            match cursor.accept(K::CloseBracket) {
                Some(close) => Ok((cursor.span(open).to(cursor.span(close)), Some(key))),
                None => Err(cursor.unclosed(open, "]")),
            }
        })
        .and_then(|(span, key)| match key {
            Some(key) => Ok(Step::Index(key, span)),
            None => {
                let steps = self.deeper(|cursor| cursor.steps(false))?;
                Ok(Step::Splat { full: true, steps, span })
            }
        })
    }

    /// After a name, at `(` or `::`.
    fn call(&mut self, name: &Expr) -> Read<Expr> {
        let mut span = name.span;
        let mut name = match &name.kind {
            ExprKind::Name(first) => first.clone(),
            _ => return Err(self.unexpected("the name of a function")),
        };
        while self.accept(K::DoubleColon).is_some() {
            let Some(part) = self.accept(K::Identifier) else {
                return Err(self.unexpected("the name of a function"));
            };
            name = format!("{name}::{}", self.token_text(part)).into();
            span = span.to(self.span(part));
        }
        let name = Identifier { name, span };
        if self.peek_kind() != K::OpenParen {
            return Err(self.unexpected("`(`"));
        }
        let open = self.take();
        let mut call = Call { name, arguments: Vec::new(), expand: false };
        let close = self.with_lines(true, |cursor| {
            loop {
                if let Some(close) = cursor.accept(K::CloseParen) {
                    return Ok(close);
                }
                if matches!(cursor.peek_kind(), K::End | K::CloseBrace) {
                    return Err(cursor.unclosed(open, ")"));
                }
                call.arguments.push(cursor.expression()?);
                if cursor.accept(K::Ellipsis).is_some() {
                    call.expand = true;
                    cursor.accept(K::Comma);
                    return match cursor.accept(K::CloseParen) {
                        Some(close) => Ok(close),
                        None => Err(cursor.unclosed(open, ")")),
                    };
                }
                cursor.separator(open, K::CloseParen, ")")?;
            }
        })?;
        let span = span.to(self.span(close));
        Ok(Expr { kind: ExprKind::Call(Box::new(call)), span })
    }
}
