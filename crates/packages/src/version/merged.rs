//! Constraints of several places together, in the one form in which Terraform writes those of providers.
//!
//! What a condition means is in the module beside it, but for `~>`: of providers `~> 1` is `~> 1.0` and ends before 2, and from a
//! pre-release it goes on to releases; of modules neither is so.

use std::cmp::Ordering;
use std::fmt::Write;

use super::{Condition, Constraints, Operator, Version};

impl Constraints {
    /// Everything that is asked for at any of these places, sorted and without repetitions; nothing asked for allows every release.
    #[must_use]
    pub fn merged<'a>(parts: impl IntoIterator<Item = &'a Self>) -> Self {
        let mut all: Vec<Condition> =
            parts.into_iter().flat_map(|it| it.conditions().iter().cloned()).collect();
        all.sort_by(order);
        all.dedup_by(|a, b| order(a, b).is_eq());
        Self::of(all)
    }

    /// Whether nothing is asked for.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.conditions().is_empty()
    }

    /// Whether a provider's version will do.
    #[must_use]
    pub fn allow_provider(&self, version: &Version) -> bool {
        let holds = |condition: &Condition| {
            if condition.operator != Operator::Pessimistic {
                return condition.holds(version);
            }
            let fixed = condition.version.written().max(2) - 1;
            *version >= condition.version
                && (0..fixed).all(|place| version.number(place) == condition.version.number(place))
        };
        let is_named =
            || self.conditions().iter().any(|c| c.operator == Operator::Equal && c.version == *version);
        self.conditions().iter().all(holds) && (!version.is_pre_release() || is_named())
    }

    /// As lock files and messages have them: `>= 1.0.0, ~> 1.2, < 2.0.0`.
    #[must_use]
    pub fn normal_text(&self) -> String {
        let mut text = String::new();
        for condition in self.conditions() {
            if !text.is_empty() {
                text.push_str(", ");
            }
            let sign = condition.operator.sign();
            // Writing into a string does not fail.
            let _ = match condition.operator {
                Operator::Equal => write!(text, "{}", condition.version),
                Operator::Pessimistic => write!(text, "{sign} {}", shortened(&condition.version)),
                _ => write!(text, "{sign} {}", condition.version),
            };
        }
        text
    }
}

/// How many numbers of a `~>` are written: `~> 1` is `~> 1.0`.
fn places(version: &Version) -> usize {
    version.written().clamp(2, 3)
}

fn shortened(version: &Version) -> String {
    let whole = version.to_string();
    if places(version) == 3 || version.is_pre_release() || !version.metadata().is_empty() {
        return whole;
    }
    format!("{}.{}", version.number(0), version.number(1))
}

/// By version, then lower ends before upper ones and exclusions last, then `~>` with more numbers first.
fn order(left: &Condition, right: &Condition) -> Ordering {
    let rank = |condition: &Condition| match condition.operator {
        Operator::Greater => 0,
        Operator::GreaterOrEqual => 1,
        Operator::Equal => 2,
        Operator::Pessimistic => 6 - places(&condition.version),
        Operator::LessOrEqual => 5,
        Operator::Less => 6,
        Operator::NotEqual => 7,
    };
    left.version
        .cmp(&right.version)
        .then_with(|| left.version.metadata().cmp(right.version.metadata()))
        .then_with(|| rank(left).cmp(&rank(right)))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Expectations are what Terraform 1.11.4 writes.
    #[test]
    fn constraints_have_one_normal_form() {
        for (text, expect) in [
            ("1.2", "1.2.0"),
            ("=1.2.0, >= 1", ">= 1.0.0, 1.2.0"),
            ("~>1, >=1, >1.0.0, <2, <=2, !=1", "> 1.0.0, >= 1.0.0, ~> 1.0, != 1.0.0, <= 2.0.0, < 2.0.0"),
            (">= 1.2.0, >= 1.2.0", ">= 1.2.0"),
            (">= 1.0.0+build", ">= 1.0.0+build"),
            ("~> 2.0.0-alpha", "~> 2.0.0-alpha"),
            (">=1.2 , <3,>=1.0.1", ">= 1.0.1, >= 1.2.0, < 3.0.0"),
            (
                "~> 1.0, ~> 1.0.0, = 1.0.0, != 1.0.0, =1.0.0, <1.0.0, <=1.0.0, >1.0.0, >= 1.0.0",
                "> 1.0.0, >= 1.0.0, 1.0.0, ~> 1.0.0, ~> 1.0, <= 1.0.0, < 1.0.0, != 1.0.0",
            ),
            ("~> 1, ~> 1.0", "~> 1.0"),
            (">= 1.0.0, >= 1.0.0-beta, <2,<2.0.0-beta", ">= 1.0.0-beta, >= 1.0.0, < 2.0.0-beta, < 2.0.0"),
            (">=1.0.0+b, >= 1.0.0+a, >= 1.0.0", ">= 1.0.0, >= 1.0.0+a, >= 1.0.0+b"),
        ] {
            let read = Constraints::parse(text).unwrap();
            assert_eq!(Constraints::merged([&read]).normal_text(), expect, "{text}");
        }
    }

    #[test]
    fn a_pre_release_of_a_provider_has_to_be_named_exactly() {
        for (text, version, expect) in [
            ("2.0.0-beta1", "2.0.0-beta1", true),
            (">= 2.0.0-beta1", "2.0.0-beta1", false),
            ("~> 2.0.0-alpha", "2.0.0-beta1", false),
            ("~> 1.0.0-0, !=1.0.0-0", "1.0.0", true),
            ("~> 1.0.0-0", "1.1.0", false),
            ("~> 1", "1.9.0", true),
            ("~> 1", "2.0.0", false),
        ] {
            let read = Constraints::parse(text).unwrap();
            assert_eq!(read.allow_provider(&Version::parse(version).unwrap()), expect, "{text} {version}");
        }
        assert!(Constraints::merged([]).allow_provider(&Version::parse("1.0.0").unwrap()));
    }
}
