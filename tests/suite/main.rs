//! One binary for all integration tests; each behavior is one module. The attribute tells clippy
//! that they are tests, which may unwrap.

#[cfg(test)]
mod damage;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod world;
