//! The targets of the commands, where `crate::fuzz` finds them.

pub(crate) use super::filter::fuzz::target as filter;
pub(crate) use super::import::fuzz::target as import;
pub(crate) use super::lint::fuzz::target as lint;
