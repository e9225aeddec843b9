//! Trees as people read them, with lines from each branch to what hangs on it.

/// A line and what hangs on it.
#[derive(Debug, Clone)]
pub struct Branch {
    /// The line.
    pub text: String,
    /// What hangs on it.
    pub inner: Vec<Branch>,
}

/// Branches below each other, each in a line of its own.
#[must_use]
pub fn branches(all: &[Branch]) -> String {
    let mut out = String::new();
    write(all, "", &mut out);
    out
}

fn write(all: &[Branch], before: &str, out: &mut String) {
    for (at, branch) in all.iter().enumerate() {
        let is_last = at + 1 == all.len();
        let (fork, below) = if is_last { ("└── ", "    ") } else { ("├── ", "│   ") };
        out.push_str(&format!("{before}{fork}{}\n", branch.text));
        write(&branch.inner, &format!("{before}{below}"), out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_branch_ends_the_line() {
        let leaf = |text: &str| Branch { text: text.into(), inner: Vec::new() };
        let all = [Branch { text: "a".into(), inner: vec![leaf("b")] }, leaf("c")];
        assert_eq!(branches(&all), "├── a\n│   └── b\n└── c\n");
    }
}
