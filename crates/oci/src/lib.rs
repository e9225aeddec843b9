//! Images: build, store as an OCI layout, unpack.
