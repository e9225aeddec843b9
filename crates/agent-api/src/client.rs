//! The client of an agent.
