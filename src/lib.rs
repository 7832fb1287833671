//! maysend.

pub mod model;

pub mod catalog;
pub mod decide;
pub mod ledger;
pub mod profile;
