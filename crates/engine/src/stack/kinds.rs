//! Kinds of resources: what they look like and what they are identified by. A large provider has thousands of them and a run uses a few,
//! so that each is only made when it is asked for.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, OnceLock};

use lang::schema::Block;
use value::Type;

use super::provider::Part;

/// A block that a provider describes.
#[derive(Debug, Clone, Default)]
pub struct KindSchema {
    /// The schema's version.
    pub version: u64,
    /// What it may hold.
    pub block: Arc<Block>,
    /// What its objects are identified by, where the provider says so.
    pub identity: Option<Arc<IdentitySchema>>,
}

/// What the objects of a kind are identified by: enough to find one again, and the same as long as it lives.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentitySchema {
    /// The version.
    pub version: u64,
    /// Its parts, by name.
    pub attributes: BTreeMap<Arc<str>, IdentityAttribute>,
}

/// A part of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentityAttribute {
    /// Its type.
    pub ty: Type,
    /// Whether an object cannot be looked up without it.
    pub is_required: bool,
    /// What it is.
    pub doc: String,
}

/// An object's identity: the version of the identity's schema, and its parts as JSON, as the state has them.
pub type Identity = (u64, serde_json::Value);

impl IdentitySchema {
    /// The type of an identity.
    #[must_use]
    pub fn ty(&self) -> Type {
        Type::object(self.attributes.iter().map(|(name, attribute)| (name.clone(), attribute.ty.clone())))
    }
}

/// Where kinds come from that are not made yet.
pub trait KindSource: Send + Sync {
    /// What a kind looks like; `None` if that cannot be read any more.
    fn load(&self, part: Part, kind: &str) -> Option<KindSchema>;
}

/// Kinds by name.
#[derive(Clone, Default)]
pub struct Kinds {
    known: BTreeMap<Arc<str>, OnceLock<Option<KindSchema>>>,
    source: Option<(Part, Arc<dyn KindSource>)>,
}

impl Kinds {
    /// Kinds that are made when they are asked for.
    pub fn later<N: Into<Arc<str>>>(
        part: Part,
        names: impl IntoIterator<Item = N>,
        source: Arc<dyn KindSource>,
    ) -> Self {
        let known = names.into_iter().map(|name| (name.into(), OnceLock::new())).collect();
        Self { known, source: Some((part, source)) }
    }

    /// The kind of a name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&KindSchema> {
        let slot = self.known.get(name)?;
        let load = || self.source.as_ref().and_then(|(part, source)| source.load(*part, name));
        slot.get_or_init(load).as_ref()
    }

    /// All names, in order.
    pub fn keys(&self) -> impl Iterator<Item = &Arc<str>> {
        self.known.keys()
    }

    /// All kinds; whatever was not made before is made.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &KindSchema)> {
        self.known.keys().filter_map(|name| Some((name, self.get(name)?)))
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }
}

impl<N: Into<Arc<str>>> FromIterator<(N, KindSchema)> for Kinds {
    fn from_iter<I: IntoIterator<Item = (N, KindSchema)>>(kinds: I) -> Self {
        let known = kinds.into_iter().map(|(name, kind)| (name.into(), OnceLock::from(Some(kind))));
        Self { known: known.collect(), source: None }
    }
}

impl<N: Into<Arc<str>>, const MANY: usize> From<[(N, KindSchema); MANY]> for Kinds {
    fn from(kinds: [(N, KindSchema); MANY]) -> Self {
        kinds.into_iter().collect()
    }
}

impl fmt::Debug for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.known.keys()).finish()
    }
}
