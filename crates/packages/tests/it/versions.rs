//! Versions and constraints: which version of a registry's module is chosen. `versions.txt` has what Terraform 1.11.4 chose from
//! the versions below; it was recorded with a registry on loopback.

use packages::{Constraints, Version};

const VERSIONS: [&str; 21] = [
    "0.9.0",
    "1.0.0",
    "1.0.4",
    "1.0.5",
    "1.0.10",
    "1.1.0",
    "1.2.0",
    "1.2.3",
    "1.10.0",
    "2.0.0-beta1",
    "2.0.0-beta.2",
    "2.0.0-beta.10",
    "2.0.0",
    "2.1.0-rc.1",
    "3.0.0+build5",
    "v3.1.0",
    "4.0",
    "1.0.0.5",
    "5",
    "6.0.0-alpha",
    "6.0.0-alpha.1",
];

/// Where we differ on purpose. The documentation lets `=` choose a pre-release as no operator does; and a pre-release that is
/// announced by `-` and missing is a slip. `6.0.0alpha` is the version that `6.0.0-alpha` is.
const DIFFERENT: [(&str, &str); 4] = [
    ("= 2.0.0-beta1", "2.0.0-beta1"),
    ("= 6.0.0-alpha.1", "6.0.0-alpha.1"),
    ("1.0.4-", "invalid"),
    ("6.0.0alpha", "6.0.0-alpha"),
];

fn choice(constraints: &str) -> String {
    let versions: Vec<Version> = VERSIONS.iter().map(|text| text.parse().unwrap()).collect();
    match Constraints::parse(constraints) {
        Ok(constraints) => {
            constraints.newest(&versions).map_or_else(|| "none".to_owned(), ToString::to_string)
        }
        Err(_) => "invalid".to_owned(),
    }
}

#[test]
fn constraints_choose_what_terraform_chooses() {
    let mut differences = Vec::new();
    let mut count = 0;
    for row in include_str!("versions.txt").lines() {
        let (constraints, expected) = row.rsplit_once('|').unwrap();
        let expected =
            DIFFERENT.iter().find(|(text, _)| *text == constraints).map_or(expected, |(_, own)| own);
        let found = choice(constraints);
        count += 1;
        if found != expected {
            differences.push(format!("`{constraints}`: {found}, not {expected}"));
        }
    }
    assert!(differences.is_empty(), "{}", differences.join("\n"));
    assert!(count >= 75, "only {count} rows");
}

#[test]
fn versions_are_ordered_as_semantic_versioning_has_it() {
    let order = [
        "0.9",
        "1.0.0-alpha",
        "1.0.0-alpha.1",
        "1.0.0-alpha.beta",
        "1.0.0-beta",
        "1.0.0-beta.2",
        "1.0.0-beta.11",
        "1.0.0-rc.1",
        "1.0.0",
        "1.0.0.1",
        "1.0.1",
        "1.2",
        "1.10",
    ];
    for pair in order.windows(2) {
        let (left, right): (Version, Version) = (pair[0].parse().unwrap(), pair[1].parse().unwrap());
        assert!(left < right, "{left} < {right}");
    }
    assert_eq!(Version::parse("v1"), Version::parse("1.0.0"));
    assert_eq!(Version::parse("1.0+a"), Version::parse("1.0.0+b"));
}

#[test]
fn what_is_no_version_or_constraint_says_why() {
    let check = |text: &str, expect: &str| {
        assert_eq!(
            Constraints::parse(text).map_or_else(|e| e.to_string(), |c| c.to_string()),
            expect,
            "{text}"
        );
    };
    check("~>v1.2 ,!= 1.2.3-rc1+m", "~> 1.2, != 1.2.3-rc1+m");
    check("", "a condition is missing");
    check(">= 1.0,", "a condition is missing");
    check("=> 1.0", "`=>` is not an operator");
    check("^1.0", "`^` is not an operator");
    check("1.x", "`1.x` is not a version: a number is missing beside a point");
    check("latest", "`latest` is not a version: it has to start with a number");
    check(
        ">= 1 < 2",
        "`1 < 2` is not a version: a pre-release and metadata are letters, digits, `-` and `.`",
    );
    check("99999999999999999999", "`99999999999999999999` is not a version: a number is too large");
    check("1.0.0-a..b", "`1.0.0-a..b` is not a version: a part of the pre-release or the metadata is empty");
}
