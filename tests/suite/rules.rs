//! The rules against the naive model: the decision, the writes one by one, and long sequences.

mod arbitrary;
mod decision;
mod deeds;
mod owner;
mod pair;
mod promises;
mod reasons;
mod say;
mod sequences;
mod writes;
