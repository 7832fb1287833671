//! The rules against the naive model: the decision, the writes one by one, and long sequences.

mod acts;
mod again;
mod arbitrary;
mod decision;
mod deeds;
mod import;
mod lived;
mod owner;
mod pair;
mod promises;
mod reasons;
mod say;
mod sequences;
mod writes;
