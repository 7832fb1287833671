//! maysend.

pub mod model;

pub mod catalog;
pub mod decide;
pub mod index;
pub mod profile;
