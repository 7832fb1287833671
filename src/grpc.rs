//! The gRPC edge: what `proto/` declares, as types, and how the hot calls travel.
//!
//! The generated code is included here and nowhere else. Requests become words of the model in this
//! module's children, so nothing below the edge knows the wire.

pub mod codec;
pub mod passage;
pub mod peer;

mod access;
mod caller;
mod calls;
mod catalog;
mod change;
mod consent;
mod decision;
mod decode;
mod drain;
mod edge;
mod encode;
mod erasure;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
mod gate;
mod lane;
mod note;
mod observe;
mod preference;
mod refusal;
mod spend;
mod status;
#[cfg(feature = "otel")]
mod trace;

pub use self::calls::{CODES, Calls, Method, Questions, outcome_name, verdict_name};
pub use self::edge::{Most, SERVICES, WRITING_SERVICES, routes};
pub use self::gate::Gate;
pub use self::lane::Lane;
pub use self::observe::observed;

/// The package `maysend.v1`: messages, clients and server traits.
///
/// `DecisionService` takes its own types in `Check` and `CheckStream`: [`codec::CheckAsk`] and
/// [`codec::CheckAnswer`] stand for the four messages of these calls, which are here as well.
#[expect(
    clippy::allow_attributes_without_reason,
    clippy::as_conversions,
    clippy::missing_errors_doc,
    reason = "generated code"
)]
pub mod api {
    tonic::include_proto!("maysend.v1");
    tonic::include_proto!("maysend.v1.DecisionService");
}

/// The encoded descriptor set of the package and its imports, comments included, for reflection.
pub const DESCRIPTOR: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptor.bin"));

#[cfg(test)]
mod tests;
