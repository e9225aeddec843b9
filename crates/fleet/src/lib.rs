//! The provider of services: observe, compare, roll out.
