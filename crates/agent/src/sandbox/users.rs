//! Who a program runs as: the image's words looked up in the texts of `/etc/passwd` and `/etc/group`. It reads no files.

/// Numbers of a user.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct User {
    /// User id.
    pub(crate) uid: u32,
    /// Group id.
    pub(crate) gid: u32,
    /// Supplementary groups.
    pub(crate) groups: Vec<u32>,
    /// Home folder.
    pub(crate) home: String,
}

/// Resolves `""`, `uid`, `uid:gid`, `name` or `name:group`.
pub(crate) fn resolve(words: &str, passwd: &str, group: &str) -> Result<User, String> {
    let (user, named_group) = match words.split_once(':') {
        Some((user, named_group)) => (user, Some(named_group)),
        None => (words, None),
    };
    let user = if user.is_empty() { "0" } else { user };
    let number = user.parse::<u32>().ok();
    let line =
        rows(passwd).find(|row| row.first() == Some(&user) || (number.is_some() && column(row, 2) == number));
    let (uid, mut gid, name, home) = match (&line, number) {
        (Some(row), _) => {
            let uid = column(row, 2).ok_or_else(|| format!("/etc/passwd has no number for user `{user}`"))?;
            let home = row.get(5).copied().filter(|home| !home.is_empty()).unwrap_or("/");
            (uid, column(row, 3).unwrap_or(0), row[0], home)
        }
        (None, Some(uid)) => (uid, 0, "", if uid == 0 { "/root" } else { "/" }),
        (None, None) => return Err(format!("the image's /etc/passwd has no user `{user}`")),
    };
    // A group that was named stands alone; without one, the user's groups are those of the image.
    let mut groups = Vec::new();
    match named_group.filter(|named| !named.is_empty()) {
        Some(named) => {
            gid = match named.parse() {
                Ok(gid) => gid,
                Err(_) => rows(group)
                    .find(|row| row.first() == Some(&named))
                    .and_then(|row| column(&row, 2))
                    .ok_or_else(|| format!("the image's /etc/group has no group `{named}`"))?,
            };
        }
        None if !name.is_empty() => {
            groups.extend(
                rows(group)
                    .filter(|row| {
                        row.get(3).is_some_and(|members| members.split(',').any(|member| member == name))
                    })
                    .filter_map(|row| column(&row, 2))
                    .filter(|supplementary| *supplementary != gid),
            );
        }
        None => {}
    }
    Ok(User { uid, gid, groups, home: home.to_owned() })
}

fn rows(text: &str) -> impl Iterator<Item = Vec<&str>> {
    text.lines().filter(|line| !line.starts_with('#')).map(|line| line.split(':').collect())
}

fn column(row: &[&str], at: usize) -> Option<u32> {
    row.get(at)?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PASSWD: &str = "root:x:0:0:root:/root:/bin/sh\nweb:x:33:34:web:/var/www:/bin/sh\n";
    const GROUP: &str = "root:x:0:\nweb:x:34:\nlogs:x:4:web,root\n";

    fn check(words: &str, expect: Result<(u32, u32, &[u32], &str), &str>) {
        let found = resolve(words, PASSWD, GROUP);
        let found =
            found.as_ref().map(|user| (user.uid, user.gid, user.groups.as_slice(), user.home.as_str()));
        assert_eq!(found.map_err(String::as_str), expect, "{words}");
    }

    #[test]
    fn users_are_found_by_number_and_by_name() {
        check("", Ok((0, 0, &[4], "/root")));
        check("web", Ok((33, 34, &[4], "/var/www")));
        check("web:logs", Ok((33, 4, &[], "/var/www")));
        check("33:9", Ok((33, 9, &[], "/var/www")));
        check("1000", Ok((1000, 0, &[], "/")));
        check("nobody", Err("the image's /etc/passwd has no user `nobody`"));
        check("web:staff", Err("the image's /etc/group has no group `staff`"));
    }
}
