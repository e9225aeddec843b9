//! What can go wrong with images. Each error names the thing and the cause; a text never repeats its source's.

use std::io;
use std::path::{Path, PathBuf};

use crate::Digest;

/// Why an image could not be built, stored or unpacked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file system refused something.
    #[error("cannot {action} {path}", path = path.display())]
    Io {
        /// What was being done, such as `create`.
        action: &'static str,
        /// To what.
        path: PathBuf,
        /// What the kernel said.
        #[source]
        source: io::Error,
    },
    /// A text that should be a digest is none.
    #[error("{text:?} is not a digest; one is `sha256:` followed by 64 lower-case hexadecimal digits")]
    BadDigest {
        /// The text, cut after 100 characters.
        text: String,
    },
    /// A folder is not an OCI layout, or of a version that is not known.
    #[error("{path} is not an OCI image layout: {cause}", path = path.display())]
    NotALayout {
        /// The folder.
        path: PathBuf,
        /// What is missing or wrong.
        cause: String,
    },
    /// No image of the layout has this name or digest, or none was named and there is not exactly one.
    #[error("{layout} has no image {reference}; it has {known}", layout = layout.display())]
    UnknownImage {
        /// What was asked for.
        reference: String,
        /// The layout's folder.
        layout: PathBuf,
        /// The names that it has, for the message.
        known: String,
    },
    /// A name that an image cannot have.
    #[error("{name:?} cannot name an image: {cause}")]
    BadName {
        /// The name.
        name: String,
        /// Why not.
        cause: &'static str,
    },
    /// A blob is referred to but not there.
    #[error("{layout} lacks the blob {digest}; put it there before what refers to it", layout = layout.display())]
    MissingBlob {
        /// The blob.
        digest: Digest,
        /// The layout's folder.
        layout: PathBuf,
    },
    /// Bytes are not those that their descriptor promises.
    #[error("the bytes of {promised} are not what its descriptor says: {cause}")]
    WrongBlob {
        /// The digest that was promised.
        promised: Digest,
        /// What differs.
        cause: String,
    },
    /// A manifest, index or configuration cannot be understood.
    #[error("{what} is malformed")]
    Malformed {
        /// Which document.
        what: String,
        /// What is wrong in it.
        #[source]
        source: serde_json::Error,
    },
    /// A manifest, index or configuration contradicts itself or uses what is not supported.
    #[error("the image {digest} cannot be used: {cause}")]
    Unusable {
        /// The manifest or index.
        digest: Digest,
        /// Why.
        cause: String,
    },
    /// A layer is refused. Nothing of it was kept.
    #[error("layer {layer} is refused at {entry:?}: {cause}")]
    Layer {
        /// Digest of the layer's blob.
        layer: Digest,
        /// The entry that is at fault, or the one after which the layer broke off.
        entry: String,
        /// Why.
        cause: String,
    },
    /// A file that a build needs is missing, cannot be read, or may not go into an image.
    #[error("{purpose}: {path} {cause}", path = path.display())]
    Source {
        /// The file or folder.
        path: PathBuf,
        /// What it was for, such as `the source of /app/server`.
        purpose: String,
        /// What is wrong with it.
        cause: String,
    },
    /// A program whose libraries cannot be told.
    #[error("the program {program} cannot be put into the image: {cause}", program = program.display())]
    Program {
        /// The program as it was named.
        program: PathBuf,
        /// Why.
        cause: String,
    },
    /// An archive that should hold an image cannot be read as one.
    #[error("{path} is no archive of an image: {cause}", path = path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        cause: String,
    },
    /// A build's description contradicts itself.
    #[error("the build is wrong: {cause}")]
    BadSpec {
        /// What is wrong.
        cause: String,
    },
}

impl Error {
    pub(crate) fn io(action: &'static str, path: impl AsRef<Path>) -> impl FnOnce(io::Error) -> Self {
        let path = path.as_ref().to_owned();
        move |source| Self::Io { action, path, source }
    }

    pub(crate) fn malformed(what: impl Into<String>) -> impl FnOnce(serde_json::Error) -> Self {
        let what = what.into();
        move |source| Self::Malformed { what, source }
    }
}
