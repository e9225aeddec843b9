//! Addresses, graph, plan, apply; the traits Provider and Store.
