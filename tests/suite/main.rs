//! One binary for all integration tests; each behavior is one module.

mod damage;
mod kill;
mod naive;
mod process;
mod rules;
mod world;
