//! maysend.

pub mod model;

pub mod catalog;
pub mod checkpoint;
pub mod decide;
pub mod profile;
