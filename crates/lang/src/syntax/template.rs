//! Strings and heredocs: escapes, interpolations, directives, trimming by `~`, and the indentation of `<<-`.
//!
//! A template is read flat first, because `~` and `<<-` work on neighbours without regard to nesting, and is nested then.

use diag::{Diagnostic, Span};

use super::ast::{Expr, Identifier, Part};
use super::cursor::{Cursor, Read, Reported};
use super::token::{Token, TokenKind as K};

/// How deep directives of one template may be nested.
const DIRECTIVES_MAX: usize = 50;

/// A piece of a template before nesting.
enum Piece {
    Text(String),
    Value(Expr),
    If(Expr, Span),
    Else(Span),
    EndIf(Span),
    For(Option<Identifier>, Identifier, Expr, Span),
    EndFor(Span),
}

/// A directive that is open, and what was before it.
struct Open {
    piece: Piece,
    before: Vec<Part>,
    /// The parts of `then`, once `else` has come.
    then: Option<Vec<Part>>,
}

impl Cursor<'_> {
    /// A text that is a template as a whole.
    pub(super) fn whole_template(&mut self) -> Expr {
        let span =
            Span { file: self.file, start: 0, end: u32::try_from(self.text.len()).unwrap_or(u32::MAX) };
        let parts = self.pieces(false).and_then(|pieces| self.nest(pieces));
        match parts {
            Ok(parts) => Self::parts_to_expr(parts, span),
            Err(_) => self.broken(span),
        }
    }

    /// After the opening quote.
    pub(super) fn string(&mut self, open: Token) -> Read<Expr> {
        let start = self.span(open);
        // Nearly every string is one piece of text.
        let (first, second) = (self.raw(self.at), self.raw(self.at + 1));
        if first.kind == K::QuotedText
            && second.kind == K::CloseQuote
            && !self.token_text(first).contains(['\\', '$', '%'])
        {
            self.at += 2;
            let name = self.name(self.token_text(first));
            return Ok(Self::parts_to_expr(vec![Part::Text(name)], start.to(self.span(second))));
        }
        let Ok(pieces) = self.pieces(true) else { return self.skip_string(start) };
        let Some(close) = self.raw_accept(K::CloseQuote) else { return Err(self.unclosed_string(start)) };
        let span = start.to(self.span(close));
        match self.nest(pieces) {
            Ok(parts) => Ok(Self::parts_to_expr(parts, span)),
            Err(_) => Ok(self.broken(span)),
        }
    }

    /// After a fault inside a string: goes on behind its closing quote, if that is on the same line.
    fn skip_string(&mut self, start: Span) -> Read<Expr> {
        let mut open = 1usize;
        let mut index = self.at;
        // The fault may have been found behind quotes of an inner string; those before the place are counted as well.
        let mut before = index;
        while before > 0 && self.raw(before - 1).start > start.start {
            before -= 1;
            match self.raw(before).kind {
                K::OpenQuote => open += 1,
                K::CloseQuote => open -= open.min(1),
                _ => {}
            }
        }
        loop {
            let token = self.raw(index);
            match token.kind {
                K::Newline | K::End => return Err(Reported),
                K::OpenQuote => open += 1,
                K::CloseQuote if open <= 1 => {
                    self.at = index + 1;
                    return Ok(self.broken(start.to(self.span(token))));
                }
                K::CloseQuote => open -= 1,
                _ => {}
            }
            index += 1;
        }
    }

    fn unclosed_string(&mut self, start: Span) -> Reported {
        let end = self.after_last();
        self.report(
            Diagnostic::error("unclosed-string", "this text has no closing quote")
                .at(start.to(end))
                .hint("add `\"` at its end; text over several lines is written as a heredoc: <<EOT"),
        )
    }

    /// After `<<WORD`.
    pub(super) fn heredoc(&mut self, open: Token) -> Read<Expr> {
        let start = self.span(open);
        let intro = self.token_text(open).trim_end();
        let flush = intro.starts_with("<<-");
        let word = intro.trim_start_matches(['<', '-']);
        let intro_span = Span { end: start.start + u32::try_from(intro.len()).unwrap_or(0), ..start };
        let mut pieces = self.pieces(false)?;
        let Some(close) = self.raw_accept(K::CloseHeredoc) else {
            self.unbalanced = true;
            return Err(self.report(
                Diagnostic::error("unclosed-heredoc", format!("this heredoc is not ended by `{word}`"))
                    .at(intro_span)
                    .hint(format!("write `{word}` alone on a line where the text ends")),
            ));
        };
        if flush {
            remove_indentation(&mut pieces);
        }
        let parts = self.nest(pieces)?;
        Ok(Self::parts_to_expr(parts, intro_span.to(self.span(close))))
    }

    /// Template text is never skipped over as blanks are: the next token as it stands.
    fn raw_accept(&mut self, kind: K) -> Option<Token> {
        let token = self.raw(self.at);
        (token.kind == kind).then(|| {
            self.at += 1;
            token
        })
    }

    /// Pieces up to what ends the template, which is not taken; `~` is done.
    fn pieces(&mut self, quoted: bool) -> Read<Vec<Piece>> {
        let mut pieces = Vec::new();
        let mut trim_next = false;
        loop {
            let token = self.raw(self.at);
            match token.kind {
                K::QuotedText | K::HeredocText => {
                    self.at += 1;
                    let text = if quoted { self.unescape(token) } else { self.plain_text(token) };
                    let text =
                        if std::mem::take(&mut trim_next) { text.trim_start().to_owned() } else { text };
                    pieces.push(Piece::Text(text));
                }
                K::Interpolation | K::Directive => {
                    self.at += 1;
                    if self.token_text(token).ends_with('~')
                        && let Some(Piece::Text(text)) = pieces.last_mut()
                    {
                        text.truncate(text.trim_end().len());
                    }
                    let (piece, trim) = self.with_lines(true, |cursor| {
                        cursor.deeper(|cursor| {
                            let piece = match token.kind {
                                K::Interpolation => Piece::Value(cursor.interpolation(token)?),
                                _ => cursor.directive(token)?,
                            };
                            Ok((piece, cursor.template_end(token)?))
                        })
                    })?;
                    pieces.push(piece);
                    trim_next = trim;
                }
                _ => return Ok(pieces),
            }
        }
    }

    fn interpolation(&mut self, open: Token) -> Read<Expr> {
        if self.peek_kind() == K::TemplateEnd {
            let end = self.peek();
            let span = self.span(open).to(self.span(end));
            return Err(self.report(
                Diagnostic::error("missing-expression", "this interpolation is empty")
                    .at(span)
                    .hint("write a value between the braces, or `$${` for the signs themselves"),
            ));
        }
        self.expression()
    }

    /// The end of an interpolation or directive, and whether it trims what follows.
    fn template_end(&mut self, open: Token) -> Read<bool> {
        match self.accept(K::TemplateEnd) {
            Some(token) => Ok(self.token_text(token).starts_with('~')),
            None => {
                let (sign, token) = (self.token_text(open).trim_end_matches('~'), self.peek());
                let between = self.after_last().end as usize..token.start as usize;
                let over = self.text.get(between).is_some_and(|blank| blank.contains('\n'));
                let found = if over { K::Newline.describe().to_owned() } else { self.found(token) };
                Err(self.report(
                    Diagnostic::error(
                        "unclosed-interpolation",
                        format!("`{sign}` is not closed: `}}` is missing before {found}"),
                    )
                    .at(self.span(open))
                    .label("closed by no `}`")
                    .hint(
                        "write `}` after the value; for the signs themselves, write the first of them twice",
                    ),
                ))
            }
        }
    }

    fn directive(&mut self, open: Token) -> Read<Piece> {
        let token = self.take();
        let word = self.token_text(token);
        let span = self.span(open).to(self.span(token));
        Ok(match word {
            "if" => Piece::If(self.expression()?, span),
            "else" => Piece::Else(span),
            "endif" => Piece::EndIf(span),
            "for" => {
                let (key, value, collection) = self.for_intro()?;
                Piece::For(key, value, collection, span)
            }
            "endfor" => Piece::EndFor(span),
            _ => {
                let mut fault =
                    Diagnostic::error("unknown-directive", format!("there is no directive `{word}`"))
                        .at(self.span(token));
                fault = match diag::closest(word, ["if", "else", "endif", "for", "endfor"]) {
                    Some(meant) => fault.hint(format!("did you mean `{meant}`?")),
                    None => fault.hint("the directives are `if`, `else`, `endif`, `for` and `endfor`; write `%%{` for the signs"),
                };
                return Err(self.report(fault));
            }
        })
    }

    /// The pieces as a tree.
    fn nest(&mut self, pieces: Vec<Piece>) -> Read<Vec<Part>> {
        let mut open: Vec<Open> = Vec::new();
        let mut parts: Vec<Part> = Vec::new();
        let mut text = String::new();
        for piece in pieces {
            if let Piece::Text(more) = &piece {
                text.push_str(more);
                continue;
            }
            flush_text(&mut text, &mut parts);
            match piece {
                Piece::Text(_) => {}
                Piece::Value(expr) => parts.push(Part::Value(expr)),
                Piece::If(_, span) | Piece::For(_, _, _, span) if open.len() >= DIRECTIVES_MAX => {
                    let message = format!("directives are nested more than {DIRECTIVES_MAX} levels deep");
                    return Err(self.report(Diagnostic::error("too-deep", message).at(span)));
                }
                Piece::If(..) | Piece::For(..) => {
                    open.push(Open { piece, before: std::mem::take(&mut parts), then: None });
                }
                Piece::Else(span) => match open.last_mut() {
                    Some(Open { piece: Piece::If(..), then: then @ None, .. }) => {
                        *then = Some(std::mem::take(&mut parts));
                    }
                    _ => return Err(self.stray(span, "else", "if")),
                },
                Piece::EndIf(span) => match open.pop() {
                    Some(Open { piece: Piece::If(condition, _), mut before, then }) => {
                        let last = std::mem::take(&mut parts);
                        let (then, otherwise) = match then {
                            Some(then) => (then, last),
                            None => (last, Vec::new()),
                        };
                        before.push(Part::If { condition, then, otherwise });
                        parts = before;
                    }
                    _ => return Err(self.stray(span, "endif", "if")),
                },
                Piece::EndFor(span) => match open.pop() {
                    Some(Open {
                        piece: Piece::For(key_name, value_name, collection, _), mut before, ..
                    }) => {
                        let body = std::mem::take(&mut parts);
                        before.push(Part::For { key_name, value_name, collection, body });
                        parts = before;
                    }
                    _ => return Err(self.stray(span, "endfor", "for")),
                },
            }
        }
        flush_text(&mut text, &mut parts);
        match open.pop().map(|o| o.piece) {
            Some(Piece::If(_, span)) => Err(self.unended(span, "if")),
            Some(Piece::For(_, _, _, span)) => Err(self.unended(span, "for")),
            _ => Ok(parts),
        }
    }

    fn stray(&mut self, span: Span, word: &str, opener: &str) -> Reported {
        self.report(
            Diagnostic::error("stray-directive", format!("this `{word}` belongs to no `%{{ {opener} }}`"))
                .at(span)
                .hint(format!("open it with `%{{ {opener} … }}` in the same template, or remove it")),
        )
    }

    fn unended(&mut self, span: Span, word: &str) -> Reported {
        self.report(
            Diagnostic::error("unended-directive", format!("this `{word}` has no `%{{ end{word} }}`"))
                .at(span)
                .hint(format!("write `%{{ end{word} }}` in the same template where it ends")),
        )
    }

    /// Heredoc text, in which only the doubled signs are escapes.
    fn plain_text(&self, token: Token) -> String {
        let text = self.token_text(token);
        if text.contains('{') || text.contains('\r') {
            return text.replace("$${", "${").replace("%%{", "%{").replace("\r\n", "\n");
        }
        text.to_owned()
    }

    /// Text between quotes with its escapes done; a wrong escape is reported and left as it is.
    fn unescape(&mut self, token: Token) -> String {
        let source = self.token_text(token);
        let mut text = String::with_capacity(source.len());
        let mut chars = source.char_indices();
        while let Some((at, c)) = chars.next() {
            let rest = source.get(at..).unwrap_or("");
            if rest.starts_with("$${") || rest.starts_with("%%{") {
                // The first sign is the escape; the second and the brace are text.
                continue_with_sign(&mut text, c, &mut chars);
                continue;
            }
            if c != '\\' {
                text.push(c);
                continue;
            }
            match chars.next().map(|(_, c)| c) {
                Some('n') => text.push('\n'),
                Some('r') => text.push('\r'),
                Some('t') => text.push('\t'),
                Some('"') => text.push('"'),
                Some('\\') => text.push('\\'),
                Some(kind @ ('u' | 'U')) => {
                    let length = if kind == 'u' { 4 } else { 8 };
                    let digits = rest.get(2..2 + length).unwrap_or("");
                    let decoded = (digits.len() == length && digits.bytes().all(|b| b.is_ascii_hexdigit()))
                        .then(|| u32::from_str_radix(digits, 16).ok().and_then(char::from_u32))
                        .flatten();
                    match decoded {
                        Some(c) => {
                            text.push(c);
                            chars.nth(length - 1);
                        }
                        None => self.wrong_escape(
                            token,
                            at,
                            2,
                            &format!("`\\{kind}` needs {length} hexadecimal digits that name a character"),
                        ),
                    }
                }
                Some(other) => {
                    let message = format!("`\\{other}` is no escape");
                    self.wrong_escape(token, at, 1 + other.len_utf8(), &message);
                }
                None => self.wrong_escape(token, at, 1, "nothing follows this backslash"),
            }
        }
        text
    }

    fn wrong_escape(&mut self, token: Token, at: usize, length: usize, message: &str) {
        let start = token.start + u32::try_from(at).unwrap_or(0);
        let end = start + u32::try_from(length).unwrap_or(1);
        self.diagnostics.push(
            Diagnostic::error("wrong-escape", message).at(Span { file: self.file, start, end }).hint(
                "the escapes are \\n \\r \\t \\\" \\\\ \\uNNNN \\UNNNNNNNN; write `\\\\` for a backslash",
            ),
        );
    }
}

fn continue_with_sign(text: &mut String, sign: char, chars: &mut std::str::CharIndices<'_>) {
    text.push(sign);
    text.push('{');
    chars.nth(1);
}

fn flush_text(text: &mut String, parts: &mut Vec<Part>) {
    if !text.is_empty() {
        parts.push(Part::Text(std::mem::take(text).into()));
    }
}

/// What `<<-` does: the least indentation of any line is taken off every line. Lines of blanks alone are left as they are.
fn remove_indentation(pieces: &mut [Piece]) {
    let blanks = |text: &str| text.len() - text.trim_start_matches([' ', '\t']).len();
    let is_blank_line = |text: &str| text.trim().is_empty() && text.ends_with('\n');
    let mut least = usize::MAX;
    each_line_start(pieces, |piece| match piece {
        Piece::Text(text) if is_blank_line(text) => {}
        Piece::Text(text) => least = least.min(blanks(text)),
        _ => least = 0,
    });
    if matches!(least, 0 | usize::MAX) {
        return;
    }
    each_line_start(pieces, |piece| {
        if let Piece::Text(text) = piece
            && !is_blank_line(text)
        {
            text.drain(..least.min(blanks(text)));
        }
    });
}

fn each_line_start(pieces: &mut [Piece], mut visit: impl FnMut(&mut Piece)) {
    let mut at_line_start = true;
    for piece in pieces {
        let ends_line = matches!(piece, Piece::Text(text) if text.ends_with('\n'));
        if at_line_start {
            visit(piece);
        }
        at_line_start = ends_line;
    }
}
