//! What formatting changes, as `diff -u` shows it. Formatting neither breaks nor joins lines, so that lines are compared by their place.

/// Lines around a change that are shown with it, as `diff -u` has it.
const CONTEXT: usize = 3;

/// The difference of two texts under a name; empty where they are the same.
#[must_use]
pub fn unified(name: &str, old: &str, new: &str) -> String {
    let (before, after): (Vec<&str>, Vec<&str>) =
        (old.split_inclusive('\n').collect(), new.split_inclusive('\n').collect());
    let longest = before.len().max(after.len());
    let differs = |at: &usize| before.get(*at) != after.get(*at);
    let changed: Vec<usize> = (0..longest).filter(differs).collect();
    let mut out = String::new();
    let mut rest = changed.as_slice();
    while let Some(first) = rest.first() {
        // Changes whose surroundings touch are shown together.
        let gap = rest.windows(2).position(|pair| pair[1] - pair[0] > 2 * CONTEXT + 1);
        let (here, further) = rest.split_at(gap.map_or(rest.len(), |at| at + 1));
        rest = further;
        let from = first.saturating_sub(CONTEXT);
        let to = (here.last().copied().unwrap_or(*first) + 1 + CONTEXT).min(longest);
        if out.is_empty() {
            out.push_str(&format!("--- old/{name}\n+++ new/{name}\n"));
        }
        let range = |lines: &[&str]| match to.min(lines.len()).saturating_sub(from) {
            1 => (from + 1).to_string(),
            0 => format!("{from},0"),
            many => format!("{},{many}", from + 1),
        };
        out.push_str(&format!("@@ -{} +{} @@\n", range(&before), range(&after)));
        let mut at = from;
        while at < to {
            let end = (at..to).find(|line| here.contains(line) != here.contains(&at)).unwrap_or(to);
            if here.contains(&at) {
                lines(&before, at..end, '-', &mut out);
                lines(&after, at..end, '+', &mut out);
            } else {
                lines(&before, at..end, ' ', &mut out);
            }
            at = end;
        }
    }
    out
}

fn lines(all: &[&str], range: std::ops::Range<usize>, sign: char, out: &mut String) {
    for line in range.filter_map(|at| all.get(at)) {
        out.push(sign);
        out.push_str(line);
        if !line.ends_with('\n') {
            out.push_str("\n\\ No newline at end of file\n");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn changes_are_shown_with_three_lines_around() {
        let old = "a=1\nb  =2\n";
        assert_eq!(
            unified("x.tf", old, "a = 1\nb = 2\n"),
            "--- old/x.tf\n+++ new/x.tf\n@@ -1,2 +1,2 @@\n-a=1\n-b  =2\n+a = 1\n+b = 2\n"
        );
        let many: String = (0..20).map(|n| format!("{n}\n")).collect();
        let other = many.replace("\n5\n", "\nV\n").replace("\n15\n", "\nXV\n");
        let shown = unified("n", &many, &other);
        assert!(shown.contains("@@ -3,7 +3,7 @@\n 2\n 3\n 4\n-5\n+V\n 6\n 7\n 8\n"), "{shown}");
        assert!(shown.contains("@@ -13,7 +13,7 @@"), "{shown}");
        assert!(
            unified("n", "a=1", "a = 1")
                .contains("-a=1\n\\ No newline at end of file\n+a = 1\n\\ No newline")
        );
        assert_eq!(unified("n", &many, &many), "");
    }
}
