//! Where a space stands between two words of a line.

use super::layout::Word;
use crate::syntax::TokenKind as K;

/// Decides for each word whether a space is before it.
pub(super) fn apply(words: &mut [Word<'_>]) {
    let mut before_previous: Option<K> = None;
    let mut previous: Option<(K, bool)> = None;
    for word in words {
        let is_in = word.kind == K::Identifier && word.text == "in";
        if let Some((kind, was_in)) = previous {
            word.space = space(before_previous, kind, was_in, word.kind);
            before_previous = Some(kind);
        }
        previous = Some((word.kind, is_in));
    }
}

/// Whether a space stands between `previous` and `next`; `before` is what comes before both.
fn space(before: Option<K>, previous: K, previous_is_in: bool, next: K) -> bool {
    // Inside strings every character is the text's own. Braces alone are set apart from those of the interpolation.
    if matches!(previous, K::Interpolation | K::Directive) {
        return matches!(next, K::OpenBrace | K::LineComment);
    }
    if next == K::TemplateEnd {
        return previous == K::CloseBrace;
    }
    if matches!(previous, K::OpenQuote | K::QuotedText | K::HeredocText | K::OpenHeredoc)
        || matches!(next, K::CloseQuote | K::QuotedText | K::HeredocText | K::CloseHeredoc)
        || (previous == K::TemplateEnd && matches!(next, K::Interpolation | K::Directive))
    {
        return false;
    }
    match (previous, next) {
        (_, K::LineComment) => true,
        // `in` behind a name is taken for the word of a `for`, as `terraform fmt` takes it.
        (K::Identifier, K::CloseBracket | K::OpenBracket)
            if previous_is_in && before == Some(K::Identifier) =>
        {
            true
        }
        (K::Comma, K::CloseParen | K::CloseBracket) => true,
        (_, K::Comma | K::Dot | K::Ellipsis | K::CloseParen | K::CloseBracket) => false,
        (K::Identifier, K::DoubleColon) | (K::DoubleColon, K::Identifier) => false,
        (K::Dot | K::OpenParen | K::OpenBracket | K::Not, _) => false,
        (K::OpenBrace, K::CloseBrace) => false,
        (K::Minus, _) if is_sign(before) => false,
        (K::Identifier, K::OpenParen) => false,
        (K::Identifier | K::Number | K::CloseBracket | K::CloseParen | K::CloseBrace, K::OpenBracket) => {
            false
        }
        _ => true,
    }
}

/// Whether a minus after this is a sign and not a subtraction. After `=>` and the words of a `for` it is written as a
/// subtraction by `terraform fmt`, and so by us.
fn is_sign(before: Option<K>) -> bool {
    matches!(
        before,
        None | Some(
            K::Assign
                | K::Comma
                | K::OpenParen
                | K::OpenBracket
                | K::OpenBrace
                | K::Question
                | K::Colon
                | K::Not
                | K::And
                | K::Or
                | K::Equal
                | K::NotEqual
                | K::Less
                | K::LessEqual
                | K::Greater
                | K::GreaterEqual
                | K::Plus
                | K::Minus
                | K::Star
                | K::Slash
                | K::Percent
        )
    )
}
