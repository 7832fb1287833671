//! maysend.

pub mod model;

pub mod catalog;
pub mod decide;
pub mod fingerprint;
pub mod profile;
