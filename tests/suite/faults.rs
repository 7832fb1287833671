//! Faults of the whole process: the real binary on a disk that forgets, fails or is full, with a
//! clock that jumps, on directories that it must not touch. docs/faults.md says what is promised,
//! and what these tests found.

mod backed_up;
mod clock;
mod disk;
mod errors;
mod full;
mod people;
mod power;
mod refused;
mod repaired;
mod soak;

/// A number of the environment: more finds more.
fn parameter(name: &str, default: usize) -> usize {
    std::env::var(name).map_or(default, |text| text.parse().unwrap())
}
