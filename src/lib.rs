//! maysend.

pub mod model;

pub mod authorize;
pub mod catalog;
pub mod decide;
pub mod fingerprint;
pub mod index;
pub mod profile;
pub mod transition;

pub mod cli;
pub mod grpc;

pub mod keys;
pub mod record;
pub mod token;
