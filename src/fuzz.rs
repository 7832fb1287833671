//! Fuzz targets: every parser that meets foreign octets, and what must hold of it.
//!
//! A target lies beside what it looks at, in a child module `fuzz`, and so sees what is private
//! there; this module is the list of them. Nothing of it is in an ordinary build: it is compiled for
//! tests, and by libFuzzer's build (`--cfg fuzzing`), whose binary is the package in `fuzz/`.
//!
//! One harness, two drivers. `cargo test` replays `fuzz/corpus/` and then so many mutations of it,
//! drawn from a seed: bounded, on stable, the same each time. `bash tests/fuzz MINUTES` lets
//! libFuzzer look for new ways through the code. What it finds becomes a file of the corpus, so that
//! the first never forgets it.

use crate::catalog::Names;

#[cfg(test)]
mod mutation;
#[cfg(test)]
mod tests;

/// Runs on any octets and says whether they were accepted. It panics where a promise is broken.
pub type Target = fn(&[u8]) -> bool;

/// Seeds by their names.
#[cfg(test)]
pub(crate) type Seeds = Vec<(String, Vec<u8>)>;

/// Every target, by the name of its corpus.
pub const TARGETS: &[(&str, Target)] = &[
    ("address", crate::model::address::fuzz::target),
    ("answer", crate::grpc::codec::fuzz::answer),
    ("ask", crate::grpc::codec::fuzz::ask),
    ("backup", crate::backup::fuzz::target),
    ("catalog", crate::catalog::parse::fuzz::target),
    ("credentials", crate::credentials::fuzz::target),
    ("filter", crate::cli::fuzz::filter),
    ("form", crate::web::fuzz::target),
    ("image", crate::index::fuzz::target),
    ("import", crate::cli::fuzz::import),
    ("keys", crate::keys::fuzz::target),
    ("ledger", crate::ledger::fuzz::target),
    ("lint", crate::cli::fuzz::lint),
    ("record", crate::record::fuzz::target),
    ("seal", crate::checkpoint::fuzz::target),
    ("token", crate::token::fuzz::target),
];

/// The target of this name.
#[must_use]
pub fn target(name: &str) -> Option<Target> {
    TARGETS.iter().find(|(known, _)| *known == name).map(|(_, target)| *target)
}

/// The names that seeds refer to.
pub(crate) fn names() -> Names {
    let mut names = Names::default();
    for (controller, brands) in [("buehne", ["festival", "theater"]), ("kino", ["kino", "cafe"])] {
        let Ok(controller) = names.add_controller(controller) else { continue };
        for brand in brands {
            let Ok(brand) = names.add_brand(controller, brand) else { continue };
            for topic in ["news", "programm"] {
                assert!(names.add_topic(brand, topic).is_ok());
            }
        }
    }
    names
}

#[cfg(test)]
pub(crate) fn named<N: ToString>(seeds: Vec<(N, Vec<u8>)>) -> Seeds {
    seeds.into_iter().map(|(name, octets)| (name.to_string(), octets)).collect()
}
