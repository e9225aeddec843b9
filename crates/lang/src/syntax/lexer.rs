//! Text to tokens. Every byte but blanks is in a token, so that formatting loses nothing; no text is refused here: what is
//! wrong becomes a token that the parser reports.

use super::token::{Token, TokenKind};

/// What the lexer is inside of.
#[derive(Debug, Clone, Copy)]
enum Mode {
    /// A string between quotes.
    Quoted,
    /// A heredoc, ended by the word at these bytes.
    Heredoc { word_start: usize, word_end: usize },
    /// An interpolation or directive; how many braces are open in it.
    Template { braces: u32 },
    /// A text that is a template as a whole, as `templatefile` reads it.
    Bare,
}

struct Lexer<'a> {
    text: &'a str,
    bytes: &'a [u8],
    at: usize,
    modes: Vec<Mode>,
    tokens: Vec<Token>,
    /// Whether a string goes on over the end of its line, up to the next quote, however wrong that is.
    runs_on: bool,
}

/// The tokens of a text, ending with one of kind `End`. Texts of 4 GiB or more are the caller's to refuse.
#[must_use]
pub fn tokenize(text: &str) -> Vec<Token> {
    run(text, Vec::new(), false)
}

/// The same as Terraform sees them: a string whose closing quote is missing goes on up to the next one, and a comment that is never
/// closed is none.
pub(super) fn tokenize_running_on(text: &str) -> Vec<Token> {
    run(text, Vec::new(), true)
}

/// The tokens of a text that is a template as a whole.
#[must_use]
pub fn tokenize_template(text: &str) -> Vec<Token> {
    run(text, vec![Mode::Bare], false)
}

fn run(text: &str, modes: Vec<Mode>, runs_on: bool) -> Vec<Token> {
    // Seven bytes a token is what configurations have on average; a third less allocation than growing.
    let tokens = Vec::with_capacity(text.len() / 7 + 1);
    let mut lexer = Lexer { text, bytes: text.as_bytes(), at: 0, modes, tokens, runs_on };
    while lexer.at < lexer.bytes.len() {
        match lexer.modes.last().copied() {
            None | Some(Mode::Template { .. }) => lexer.plain(),
            Some(Mode::Quoted) => lexer.quoted(),
            Some(Mode::Heredoc { word_start, word_end }) => lexer.heredoc(word_start, word_end),
            Some(Mode::Bare) => lexer.bare(),
        }
    }
    let end = lexer.bytes.len();
    lexer.push(TokenKind::End, end, end);
    lexer.tokens
}

/// Whether a name may begin with it, as Unicode's annex 31 has it.
#[must_use]
pub fn begins_identifier(c: char) -> bool {
    c == '_' || unicode_ident::is_xid_start(c)
}

/// Whether a name may go on with it.
#[must_use]
pub fn continues_identifier(c: char) -> bool {
    c == '-' || unicode_ident::is_xid_continue(c)
}

/// Whether a text is a name.
#[must_use]
pub fn is_identifier(text: &str) -> bool {
    let mut chars = text.chars();
    chars.next().is_some_and(begins_identifier) && chars.all(continues_identifier)
}

impl Lexer<'_> {
    fn push(&mut self, kind: TokenKind, start: usize, end: usize) {
        let offset = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
        self.tokens.push(Token { kind, start: offset(start), end: offset(end) });
        self.at = end;
    }

    fn peek(&self, ahead: usize) -> u8 {
        self.bytes.get(self.at + ahead).copied().unwrap_or(0)
    }

    /// One token outside of strings.
    fn plain(&mut self) {
        let start = self.at;
        match self.peek(0) {
            b' ' | b'\t' => self.at += 1,
            b'\r' if self.peek(1) == b'\n' => self.newline(2),
            b'\n' => self.newline(1),
            b'#' => self.line_comment(),
            b'/' if self.peek(1) == b'/' => self.line_comment(),
            b'/' if self.peek(1) == b'*' => self.block_comment(),
            b'"' => {
                self.push(TokenKind::OpenQuote, start, start + 1);
                self.modes.push(Mode::Quoted);
            }
            b'<' if self.peek(1) == b'<' => self.open_heredoc(),
            b'0'..=b'9' => self.number(),
            b'{' => {
                if let Some(Mode::Template { braces }) = self.modes.last_mut() {
                    *braces += 1;
                }
                self.push(TokenKind::OpenBrace, start, start + 1);
            }
            b'}' => self.close_brace(1),
            b'~' if self.peek(1) == b'}'
                && matches!(self.modes.last(), Some(Mode::Template { braces: 0 })) =>
            {
                self.close_brace(2);
            }
            b'~' if self.peek(1) == b'}' && self.runs_on => {
                self.push(TokenKind::TemplateEnd, start, start + 2)
            }
            _ => self.word_or_operator(),
        }
    }

    fn newline(&mut self, length: usize) {
        // An interpolation may go on over several lines, but when the next line is plainly one of a body its end was forgotten:
        // taking the string as over keeps the fault from swallowing the rest of the file.
        let after = self.at + length;
        if !self.runs_on
            && matches!(self.modes.last(), Some(Mode::Template { braces: 0 }))
            && matches!(self.modes.iter().rev().nth(1), Some(Mode::Quoted))
            && self.begins_a_body_line(after)
        {
            self.leave_quotes();
        }
        self.push(TokenKind::Newline, self.at, after);
    }

    /// Whether the next line with something on it is `}` alone, or `name =`.
    fn begins_a_body_line(&self, from: usize) -> bool {
        let rest = self.text.get(from..).unwrap_or("").trim_start();
        let line = rest.lines().next().unwrap_or("");
        if line.trim_end() == "}" {
            return true;
        }
        let name_end = line.find(|c| !continues_identifier(c)).unwrap_or(line.len());
        let after = line.get(name_end..).unwrap_or("").trim_start();
        name_end > 0 && after.starts_with('=') && !after.starts_with("==") && !after.starts_with("=>")
    }

    /// Ends the innermost run of strings and interpolations between quotes.
    fn leave_quotes(&mut self) {
        while matches!(self.modes.last(), Some(Mode::Quoted | Mode::Template { .. })) {
            // The interpolation of a heredoc stays: only what is between quotes cannot go on.
            if matches!(self.modes.last(), Some(Mode::Template { .. }))
                && !matches!(self.modes.iter().rev().nth(1), Some(Mode::Quoted))
            {
                break;
            }
            self.modes.pop();
        }
    }

    fn line_comment(&mut self) {
        let rest = &self.bytes[self.at..];
        let length = rest.iter().position(|b| *b == b'\n').unwrap_or(rest.len());
        let length =
            if length > 0 && length < rest.len() && rest[length - 1] == b'\r' { length - 1 } else { length };
        self.push(TokenKind::LineComment, self.at, self.at + length);
    }

    fn block_comment(&mut self) {
        match self.text.get(self.at + 2..).and_then(|rest| rest.find("*/")) {
            Some(length) => self.push(TokenKind::BlockComment, self.at, self.at + length + 4),
            None if self.runs_on => self.push(TokenKind::Slash, self.at, self.at + 1),
            None => self.push(TokenKind::UnclosedComment, self.at, self.bytes.len()),
        }
    }

    fn close_brace(&mut self, length: usize) {
        let start = self.at;
        match self.modes.last_mut() {
            Some(Mode::Template { braces: 0 }) => {
                self.modes.pop();
                self.push(TokenKind::TemplateEnd, start, start + length);
            }
            Some(Mode::Template { braces }) => {
                *braces -= 1;
                self.push(TokenKind::CloseBrace, start, start + length);
            }
            _ => self.push(TokenKind::CloseBrace, start, start + length),
        }
    }

    fn number(&mut self) {
        let digits = |from: usize| self.bytes[from..].iter().take_while(|b| b.is_ascii_digit()).count();
        let mut end = self.at + digits(self.at);
        // After a dot it is a legacy index, as in `list.0.1`, which is two steps and not a fraction.
        let is_index =
            self.tokens.last().is_some_and(|t| t.kind == TokenKind::Dot && t.end as usize == self.at);
        if !is_index {
            // One fraction and one exponent make a number; more are one word as well, which no number is.
            loop {
                if self.bytes.get(end) == Some(&b'.') && digits(end + 1) > 0 {
                    end += 1 + digits(end + 1);
                    continue;
                }
                let sign = usize::from(matches!(self.bytes.get(end + 1), Some(b'+' | b'-')));
                let from = (end + 1 + sign).min(self.bytes.len());
                if !matches!(self.bytes.get(end), Some(b'e' | b'E')) || digits(from) == 0 {
                    break;
                }
                end = from + digits(from);
            }
        }
        self.push(TokenKind::Number, self.at, end);
    }

    fn word_or_operator(&mut self) {
        use TokenKind as K;
        let start = self.at;
        let Some(c) = self.text.get(start..).and_then(|rest| rest.chars().next()) else {
            self.at += 1;
            return;
        };
        if begins_identifier(c) {
            let rest = self.text.get(start..).unwrap_or("");
            let length = rest.find(|c| !continues_identifier(c)).unwrap_or(rest.len());
            self.push(K::Identifier, start, start + length);
            return;
        }
        let (kind, length) = match (c, self.peek(1), self.peek(2)) {
            ('[', ..) => (K::OpenBracket, 1),
            (']', ..) => (K::CloseBracket, 1),
            ('(', ..) => (K::OpenParen, 1),
            (')', ..) => (K::CloseParen, 1),
            ('=', b'=', _) => (K::Equal, 2),
            ('=', b'>', _) => (K::Arrow, 2),
            ('=', ..) => (K::Assign, 1),
            ('!', b'=', _) => (K::NotEqual, 2),
            ('!', ..) => (K::Not, 1),
            ('<', b'=', _) => (K::LessEqual, 2),
            ('<', ..) => (K::Less, 1),
            ('>', b'=', _) => (K::GreaterEqual, 2),
            ('>', ..) => (K::Greater, 1),
            ('&', b'&', _) => (K::And, 2),
            ('|', b'|', _) => (K::Or, 2),
            ('+', ..) => (K::Plus, 1),
            ('-', ..) => (K::Minus, 1),
            ('*', ..) => (K::Star, 1),
            ('/', ..) => (K::Slash, 1),
            ('%', ..) => (K::Percent, 1),
            ('?', ..) => (K::Question, 1),
            (':', b':', _) => (K::DoubleColon, 2),
            (':', ..) => (K::Colon, 1),
            (',', ..) => (K::Comma, 1),
            ('.', b'.', b'.') => (K::Ellipsis, 3),
            ('.', ..) => (K::Dot, 1),
            _ => (K::Invalid, c.len_utf8()),
        };
        self.push(kind, start, start + length);
    }

    fn open_heredoc(&mut self) {
        let start = self.at;
        let flush = usize::from(self.peek(2) == b'-');
        let word_start = start + 2 + flush;
        let rest = self.text.get(word_start..).unwrap_or("");
        let length = rest.find(|c| !continues_identifier(c)).unwrap_or(rest.len());
        let after = rest.get(length..).unwrap_or("");
        let line_end = after.find('\n').map(|at| at + 1);
        let is_heredoc = is_identifier(rest.get(..length).unwrap_or(""))
            && line_end.is_some_and(|end| match after.get(..end).unwrap_or("x") {
                "\n" | "\r\n" => true,
                blank => !self.runs_on && blank.trim().is_empty(),
            });
        match line_end {
            Some(line_end) if is_heredoc => {
                let word_end = word_start + length;
                self.push(TokenKind::OpenHeredoc, start, word_end + line_end);
                self.modes.push(Mode::Heredoc { word_start, word_end });
                self.close_heredoc(word_start, word_end);
            }
            _ => self.push(TokenKind::Less, start, start + 1),
        }
    }

    /// At the start of a line of a heredoc: ends it if the line is the word alone.
    fn close_heredoc(&mut self, word_start: usize, word_end: usize) -> bool {
        let rest = self.text.get(self.at..).unwrap_or("");
        let (line, has_end) = rest.split_once('\n').map_or((rest, false), |(line, _)| (line, true));
        let word = self.text.get(word_start..word_end).unwrap_or("");
        // Inside a call the closing word may be followed by `)` on the next line only, as in HCL. Terraform wants that line in any case.
        if line.trim() != word || (self.runs_on && !has_end) {
            return false;
        }
        let indent = line.len() - line.trim_start().len();
        self.modes.pop();
        let start = self.at;
        self.push(TokenKind::CloseHeredoc, start, start + indent + word.len());
        self.at = start + line.strip_suffix('\r').filter(|_| has_end).unwrap_or(line).len();
        true
    }

    fn heredoc(&mut self, word_start: usize, word_end: usize) {
        let start = self.at;
        // The token before says whether this is a line's start: the opening and any text end with a line break.
        if start > 0 && self.bytes[start - 1] == b'\n' && self.close_heredoc(word_start, word_end) {
            return;
        }
        let mut at = start;
        while at < self.bytes.len() {
            match self.bytes[at] {
                b'\n' => {
                    at += 1;
                    self.push(TokenKind::HeredocText, start, at);
                    return;
                }
                b @ (b'$' | b'%') => match self.template_start(at, b) {
                    TemplateStart::Escaped => at += 3,
                    TemplateStart::Not => at += 1,
                    TemplateStart::Begins => {
                        if at > start {
                            self.push(TokenKind::HeredocText, start, at);
                        }
                        self.open_template(at);
                        return;
                    }
                },
                _ => at += 1,
            }
        }
        self.push(TokenKind::HeredocText, start, at);
    }

    fn bare(&mut self) {
        let start = self.at;
        let mut at = start;
        while at < self.bytes.len() {
            match self.bytes[at] {
                b @ (b'$' | b'%') => match self.template_start(at, b) {
                    TemplateStart::Escaped => at += 3,
                    TemplateStart::Not => at += 1,
                    TemplateStart::Begins => break,
                },
                _ => at += 1,
            }
        }
        if at > start {
            self.push(TokenKind::HeredocText, start, at);
        }
        if at < self.bytes.len() {
            self.open_template(at);
        }
    }

    fn quoted(&mut self) {
        let start = self.at;
        let mut at = start;
        while at < self.bytes.len() {
            match self.bytes[at] {
                b'"' => {
                    if at > start {
                        self.push(TokenKind::QuotedText, start, at);
                    }
                    self.modes.pop();
                    self.push(TokenKind::CloseQuote, at, at + 1);
                    return;
                }
                b'\n' => {
                    // A string ends with its line: what follows is read as if it had been closed.
                    let end = if at > start && self.bytes[at - 1] == b'\r' { at - 1 } else { at };
                    if end > start {
                        self.push(TokenKind::QuotedText, start, end);
                    }
                    if self.runs_on {
                        let rest = &self.bytes[at..];
                        let breaks = rest.iter().take_while(|b| matches!(b, b'\n' | b'\r')).count();
                        self.push(TokenKind::QuotedNewline, end, at + breaks);
                    } else {
                        self.leave_quotes();
                    }
                    return;
                }
                b'\\' => at += 1 + usize::from(!matches!(self.bytes.get(at + 1), None | Some(b'\n' | b'\r'))),
                b @ (b'$' | b'%') => match self.template_start(at, b) {
                    TemplateStart::Escaped => at += 3,
                    TemplateStart::Not => at += 1,
                    TemplateStart::Begins => {
                        if at > start {
                            self.push(TokenKind::QuotedText, start, at);
                        }
                        self.open_template(at);
                        return;
                    }
                },
                _ => at += 1,
            }
        }
        // An escape before a character of several bytes may have stepped into it.
        while !self.text.is_char_boundary(at) {
            at += 1;
        }
        self.push(TokenKind::QuotedText, start, at.min(self.bytes.len()));
    }

    fn template_start(&self, at: usize, sign: u8) -> TemplateStart {
        match (self.bytes.get(at + 1), self.bytes.get(at + 2)) {
            (Some(b'{'), _) => TemplateStart::Begins,
            (Some(next), Some(b'{')) if *next == sign => TemplateStart::Escaped,
            _ => TemplateStart::Not,
        }
    }

    fn open_template(&mut self, at: usize) {
        let kind = if self.bytes[at] == b'$' { TokenKind::Interpolation } else { TokenKind::Directive };
        let strip = usize::from(self.bytes.get(at + 2) == Some(&b'~'));
        self.push(kind, at, at + 2 + strip);
        self.modes.push(Mode::Template { braces: 0 });
    }
}

enum TemplateStart {
    /// `${`
    Begins,
    /// `$${`
    Escaped,
    /// A sign like any other.
    Not,
}
