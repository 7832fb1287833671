//! One binary for all integration tests; each behavior is one module.
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "tests have their own clock, tasks and parameters"
    )
)]

#[cfg(test)]
mod damage;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod process;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod system_follows;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod world;
