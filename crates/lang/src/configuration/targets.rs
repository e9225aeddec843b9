//! Addresses as a configuration writes them: `module.net["eu"].aws_vpc.main[0]`, without quotes around all of it.

use std::sync::Arc;

use diag::{Diagnostic, Span};

use crate::address::{Address, Key, Mode, ModulePath, ModuleStep, ResourceKind, Target};
use crate::syntax::{Expr, ExprKind, Identifier, Step};

/// An address and the keys in it that are expressions.
pub(super) struct Written {
    pub target: Target,
    /// Keys of modules that are no constants: which step of the path, and its key.
    pub module_keys: Vec<(usize, Expr)>,
    /// The last key of a resource, if it is no constant.
    pub key: Option<Expr>,
    pub span: Span,
}

/// Reads an address. Keys that are no constants are told apart by `may_compute`.
pub(super) fn read(expr: Expr, may_compute: bool) -> Result<Written, Box<Diagnostic>> {
    let span = expr.span;
    let is_constant = |step: &Step| match step {
        Step::Attribute(_) | Step::LegacyIndex(..) => true,
        Step::Index(key, _) => matches!(key.kind, ExprKind::Literal(_)),
        Step::Splat { .. } => false,
    };
    let is_written = match &expr.kind {
        ExprKind::Name(_) => true,
        ExprKind::Literal(value) => value.as_str().is_none() && value.as_number().is_none(),
        ExprKind::Traversal(source, steps) => {
            matches!(source.kind, ExprKind::Name(_)) && steps.iter().all(is_constant)
        }
        _ => false,
    };
    let not_an_address = || {
        Box::new(
            Diagnostic::error("invalid-address", "this is not the address of a resource or module")
                .summary(if is_written { "Invalid address" } else { "Invalid expression" })
                .at(span)
                .hint("write it without quotes, as in `aws_vpc.main` or `module.net.aws_vpc.main[0]`"),
        )
    };
    let (root, steps) = match expr.kind {
        ExprKind::Name(name) => (Identifier { name, span }, Vec::new()),
        ExprKind::Traversal(source, steps) => match source.kind {
            ExprKind::Name(name) => (Identifier { name, span: source.span }, steps),
            _ => return Err(not_an_address()),
        },
        _ => return Err(not_an_address()),
    };
    let mut reader =
        AddressReader { steps: steps.into_iter().peekable(), module_keys: Vec::new(), may_compute };
    match reader.address(root) {
        Some((target, key)) => Ok(Written { target, module_keys: reader.module_keys, key, span }),
        None => Err(not_an_address()),
    }
}

/// Names that cannot be a kind of resource in an address, since expressions know them otherwise.
const RESERVED: [&str; 10] =
    ["var", "local", "self", "each", "count", "path", "terraform", "template", "lazy", "arg"];

/// As [`read`], where a kind of resource has a name of its own.
pub(super) fn read_declared(expr: Expr, may_compute: bool) -> Result<Written, Box<Diagnostic>> {
    let written = read(expr, may_compute)?;
    match &written.target {
        Target::Resource(address) if RESERVED.contains(&address.kind.as_str()) => Err(Box::new(
            Diagnostic::error("invalid-address", format!("`{}` is no kind of resource", address.kind))
                .at(written.span)
                .hint("write it as in `aws_vpc.main` or `module.net.aws_vpc.main[0]`"),
        )),
        _ => Ok(written),
    }
}

struct AddressReader {
    steps: std::iter::Peekable<std::vec::IntoIter<Step>>,
    module_keys: Vec<(usize, Expr)>,
    may_compute: bool,
}

/// A key as it is written.
enum WrittenKey {
    None,
    Constant(Key),
    Computed(Expr),
}

impl AddressReader {
    fn address(&mut self, mut root: Identifier) -> Option<(Target, Option<Expr>)> {
        let mut path = Vec::new();
        while root.name.as_ref() == "module" {
            let name = self.name()?.name;
            let key = match self.key()? {
                WrittenKey::None => None,
                WrittenKey::Constant(key) => Some(key),
                WrittenKey::Computed(expr) => {
                    self.module_keys.push((path.len(), expr));
                    None
                }
            };
            path.push(ModuleStep { name, key });
            if self.steps.peek().is_none() {
                return Some((Target::Module(ModulePath(path.into())), None));
            }
            root = self.name()?;
        }
        let (mode, kind) = match root.name.as_ref() {
            "data" => (Mode::Data, self.name()?.name),
            "ephemeral" => (Mode::Ephemeral, self.name()?.name),
            "resource" => (Mode::Managed, self.name()?.name),
            _ => (Mode::Managed, root.name),
        };
        let name: Arc<str> = self.name()?.name;
        let (key, computed) = match self.key()? {
            WrittenKey::None => (None, None),
            WrittenKey::Constant(key) => (Some(key), None),
            WrittenKey::Computed(expr) => (None, Some(expr)),
        };
        if self.steps.next().is_some() {
            return None;
        }
        let address = Address {
            module: ModulePath(path.into()),
            mode,
            kind: ResourceKind::new(kind),
            name,
            key,
            cluster: None,
        };
        Some((Target::Resource(address), computed))
    }

    fn name(&mut self) -> Option<Identifier> {
        match self.steps.next()? {
            Step::Attribute(name) => Some(name),
            _ => None,
        }
    }

    fn key(&mut self) -> Option<WrittenKey> {
        let is_key = matches!(self.steps.peek(), Some(Step::Index(..) | Step::LegacyIndex(..)));
        if !is_key {
            return Some(WrittenKey::None);
        }
        let number = |n: &value::Number| n.to_i64().and_then(|n| u64::try_from(n).ok()).map(Key::Index);
        match self.steps.next()? {
            Step::LegacyIndex(index, _) => number(&index).map(WrittenKey::Constant),
            Step::Index(Expr { kind: ExprKind::Literal(value), .. }, _) => match value.as_str() {
                Some(name) => Some(WrittenKey::Constant(Key::Name(name.into()))),
                None => value.as_number().and_then(number).map(WrittenKey::Constant),
            },
            Step::Index(expr, _) if self.may_compute => Some(WrittenKey::Computed(expr)),
            _ => None,
        }
    }
}
