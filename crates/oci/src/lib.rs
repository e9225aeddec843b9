//! Images: pull, push, build, store as an OCI layout, unpack.
//!
//! [`Layout`] is a folder of images as the OCI image specification 1.1 lays it out, [`build`] makes an image of files of
//! this machine and puts it into one, and [`unpack`] and [`ensure_layer`] turn its layers into folders. All of it is
//! synchronous: a caller inside an async runtime uses its blocking threads. Only [`registry`], which pulls images into a layout
//! and pushes them out of it, is asynchronous.
//!
//! It runs nothing, mounts nothing, and reads no clock for anything that goes into an image.

mod archive;
mod build;
mod digest;
mod error;
mod image;
pub mod import;
mod layout;
pub mod registry;
mod unpack;

pub use build::{Base, BuildSpec, BuiltImage, FileEntry, LayerSpec, Settings, build};
pub use digest::{Digest, Hasher};
pub use error::Error;
pub use image::{
    Architecture, Descriptor, ExposedPort, Image, ImageConfig, Index, Layer, Manifest, MediaType, Platform,
    PortProtocol, RootFs, RunConfig, User,
};
pub use layout::{BlobWriter, Collected, ImageSummary, Layout, Writing};
pub use registry::Reference;
pub use unpack::{
    Limits, Ownership, UnpackOptions, WhiteoutForm, ensure_layer, prune_layers, unpack, unpack_layer,
};

/// The result of this crate's functions.
pub type Result<T, E = Error> = std::result::Result<T, E>;
