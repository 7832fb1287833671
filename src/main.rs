//! maysend: the command line.

fn main() {}
