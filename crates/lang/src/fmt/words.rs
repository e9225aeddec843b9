//! Tokens to lines of words, with what is written anew written anew.

use crate::syntax::{Token, TokenKind as K};

use super::changes::Changes;
use super::layout::{Line, Word};

/// The tokens as lines of words. What spans lines as one token (a heredoc, a comment) stays in the line on which it begins.
pub(super) fn lines<'a>(text: &'a str, tokens: &[Token], changes: &Changes) -> Vec<Line<'a>> {
    let mut lines = vec![Line::default()];
    let mut at = 0;
    while let Some(token) = tokens.get(at) {
        if let Some((end, replacement)) = changes.replaced.get(&token.start) {
            let length = length(&tokens[at..], *end);
            push(&mut lines, Word { text: replacement.clone().into(), ..Word::new(K::Identifier, "") });
            at += length;
            continue;
        }
        if let Some(end) = changes.wrapped.get(&token.start) {
            let length = length(&tokens[at..], *end);
            let (wrapped, after) = tokens[at..].split_at(length);
            if let Some((inner, parentheses)) = unwrapped(wrapped, after) {
                if parentheses {
                    push(&mut lines, Word::new(K::OpenParen, "("));
                }
                for token in inner {
                    push_token(&mut lines, text, token);
                }
                if parentheses {
                    push(&mut lines, Word::new(K::CloseParen, ")"));
                }
                at += length;
                continue;
            }
        }
        push_token(&mut lines, text, token);
        at += 1;
    }
    lines
}

/// How many tokens there are up to a byte; the first is one of them.
fn length(tokens: &[Token], end: u32) -> usize {
    tokens.iter().take_while(|token| token.end <= end && token.kind != K::End).count().max(1)
}

fn push_token<'a>(lines: &mut Vec<Line<'a>>, text: &'a str, token: &Token) {
    let mut written = token.text(text);
    match token.kind {
        K::End => {}
        K::Newline => {
            if let Some(line) = lines.last_mut() {
                line.ending = written;
            }
            lines.push(Line::default());
        }
        kind => {
            if kind == K::CloseHeredoc {
                // Blanks behind the word belong to it.
                let rest = text.get(token.end as usize..).unwrap_or("");
                let line = rest.split('\n').next().unwrap_or("").trim_end_matches('\r');
                let blanks = line.len() - line.trim_start().len();
                written = text.get(token.start as usize..token.end as usize + blanks).unwrap_or(written);
            }
            push(lines, Word::new(kind, written));
        }
    }
}

fn push<'a>(lines: &mut [Line<'a>], word: Word<'a>) {
    if let Some(line) = lines.last_mut() {
        line.words.push(word);
    }
}

/// What stands for `"${x}"`, and whether in parentheses, which a value over several lines needs; nothing, where the text could not be
/// read any more. `after`: what comes behind it.
fn unwrapped<'t>(tokens: &'t [Token], after: &[Token]) -> Option<(&'t [Token], bool)> {
    let [open, sign, inner @ .., end, close] = tokens else { return None };
    let is_wrap = (open.kind, sign.kind) == (K::OpenQuote, K::Interpolation)
        && (end.kind, close.kind) == (K::TemplateEnd, K::CloseQuote);
    if !is_wrap {
        return None;
    }
    let start = inner.iter().position(|token| token.kind != K::Newline)?;
    let mut end = inner.iter().rposition(|token| token.kind != K::Newline)? + 1;
    // A comment goes up to the end of its line.
    if inner[end - 1].kind == K::LineComment {
        end += 1;
    }
    let inner = inner.get(start..end)?;
    let (parentheses, stands) = judge(inner, after);
    stands.then_some((inner, parentheses))
}

/// Whether a value needs parentheses when it is not wrapped in a string any more, and whether it can be read then: a heredoc ends a
/// line, and a line that a comment ends goes on within brackets only.
fn judge(inner: &[Token], after: &[Token]) -> (bool, bool) {
    let (mut open, mut quotes) = (0usize, 0usize);
    let (mut breaks, mut breaks_outside, mut comments_outside) = (false, false, false);
    for (i, token) in inner.iter().enumerate() {
        match token.kind {
            K::OpenQuote => quotes += 1,
            K::CloseQuote => quotes = quotes.saturating_sub(1),
            // From a heredoc with more than text in it `terraform fmt` keeps away.
            K::Interpolation | K::Directive if quotes == 0 => return (false, false),
            K::OpenBrace | K::OpenBracket | K::OpenParen => open += 1,
            K::CloseBrace | K::CloseBracket | K::CloseParen => open = open.saturating_sub(1),
            K::LineComment if open + quotes == 0 => {
                let mut rest = inner[i..].iter();
                comments_outside |= !rest.all(|token| matches!(token.kind, K::LineComment | K::Newline));
            }
            K::Newline if i == 0 || inner[i - 1].kind != K::LineComment => {
                breaks = true;
                breaks_outside |= open + quotes == 0;
            }
            _ => {}
        }
    }
    let ends = |at: Option<&Token>, kind| at.is_some_and(|token| token.kind == kind);
    let has_parentheses =
        ends(inner.first(), K::OpenParen) && ends(inner.last(), K::CloseParen) && !breaks_outside;
    let parentheses = breaks && !has_parentheses;
    // The last token may be the end of a comment's line. More comments may follow on the next, and nothing else.
    let ends_with_comment = ends(inner.last(), K::Newline);
    let is_comment = |token: &&Token| matches!(token.kind, K::LineComment | K::BlockComment);
    let ends_line = |at: Option<&Token>| at.is_none_or(|token| matches!(token.kind, K::Newline | K::End));
    let stands = if ends(inner.last(), K::CloseHeredoc) {
        !parentheses && ends(after.first(), K::Newline)
    } else {
        let is_last = ends_line(after.iter().find(|token| !is_comment(token)));
        parentheses || !comments_outside && (!ends_with_comment || is_last)
    };
    (parentheses, stands)
}
