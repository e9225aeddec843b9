//! What names mean: looked up once, after loading, and written into the tree, so that evaluating compares no names.

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// placeholder
    Slot(u32),
}
