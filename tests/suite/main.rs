//! One binary for all integration tests; each behavior is one module.

mod naive;
mod rules;
mod world;
