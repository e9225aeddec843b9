//! The program with a provider of the tests' own: installed from a mirror, killed at every moment, given what an environment declares,
//! and compared with Terraform, which runs the same one.

mod caller;
mod doubts;
mod killed;
mod midway;
mod powers;
mod project;
mod rig;
mod shown;
