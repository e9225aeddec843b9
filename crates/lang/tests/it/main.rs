//! The language as its users meet it.

mod expressions;
mod faults;
mod formatting;
mod functions;
mod json;
mod projects;
mod recorded;
mod robustness;
mod second_reading;
mod stacks;
mod values;
