//! The crate as its users see it: layouts, builds and unpacking on the real file system.

mod builds;
mod hostile;
mod images;
mod imports;
mod layouts;
mod liar;
mod lying;
mod programs;
mod pulled;
mod registry;
mod round_trip;
mod unpacking;
