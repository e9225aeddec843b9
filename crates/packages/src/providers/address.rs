//! Addresses of providers as far as an installation needs them: how they are shown, and that they can be parts of paths and URLs.

use lang::ProviderAddress;
use url::Host;

/// The registry whose host is left out where people read.
const DEFAULT_HOST: &str = "registry.terraform.io";
/// What the addresses begin with of providers that are part of this program.
const BUILTIN: &str = "terraform.io/builtin/";

/// As people read it: `hashicorp/aws`, with the host where it is not the usual one.
#[must_use]
pub(crate) fn shown(address: &ProviderAddress) -> &str {
    let text = address.as_str();
    text.strip_prefix(DEFAULT_HOST).and_then(|rest| rest.strip_prefix('/')).unwrap_or(text)
}

/// Whether it is part of this program, and so is never installed.
#[must_use]
pub(crate) fn is_builtin(address: &ProviderAddress) -> bool {
    address.as_str().starts_with(BUILTIN)
}

/// What is wrong with an address that is about to be a part of paths and URLs.
pub(crate) fn check(address: &ProviderAddress) -> Result<(), String> {
    let (host, owner, name) = address.parts();
    let (bare, port) = match host.rsplit_once(':') {
        Some((bare, port)) => (bare, Some(port)),
        None => (host, None),
    };
    let is_host = !bare.is_empty()
        && !bare.contains(['/', '\\'])
        && bare.contains(|c: char| c.is_alphanumeric())
        && Host::parse(bare).is_ok()
        && port.is_none_or(|port| port.parse::<u16>().is_ok());
    if !is_host {
        return Err(format!("`{host}` is not the name of a host"));
    }
    for part in [owner, name] {
        if !is_part(part) {
            return Err(format!("`{part}` is not a name: a name has letters, digits, `-` and `_`"));
        }
    }
    Ok(())
}

/// Whether a text can be an owner or a name: letters of any script, digits, `-` and `_`, neither of which begins or ends it.
pub(crate) fn is_part(text: &str) -> bool {
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_');
    !text.is_empty()
        && text.len() <= 255
        && text.chars().all(inner)
        && !text.starts_with(['-', '_'])
        && !text.ends_with(['-', '_'])
}

/// By host, then owner, then name: the order of the lock file.
pub(crate) fn in_order(left: &ProviderAddress, right: &ProviderAddress) -> std::cmp::Ordering {
    left.parts().cmp(&right.parts())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_shown_short_and_never_leads_out_of_a_folder() {
        assert_eq!(shown(&ProviderAddress::of_source("aws")), "hashicorp/aws");
        assert_eq!(shown(&ProviderAddress::of_source("example.com/a/b")), "example.com/a/b");
        for (source, is_right) in [
            ("aws", true),
            ("example.com:8443/a/b-c", true),
            ("localhost/a/b", true),
            ("../a/b", false),
            ("example.com/../b", false),
            ("example.com/a/b/c", false),
            ("example.com/a/", false),
            ("a b.com/a/b", false),
        ] {
            assert_eq!(check(&ProviderAddress::of_source(source)).is_ok(), is_right, "{source}");
        }
    }
}
