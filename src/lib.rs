//! maysend.

pub mod model;

pub mod authorize;
pub mod catalog;
pub mod checkpoint;
pub mod decide;
pub mod index;
pub mod fingerprint;
pub mod profile;
pub mod transition;

pub mod grpc;

pub mod keys;
pub mod record;
pub mod token;
