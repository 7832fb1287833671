//! The rules against the naive model: the decision, the writes one by one, and long sequences.

mod arbitrary;
mod decision;
mod deeds;
mod import;
mod owner;
mod pair;
mod promises;
mod say;
mod sequences;
mod writes;
