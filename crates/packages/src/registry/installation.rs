//! `provider_installation` of the command line's configuration: which ways there are to a provider's package, and which providers each
//! of them is for. Nothing is looked for here.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lang::ProviderAddress;
use lang::syntax::{Block, Expr, ExprKind, TokenKind, tokenize};
use url::{Host, Url};

/// Ways to providers, in the order in which they are written.
#[derive(Debug, Clone, Default)]
pub struct ProviderInstallation {
    /// The ways.
    pub methods: Vec<InstallationMethod>,
    /// Folders with providers that are being developed: used as they are, without versions and hashes.
    pub dev_overrides: BTreeMap<ProviderAddress, PathBuf>,
}

/// One way, and whom it is for.
#[derive(Debug, Clone)]
pub struct InstallationMethod {
    /// The way.
    pub kind: MethodKind,
    /// The providers that it is for; `None` for all.
    pub include: Option<Vec<ProviderPattern>>,
    /// The providers that it is not for.
    pub exclude: Vec<ProviderPattern>,
}

/// A way to a provider's package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum MethodKind {
    /// A folder of this machine.
    FilesystemMirror(PathBuf),
    /// A server that keeps copies.
    NetworkMirror(Url),
    /// The registry that the provider's address names.
    Direct,
}

/// Providers by host, owner and name, each of which may be `*`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderPattern([String; 3]);

impl InstallationMethod {
    /// A way for every provider.
    #[must_use]
    pub fn for_all(kind: MethodKind) -> Self {
        Self { kind, include: None, exclude: Vec::new() }
    }

    /// Whether a provider may be had this way.
    #[must_use]
    pub fn is_for(&self, address: &ProviderAddress) -> bool {
        let is_any = |patterns: &[ProviderPattern]| patterns.iter().any(|it| it.matches(address));
        self.include.as_ref().is_none_or(|patterns| is_any(patterns)) && !is_any(&self.exclude)
    }
}

impl ProviderPattern {
    /// Exactly one provider.
    #[must_use]
    pub fn of(address: &ProviderAddress) -> Self {
        let (host, owner, name) = address.parts();
        Self([host, owner, name].map(str::to_owned))
    }

    /// Reads `hashicorp/aws`, `example.com/*/*` and the like.
    ///
    /// # Errors
    /// A sentence that says what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts: Vec<&str> = text.split('/').collect();
        let parts = match parts[..] {
            [owner, name] => ["registry.terraform.io", owner, name],
            [host, owner, name] => [host, owner, name],
            _ => {
                return Err(format!(
                    "the pattern \"{text}\" has neither two nor three parts with `/` between them"
                ));
            }
        };
        for (place, part) in parts.iter().enumerate() {
            if *part != "*" && place > 0 && parts[place - 1] == "*" {
                return Err(format!("in the pattern \"{text}\" only `*` may follow a `*`"));
            }
            let is_right = *part == "*"
                || if place == 0 {
                    Host::parse(part.split(':').next().unwrap_or("")).is_ok()
                } else {
                    is_name(part)
                };
            if !is_right {
                return Err(format!("in the pattern \"{text}\", `{part}` is neither `*` nor a name"));
            }
        }
        Ok(Self(parts.map(str::to_lowercase)))
    }

    /// Whether a provider is one of these.
    #[must_use]
    pub fn matches(&self, address: &ProviderAddress) -> bool {
        let (host, owner, name) = address.parts();
        self.0.iter().zip([host, owner, name]).all(|(pattern, part)| pattern == "*" || pattern == part)
    }
}

fn is_name(part: &str) -> bool {
    crate::providers::is_part(part)
}

/// `dev_overrides { "a/b" = "…" }` in the form of an attribute, which is what quoted names can stand in. Lines stay where they are.
pub(super) fn with_overrides_as_attribute(text: &str) -> String {
    let tokens = tokenize(text);
    let mut rewritten = text.to_owned();
    for pair in tokens.windows(2).rev() {
        let is_head = pair[0].kind == TokenKind::Identifier && pair[0].text(text) == "dev_overrides";
        if is_head && pair[1].kind == TokenKind::OpenBrace {
            rewritten.insert_str(pair[0].end as usize, " =");
        }
    }
    rewritten
}

/// Reads the block; tells each fault with its offset in the text.
pub(super) fn read(block: &Block) -> (ProviderInstallation, Vec<(u32, String)>) {
    let mut installation = ProviderInstallation::default();
    let mut faults = Vec::new();
    if !block.labels.is_empty() {
        faults.push((block.header().start, "`provider_installation` has no labels".to_owned()));
    }
    for attribute in &block.body.attributes {
        let start = attribute.name.span.start;
        if &*attribute.name.name == "dev_overrides" {
            match overrides(&attribute.expr) {
                Ok(found) => installation.dev_overrides = found,
                Err(cause) => faults.push((start, cause)),
            }
        } else {
            faults.push((start, format!("`{}` is no way to install providers", attribute.name.name)));
        }
    }
    for method in &block.body.blocks {
        match read_method(method) {
            Ok(method) => installation.methods.push(method),
            Err(cause) => faults.push((method.header().start, cause)),
        }
    }
    (installation, faults)
}

fn read_method(block: &Block) -> Result<InstallationMethod, String> {
    let kind = &*block.kind.name;
    let named = match kind {
        "filesystem_mirror" => Some("path"),
        "network_mirror" => Some("url"),
        "direct" => None,
        other => return Err(format!("there is no way `{other}` to install providers")),
    };
    for attribute in &block.body.attributes {
        let name = &*attribute.name.name;
        if Some(name) != named && !matches!(name, "include" | "exclude") {
            return Err(format!("`{kind}` has no argument `{name}`"));
        }
    }
    if let Some(inner) = block.body.blocks.first() {
        return Err(format!("`{kind}` has no block `{}`", inner.kind.name));
    }
    let place = match named {
        None => None,
        Some(named) => {
            let text = block.body.attribute(named).map(|it| text_of(&it.expr).ok_or(())).transpose();
            let text = text.map_err(|()| format!("`{named}` of `{kind}` is a text in quotes"))?;
            Some(text.filter(|it| !it.is_empty()).ok_or_else(|| format!("`{kind}` needs `{named}`"))?)
        }
    };
    let patterns = |name: &str| -> Result<Option<Vec<ProviderPattern>>, String> {
        let Some(attribute) = block.body.attribute(name) else { return Ok(None) };
        let wrong = || format!("`{name}` of `{kind}` is a list of patterns in quotes");
        let ExprKind::Tuple(elements) = &attribute.expr.kind else { return Err(wrong()) };
        let read = |element: &Expr| ProviderPattern::parse(&text_of(element).ok_or_else(wrong)?);
        elements.iter().map(read).collect::<Result<_, _>>().map(Some)
    };
    let (include, exclude) = (patterns("include")?, patterns("exclude")?.unwrap_or_default());
    let kind = match (kind, place) {
        ("filesystem_mirror", Some(path)) => MethodKind::FilesystemMirror(path.into()),
        ("network_mirror", Some(text)) => MethodKind::NetworkMirror(mirror_url(&text)?),
        _ => MethodKind::Direct,
    };
    Ok(InstallationMethod { kind, include, exclude })
}

/// The address of a network mirror: HTTPS, since nothing else protects what comes from it; this machine needs no protection from itself.
///
/// # Errors
/// A sentence that says what is wrong with it.
pub(crate) fn mirror_url(text: &str) -> Result<Url, String> {
    let mut url = Url::parse(text).map_err(|e| format!("\"{text}\" is no URL: {e}"))?;
    let is_loopback = match url.host() {
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        Some(Host::Domain(_)) | None => false,
    };
    if url.scheme() != "https" && !(url.scheme() == "http" && is_loopback) {
        return Err(format!("\"{text}\" cannot be a mirror: it has to be at an https: URL"));
    }
    if url.query().is_some() || url.fragment().is_some() {
        return Err(format!("\"{text}\" cannot be a mirror: it may have neither `?` nor `#`"));
    }
    if !url.path().ends_with('/') {
        url.set_path(&format!("{}/", url.path()));
    }
    Ok(url)
}

fn overrides(expr: &Expr) -> Result<BTreeMap<ProviderAddress, PathBuf>, String> {
    let wrong =
        || "`dev_overrides` are providers and folders, such as `\"acme/foo\" = \"/folder\"`".to_owned();
    let ExprKind::Object(items) = &expr.kind else { return Err(wrong()) };
    let read = |(source, folder): (String, String)| {
        let address = ProviderAddress::of_source(&source);
        crate::providers::check_address(&address)
            .map_err(|cause| format!("\"{source}\" is no provider: {cause}"))?;
        Ok((address, PathBuf::from(folder)))
    };
    items.iter().map(|item| read(text_of(&item.key).zip(text_of(&item.value)).ok_or_else(wrong)?)).collect()
}

fn text_of(expr: &Expr) -> Option<String> {
    match &expr.kind {
        ExprKind::Literal(value) => value.as_str().map(str::to_owned),
        _ => None,
    }
}
