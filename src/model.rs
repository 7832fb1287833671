//! The words: plain data that every other module speaks. No I/O, no clock, no wire, no disk.
//!
//! A value of one of these types is already parsed: an identifier is well-formed, a scope names
//! what the catalog knows, an address is in canonical form. Checks live where bytes become words.

pub mod actor;
pub mod address;
pub mod campaign;
pub mod command;
pub mod day;
pub mod event;
pub mod evidence;
pub mod fact;
pub mod fingerprint;
pub mod language;
pub mod revision;
pub mod scope;
pub mod verdict;
