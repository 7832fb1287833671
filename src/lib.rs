//! maysend.

pub mod model;

pub mod catalog;
pub mod decide;
pub mod profile;

pub mod keys;
pub mod record;
pub mod token;
