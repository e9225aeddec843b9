//! The words of the language. Nothing here knows what they mean together.

/// What a token is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum TokenKind {
    /// A name.
    Identifier,
    /// A number, without sign.
    Number,
    /// `{`
    OpenBrace,
    /// `}`
    CloseBrace,
    /// `[`
    OpenBracket,
    /// `]`
    CloseBracket,
    /// `(`
    OpenParen,
    /// `)`
    CloseParen,
    /// `=`
    Assign,
    /// `=>`
    Arrow,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
    /// `<`
    Less,
    /// `<=`
    LessEqual,
    /// `>`
    Greater,
    /// `>=`
    GreaterEqual,
    /// `&&`
    And,
    /// `||`
    Or,
    /// `!`
    Not,
    /// `+`
    Plus,
    /// `-`
    Minus,
    /// `*`
    Star,
    /// `/`
    Slash,
    /// `%`
    Percent,
    /// `?`
    Question,
    /// `:`
    Colon,
    /// `::`
    DoubleColon,
    /// `,`
    Comma,
    /// `.`
    Dot,
    /// `...`
    Ellipsis,
    /// A line break.
    Newline,
    /// `# …` or `// …`, without the line break.
    LineComment,
    /// `/* … */`
    BlockComment,
    /// A comment that never ends.
    UnclosedComment,
    /// The quote that begins a string.
    OpenQuote,
    /// The quote that ends it.
    CloseQuote,
    /// Text between quotes, escapes as written.
    QuotedText,
    /// A line break between quotes, where strings go on behind it all the same.
    QuotedNewline,
    /// `<<WORD` or `<<-WORD` with its line break.
    OpenHeredoc,
    /// Text of a heredoc.
    HeredocText,
    /// The indentation and word that end a heredoc.
    CloseHeredoc,
    /// `${` or `${~`
    Interpolation,
    /// `%{` or `%{~`
    Directive,
    /// The `}` or `~}` that ends either.
    TemplateEnd,
    /// A character that begins no token.
    Invalid,
    /// The end of the text.
    End,
}

/// A token: what it is, and where, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Token {
    /// What it is.
    pub kind: TokenKind,
    /// First byte.
    pub start: u32,
    /// One past the last byte.
    pub end: u32,
}

impl Token {
    /// Its text.
    #[must_use]
    pub fn text<'a>(&self, source: &'a str) -> &'a str {
        source.get(self.start as usize..self.end as usize).unwrap_or("")
    }
}

impl TokenKind {
    /// How it is named in a message.
    #[must_use]
    pub fn describe(self) -> &'static str {
        match self {
            Self::Identifier => "a name",
            Self::Number => "a number",
            Self::OpenBrace => "`{`",
            Self::CloseBrace => "`}`",
            Self::OpenBracket => "`[`",
            Self::CloseBracket => "`]`",
            Self::OpenParen => "`(`",
            Self::CloseParen => "`)`",
            Self::Assign => "`=`",
            Self::Arrow => "`=>`",
            Self::Equal => "`==`",
            Self::NotEqual => "`!=`",
            Self::Less => "`<`",
            Self::LessEqual => "`<=`",
            Self::Greater => "`>`",
            Self::GreaterEqual => "`>=`",
            Self::And => "`&&`",
            Self::Or => "`||`",
            Self::Not => "`!`",
            Self::Plus => "`+`",
            Self::Minus => "`-`",
            Self::Star => "`*`",
            Self::Slash => "`/`",
            Self::Percent => "`%`",
            Self::Question => "`?`",
            Self::Colon => "`:`",
            Self::DoubleColon => "`::`",
            Self::Comma => "`,`",
            Self::Dot => "`.`",
            Self::Ellipsis => "`...`",
            Self::Newline | Self::QuotedNewline => "the end of the line",
            Self::LineComment | Self::BlockComment | Self::UnclosedComment => "a comment",
            Self::OpenQuote | Self::CloseQuote => "a quote",
            Self::QuotedText | Self::HeredocText => "text",
            Self::OpenHeredoc => "a heredoc",
            Self::CloseHeredoc => "the end of the heredoc",
            Self::Interpolation => "`${`",
            Self::Directive => "`%{`",
            Self::TemplateEnd => "the `}` of an interpolation",
            Self::Invalid => "this character",
            Self::End => "the end of the file",
        }
    }
}
