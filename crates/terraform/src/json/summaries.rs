//! What Terraform calls a fault. Our own messages say what is wrong in a whole sentence; beside them stand these, which people know and
//! programs look for.

use std::borrow::Cow;

use diag::Diagnostic;

/// Kinds of faults that Terraform has one name for. Where it has several, whoever finds the fault says which.
const SUMMARIES: &[(&str, &str)] = &[
    ("attribute-as-block", "Unsupported block type"),
    ("attribute-outside-block", "Unsupported argument"),
    ("backend", "Unsupported backend type"),
    ("block-as-attribute", "Unsupported argument"),
    ("builtin-version", "Invalid dependency on built-in provider"),
    ("conflicting-attributes", "Invalid combination of \"count\" and \"for_each\""),
    ("deprecated-version", "Version constraints inside provider configuration blocks are deprecated"),
    ("duplicate-attribute", "Attribute redefined"),
    ("duplicate-key", "Duplicate object key"),
    ("empty-provider", "Redundant empty provider block"),
    ("ephemeral-output", "Ephemeral output not allowed"),
    ("experiment", "Module uses experimental features"),
    ("foreign-condition", "Invalid variable validation condition"),
    ("function-call", "Error in function call"),
    ("function-not-allowed", "Function calls not allowed"),
    ("ignored-backend", "Backend configuration ignored"),
    ("import-provider", "Invalid import provider argument"),
    ("incomplete-reference", "Invalid reference"),
    ("inconsistent-conditional", "Inconsistent conditional result types"),
    ("invalid-address", "Invalid address"),
    ("invalid-alias", "Invalid provider configuration alias"),
    ("invalid-condition", "Incorrect condition type"),
    ("invalid-default", "Invalid default value for optional attribute"),
    ("invalid-depends-on", "Invalid expression"),
    ("invalid-expansion", "Invalid expanding argument value"),
    ("invalid-ignore-changes", "Invalid expression"),
    ("invalid-import", "Invalid import address"),
    ("invalid-index", "Invalid index"),
    ("invalid-move", "Invalid \"moved\" addresses"),
    ("invalid-number", "Invalid number literal"),
    ("invalid-operand", "Invalid operand"),
    ("invalid-provider", "Invalid provider configuration reference"),
    ("invalid-providers", "Invalid expression"),
    ("invalid-requirement", "Invalid required_providers object"),
    ("invalid-source", "Invalid provider source string"),
    ("invalid-trigger", "Invalid replace_triggered_by expression"),
    ("invalid-type", "Invalid type specification"),
    ("json-root", "Root value must be object"),
    ("json-value", "Incorrect JSON value type"),
    ("misplaced-attribute", "Invalid data resource lifecycle argument"),
    ("missing-attribute", "Missing required argument"),
    ("missing-block", "Zero assert blocks"),
    ("missing-key", "Missing resource instance key"),
    ("missing-label", "Missing block label"),
    ("missing-provider", "Missing required provider configuration"),
    ("missing-variable", "No value for required variable"),
    ("module-not-installed", "Module not installed"),
    ("module-source", "Invalid module source address"),
    ("module-with-providers", "Module is incompatible with count, for_each, and depends_on"),
    ("no-such-attribute", "Unsupported attribute"),
    ("not-a-collection", "Iteration over non-iterable value"),
    ("not-text", "Invalid template interpolation value"),
    ("null-access", "Attempt to get attribute from null value"),
    ("null-collection", "Iteration over null value"),
    ("null-condition", "Null condition"),
    ("null-in-template", "Invalid template interpolation value"),
    ("null-index", "Invalid index"),
    ("null-variable", "Required variable not set"),
    ("provider-not-present", "Provider configuration not present"),
    ("quoted-keyword", "Quoted keywords are deprecated"),
    ("quoted-reference", "Quoted references are deprecated"),
    ("redundant-ignored", "Redundant ignore_changes element"),
    ("reference-cycle", "Cycle"),
    ("reference-not-allowed", "Variables not allowed"),
    ("type-mismatch", "Invalid value for input variable"),
    ("undefined-provider", "Reference to undefined provider"),
    ("unexpected-key", "Unexpected resource instance key"),
    ("unknown-attribute", "Unsupported argument"),
    ("unknown-block", "Unsupported block type"),
    ("unknown-function", "Call to unknown function"),
    ("unknown-language", "Unsupported language edition"),
    ("unsuitable-value", "Unsuitable value type"),
    ("wrong-provider", "Provider type mismatch"),
    ("wrong-type", "Incorrect attribute value type"),
];

/// Terraform's name for a fault, and what is left to say of it. Where there is none, our own message is both.
#[must_use]
pub fn summary(diagnostic: &Diagnostic) -> (Cow<'_, str>, Option<&str>) {
    let message = diagnostic.message.as_str();
    let rest = |summary: &str| {
        let rest = message.strip_prefix(summary).map_or(message, |rest| rest.trim_start_matches([':', ' ']));
        (!rest.is_empty()).then_some(rest)
    };
    if let Some(summary) = &diagnostic.summary {
        return (Cow::Borrowed(summary), rest(summary));
    }
    // Where Terraform's name begins the message.
    if let Some((first, more)) = message.split_once(": ")
        && first.starts_with(|c: char| c.is_ascii_uppercase())
    {
        return (Cow::Borrowed(first), Some(more));
    }
    match SUMMARIES.binary_search_by_key(&diagnostic.code.as_ref(), |(code, _)| code) {
        Ok(at) => {
            let summary = SUMMARIES.get(at).map_or(message, |(_, summary)| summary);
            (Cow::Borrowed(summary), rest(summary))
        }
        Err(_) => (Cow::Borrowed(message), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_in_order() {
        assert!(SUMMARIES.is_sorted_by_key(|(code, _)| code));
    }

    #[test]
    fn a_summary_is_what_the_finder_says_then_what_begins_the_message_then_what_the_code_says() {
        let check = |diagnostic: Diagnostic, expect: (&str, Option<&str>)| {
            let (found, rest) = summary(&diagnostic);
            assert_eq!((found.as_ref(), rest), expect);
        };
        let said = Diagnostic::error("x", "it is wrong");
        check(said.clone().summary("Wrong"), ("Wrong", Some("it is wrong")));
        check(said, ("it is wrong", None));
        check(Diagnostic::error("x", "Wrong: very"), ("Wrong", Some("very")));
        check(Diagnostic::error("x", "Wrong"), ("Wrong", None));
        check(
            Diagnostic::error("not-text", "this is no text"),
            ("Invalid template interpolation value", Some("this is no text")),
        );
    }
}
