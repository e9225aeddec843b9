//! Where a page says that a package is: `<meta name="terraform-get" content="…">` in its head. It is no parser of HTML: it looks
//! at `meta` tags and their attributes, as `X-Terraform-Get` is what servers should send.

/// The place that the page names, if it names one.
#[must_use]
pub(crate) fn place_in_page(page: &str) -> Option<String> {
    let head = &page[..page.find("<body").unwrap_or(page.len())];
    let mut rest = head;
    while let Some(start) = rest.find('<') {
        rest = &rest[start + 1..];
        if rest.starts_with("!--") {
            rest = &rest[rest.find("-->").map_or(rest.len(), |end| end + 3)..];
            continue;
        }
        let is_meta = rest.get(..4).is_some_and(|name| name.eq_ignore_ascii_case("meta"))
            && rest[4..].starts_with(|c: char| c.is_ascii_whitespace());
        if !is_meta {
            continue;
        }
        let attributes = attributes(&rest[4..]);
        let value =
            |name: &str| attributes.iter().find(|(n, _)| n.eq_ignore_ascii_case(name)).map(|(_, v)| v);
        if value("name").is_some_and(|name| name == "terraform-get") {
            return value("content").map(|content| content.replace("&amp;", "&"));
        }
    }
    None
}

/// `name="value"` until the tag ends.
fn attributes(text: &str) -> Vec<(&str, String)> {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while !rest.is_empty() && !rest.starts_with('>') && !rest.starts_with("/>") {
        let end =
            rest.find(|c: char| c.is_ascii_whitespace() || matches!(c, '=' | '>')).unwrap_or(rest.len());
        let name = &rest[..end];
        rest = rest[end..].trim_start();
        if let Some(after) = rest.strip_prefix('=') {
            let after = after.trim_start();
            let (value, next) = match after.chars().next() {
                Some(quote @ ('"' | '\'')) => match after[1..].find(quote) {
                    Some(end) => (&after[1..=end], &after[end + 2..]),
                    None => (&after[1..], ""),
                },
                _ => {
                    let end =
                        after.find(|c: char| c.is_ascii_whitespace() || c == '>').unwrap_or(after.len());
                    after.split_at(end)
                }
            };
            found.push((name, value.to_owned()));
            rest = next.trim_start();
        } else if end == 0 {
            // A sign that begins no attribute: it is passed over.
            rest = rest.get(1..).unwrap_or("").trim_start();
        } else {
            found.push((name, String::new()));
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::place_in_page;

    #[test]
    fn the_place_is_read_from_the_head_of_a_page() {
        let check =
            |page: &str, place: Option<&str>| assert_eq!(place_in_page(page).as_deref(), place, "{page}");
        check(
            "<html><head><meta name=\"terraform-get\" content=\"./p.zip?a=1&amp;b=2\" /></head>",
            Some("./p.zip?a=1&b=2"),
        );
        check("<META content='x' NAME=terraform-get>", Some("x"));
        check("<meta charset=utf-8><meta name=\"terraform-get\" content=y>", Some("y"));
        check("<!-- <meta name=\"terraform-get\" content=\"x\"> -->", None);
        check("<body><meta name=\"terraform-get\" content=\"x\">", None);
        check("<meta name=\"terraform-get\"", None);
        check("<meta name=\"terraform-get\" content=\"", Some(""));
        check("<meta é=\"terraform-get\" = = content", None);
    }
}
