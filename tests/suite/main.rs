//! One binary for all integration tests; each behavior is one module.
#![cfg_attr(
    test,
    expect(
        clippy::disallowed_methods,
        reason = "tests have their own clock, tasks and parameters"
    )
)]

#[cfg(test)]
mod clerk_asks_for_erasure;
#[cfg(test)]
mod clerk_blocks_brands;
#[cfg(test)]
mod clerk_explains;
#[cfg(test)]
mod clerk_imports_a_list;
#[cfg(test)]
mod clerk_manages_consent;
#[cfg(test)]
mod damage;
#[cfg(test)]
mod desk;
#[cfg(test)]
mod doorkeeper;
#[cfg(test)]
mod drains;
#[cfg(test)]
mod encrypted;
#[cfg(test)]
mod erased_beyond_recovery;
#[cfg(test)]
mod every_role_and_call;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod interrupted;
#[cfg(test)]
mod kill;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod no_address_is_told;
#[cfg(test)]
mod nobody_without_a_yes;
#[cfg(test)]
mod only_those_with_a_key;
#[cfg(test)]
mod operator_sets_up;
#[cfg(test)]
mod owner_asks_what_is_held;
#[cfg(test)]
mod owner_comes_back;
#[cfg(test)]
mod port;
#[cfg(test)]
mod process;
#[cfg(test)]
mod raw;
#[cfg(test)]
mod restore_drill;
#[cfg(test)]
mod rules;
#[cfg(test)]
mod sender_checks_a_mail;
#[cfg(test)]
mod system_follows;
#[cfg(test)]
mod tidy;
#[cfg(test)]
mod told_to_systemd;
#[cfg(test)]
mod what_is_measured;
#[cfg(test)]
mod world;
