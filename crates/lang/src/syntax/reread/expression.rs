//! Expressions.

use value::{Number, Value};

use super::super::ast::{Call, Expr, ExprKind, Item, Step};
use super::super::token::{Token, TokenKind as K};
use super::Rereader;

/// Operators by precedence, the loosest first.
const LEVELS: [&[K]; 6] = [
    &[K::Or],
    &[K::And],
    &[K::Equal, K::NotEqual],
    &[K::Less, K::LessEqual, K::Greater, K::GreaterEqual],
    &[K::Plus, K::Minus],
    &[K::Star, K::Slash, K::Percent],
];

const FOR: &str = "Invalid 'for' expression";
const NAME: &str = "Invalid attribute name";

impl Rereader<'_> {
    pub(super) fn expression(&mut self) {
        let token = self.peek();
        if self.depth >= super::super::DEPTH_MAX {
            self.wrong(token, "Invalid expression", "this is nested too deep to be read");
            self.is_recovering = true;
            return;
        }
        self.depth += 1;
        self.conditional();
        self.depth -= 1;
    }

    fn conditional(&mut self) {
        let mark = self.mark();
        self.binary(0);
        if self.is_lost(mark) || self.peek_kind() != K::Question {
            return;
        }
        self.take();
        self.expression();
        if self.is_lost(mark) {
            return;
        }
        let colon = self.peek();
        if colon.kind != K::Colon {
            let why = "a conditional has `:` and a value where its condition is false";
            return self.tell(colon, "Missing false expression in conditional", why);
        }
        self.take();
        self.expression();
    }

    fn binary(&mut self, level: usize) {
        let Some(operators) = LEVELS.get(level) else { return self.operand() };
        let mark = self.mark();
        self.binary(level + 1);
        while !self.is_lost(mark) && operators.contains(&self.peek_kind()) {
            self.take();
            self.binary(level + 1);
        }
    }

    /// A value with the steps into it. Where a step is wrong, the name and the steps before it are left.
    fn operand(&mut self) {
        let first = self.peek();
        self.term();
        let mut plain = (first.kind == K::Identifier).then(Vec::new);
        loop {
            let mark = self.mark();
            match self.peek_kind() {
                K::Dot => {
                    self.take();
                    let token = self.peek();
                    if !self.after_dot(false) {
                        return;
                    }
                    match (&mut plain, token.kind) {
                        (Some(steps), K::Identifier) => {
                            steps.push(Step::Attribute(self.cursor.identifier(token)))
                        }
                        _ => plain = None,
                    }
                }
                K::OpenBracket => {
                    self.index();
                    if self.has_told(mark) {
                        return self.leave(first, plain);
                    }
                    plain = None;
                }
                _ => return,
            }
        }
    }

    /// Leaves a name with steps for what could not be read to its end.
    fn leave(&mut self, name: Token, steps: Option<Vec<Step>>) {
        let Some(steps) = steps else { return };
        let begin = name.start;
        let name = self.cursor.identifier(name);
        let source = Expr { kind: ExprKind::Name(name.name), span: name.span };
        let kind = match steps.is_empty() {
            true => source.kind,
            false => ExprKind::Traversal(Box::new(source), steps),
        };
        self.partial = Some((begin, kind));
    }

    /// What follows a dot. Answers whether more may follow.
    fn after_dot(&mut self, is_splat: bool) -> bool {
        let token = self.peek();
        match token.kind {
            K::Identifier | K::Number => {
                self.take();
                true
            }
            K::Star if is_splat => {
                self.wrong(token, "Nested splat expression not allowed", "`.*` cannot follow another `.*`");
                self.take();
                self.is_recovering = true;
                true
            }
            K::Star => {
                self.take();
                while self.peek_kind() == K::Dot {
                    self.take();
                    if !self.after_dot(true) {
                        return false;
                    }
                }
                true
            }
            _ => {
                self.tell(token, NAME, "a name stands behind a dot");
                self.is_recovering = true;
                false
            }
        }
    }

    /// `[key]` or `[*]`.
    fn index(&mut self) {
        self.take();
        self.with_lines(true, |this| {
            if this.peek_kind() == K::Star {
                this.take();
                let close = this.peek();
                if close.kind == K::CloseBracket {
                    this.take();
                    return;
                }
                this.wrong(
                    close,
                    "Missing close bracket on splat index",
                    "`[*]` has nothing behind the star",
                );
                this.recover(K::CloseBracket);
                return;
            }
            let mark = this.mark();
            this.expression();
            if this.is_lost(mark) {
                this.recover(K::CloseBracket);
                return;
            }
            let close = this.take();
            if close.kind != K::CloseBracket {
                let was_recovering = std::mem::replace(&mut this.is_recovering, true);
                let place = this.recover(K::CloseBracket);
                this.is_recovering = was_recovering;
                this.wrong(place, "Missing close bracket on index", "`]` ends an index");
                this.is_recovering = true;
            }
        });
    }

    fn term(&mut self) {
        let token = self.peek();
        match token.kind {
            K::OpenParen => self.parentheses(),
            K::Number => {
                self.take();
                if self.cursor.token_text(token).parse::<Number>().is_err() {
                    self.tell(token, "Invalid number literal", "this is no number");
                }
            }
            K::Identifier => {
                self.take();
                if matches!(self.peek_kind(), K::OpenParen | K::DoubleColon) {
                    self.call(token);
                }
            }
            K::OpenQuote => {
                self.take();
                self.template(token, K::CloseQuote);
            }
            K::OpenHeredoc => {
                self.take();
                self.template(token, K::CloseHeredoc);
            }
            K::Minus | K::Not => {
                self.take();
                self.deeper(token, Self::operand);
            }
            K::OpenBracket => self.tuple(),
            K::OpenBrace => self.object(),
            kind => {
                match kind {
                    K::End => {
                        self.wrong(token, "Missing expression", "the text ends where a value is expected")
                    }
                    _ => self.wrong(token, "Invalid expression", "a value is expected here"),
                }
                self.is_recovering = true;
            }
        }
    }

    fn deeper(&mut self, token: Token, rule: impl FnOnce(&mut Self)) {
        if self.depth >= super::super::DEPTH_MAX {
            self.wrong(token, "Invalid expression", "this is nested too deep to be read");
            self.is_recovering = true;
            return;
        }
        self.depth += 1;
        rule(self);
        self.depth -= 1;
    }

    fn parentheses(&mut self) {
        self.take();
        self.with_lines(true, |this| {
            let mark = this.mark();
            this.expression();
            if this.has_told(mark) {
                this.recover(K::CloseParen);
                return;
            }
            let close = this.peek();
            if close.kind != K::CloseParen {
                this.tell(close, "Unbalanced parentheses", "`)` ends what is between parentheses");
                this.is_recovering = true;
            }
            this.take();
        });
    }

    /// After a name, at `(` or `::`.
    fn call(&mut self, name: Token) {
        while self.peek_kind() == K::DoubleColon {
            self.take();
            let part = self.peek();
            if part.kind != K::Identifier {
                self.tell(part, "Missing function name", "the name of a function stands behind `::`");
                self.recover(K::CloseParen);
                return;
            }
            self.take();
        }
        let open = self.peek();
        if open.kind != K::OpenParen {
            self.tell(open, "Missing open parenthesis", "`(` follows the name of a function");
            self.recover(K::CloseParen);
            return;
        }
        self.take();
        let mut arguments = Vec::new();
        self.with_lines(true, |this| this.arguments(name, &mut arguments));
        let name = self.cursor.identifier(name);
        let begin = name.span.start;
        let call = Call { name, arguments, expand: false };
        self.partial = Some((begin, ExprKind::Call(Box::new(call))));
    }

    /// After `(`.
    fn arguments(&mut self, name: Token, arguments: &mut Vec<Expr>) {
        loop {
            if self.peek_kind() == K::CloseParen {
                self.take();
                return;
            }
            let mark = self.mark();
            arguments.push(self.value());
            if self.is_lost(mark) {
                self.recover(K::CloseParen);
                return;
            }
            let separator = self.take();
            match separator.kind {
                K::CloseParen => return,
                K::Comma => {}
                K::Ellipsis => {
                    if self.peek_kind() == K::CloseParen {
                        self.take();
                        return;
                    }
                    let why = "nothing but `)` follows `...`";
                    self.wrong(separator, "Missing closing parenthesis", why);
                    self.recover(K::CloseParen);
                    return;
                }
                K::End => {
                    self.tell(name, "Unterminated function call", "no parenthesis ends this call");
                    self.recover(K::CloseParen);
                    return;
                }
                _ => {
                    self.tell(separator, "Missing argument separator", "arguments are separated by commas");
                    self.recover(K::CloseParen);
                    return;
                }
            }
        }
    }

    fn tuple(&mut self) {
        let open = self.take();
        if self.with_lines(true, |this| this.is_word("for")) {
            return self.with_lines(true, |this| this.for_expression(open, K::CloseBracket));
        }
        let mut elements = Vec::new();
        self.with_lines(true, |this| this.elements(open, &mut elements));
        self.partial = Some((open.start, ExprKind::Tuple(elements)));
    }

    /// After `[`.
    fn elements(&mut self, open: Token, elements: &mut Vec<Expr>) {
        loop {
            if self.peek_kind() == K::CloseBracket {
                self.take();
                return;
            }
            let mark = self.mark();
            elements.push(self.value());
            if self.is_lost(mark) {
                self.recover(K::CloseBracket);
                return;
            }
            let next = self.peek();
            match next.kind {
                K::CloseBracket | K::Comma => {
                    self.take();
                    if next.kind == K::CloseBracket {
                        return;
                    }
                }
                K::End => {
                    let why = "no bracket ends this list";
                    self.wrong(open, "Unterminated tuple constructor expression", why);
                    self.recover(K::CloseBracket);
                    return;
                }
                _ => {
                    self.wrong(next, "Missing item separator", "elements are separated by commas");
                    self.recover(K::CloseBracket);
                    return;
                }
            }
        }
    }

    fn object(&mut self) {
        let open = self.take();
        if self.with_lines(true, |this| this.is_word("for")) {
            return self.with_lines(true, |this| this.for_expression(open, K::CloseBrace));
        }
        let mut items = Vec::new();
        self.with_lines(false, |this| this.items(open, &mut items));
        self.partial = Some((open.start, ExprKind::Object(items)));
    }

    /// After `{`.
    fn items(&mut self, open: Token, items: &mut Vec<Item>) {
        const UNTERMINATED: &str = "Unterminated object constructor expression";
        const SEPARATOR: &str = "Missing key/value separator";
        loop {
            match self.peek_kind() {
                K::Newline => {
                    self.take();
                    continue;
                }
                K::CloseBrace => {
                    self.take();
                    return;
                }
                _ => {}
            }
            let mark = self.mark();
            let key = self.key();
            if self.is_lost(mark) {
                self.recover(K::CloseBrace);
                return;
            }
            let next = self.peek();
            if !matches!(next.kind, K::Assign | K::Colon) {
                match next.kind {
                    K::Newline | K::Comma => {
                        self.wrong(next, "Missing attribute value", "`=` and a value follow a key");
                    }
                    K::End => self.wrong(open, UNTERMINATED, "no brace ends this object"),
                    _ => self.wrong(next, SEPARATOR, "`=` and a value follow a key"),
                }
                self.recover(K::CloseBrace);
                return;
            }
            self.take();
            let value = self.value();
            if self.is_lost(mark) {
                self.recover(K::CloseBrace);
                return;
            }
            items.push(Item { key, value });
            let next = self.peek();
            match next.kind {
                K::CloseBrace => {
                    self.take();
                    return;
                }
                K::Comma | K::Newline => {
                    self.take();
                }
                kind => {
                    match kind {
                        K::End => self.wrong(open, UNTERMINATED, "no brace ends this object"),
                        _ => {
                            let why = "attributes of an object are separated by lines or commas";
                            self.wrong(next, "Missing attribute separator", why);
                        }
                    }
                    self.recover(K::CloseBrace);
                    return;
                }
            }
        }
    }

    /// A key of an object: a bare name is text.
    fn key(&mut self) -> Expr {
        let mut key = self.value();
        if let ExprKind::Name(name) = &key.kind {
            key.kind = ExprKind::Literal(Value::string(name.clone()));
        }
        key
    }

    /// At `for`.
    fn for_expression(&mut self, open: Token, end: K) {
        self.take();
        if let Err(()) = self.for_intro(FOR) {
            self.recover(end);
            return;
        }
        let colon = self.peek();
        if colon.kind != K::Colon {
            self.wrong(colon, FOR, "`:` follows the collection");
            self.recover(end);
            return;
        }
        self.take();
        let mark = self.mark();
        self.expression();
        if self.is_lost(mark) {
            self.recover(end);
            return;
        }
        let mut has_key = false;
        if self.peek_kind() == K::Arrow {
            has_key = true;
            self.take();
            self.expression();
            if self.is_lost(mark) {
                self.recover(end);
                return;
            }
        }
        let is_grouping = self.peek_kind() == K::Ellipsis;
        if is_grouping {
            self.take();
        }
        if self.is_word("if") {
            self.take();
            self.expression();
            if self.is_lost(mark) {
                self.recover(end);
                return;
            }
        }
        let close = self.peek();
        if close.kind == end {
            self.take();
        } else {
            self.wrong(close, FOR, "something follows the end of the expression");
            self.recover(end);
        }
        match (end, has_key) {
            (K::CloseBracket, true) => self.tell(open, FOR, "a list has no keys"),
            (K::CloseBracket, false) if is_grouping => {
                self.tell(open, FOR, "only values under keys are grouped")
            }
            (K::CloseBrace, false) => self.tell(open, FOR, "an object needs `key => value`"),
            _ => {}
        }
    }

    /// `k, v in collection`, behind `for`.
    pub(super) fn for_intro(&mut self, summary: &'static str) -> Result<(), ()> {
        for _ in 0..2 {
            let name = self.peek();
            if name.kind != K::Identifier {
                self.wrong(name, summary, "names follow `for`");
                return Err(());
            }
            self.take();
            if self.peek_kind() != K::Comma {
                break;
            }
            self.take();
        }
        if !self.is_word("in") {
            let token = self.peek();
            self.wrong(token, summary, "`in` follows the names");
            return Err(());
        }
        self.take();
        let mark = self.mark();
        self.expression();
        if self.is_lost(mark) { Err(()) } else { Ok(()) }
    }
}
