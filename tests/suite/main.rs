//! One binary for all integration tests; each behavior is one module.

mod damage;
mod naive;
mod rules;
mod world;
