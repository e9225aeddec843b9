//! The binary: the only composition root.
