//! What the signatures of a message cover (DKIM, RFC 6376).

use super::header::{LIST_UNSUBSCRIBE, LIST_UNSUBSCRIBE_POST};
use super::letter::Letter;
use crate::cli::point::Point;

const NAME: &str = "DKIM-Signature";

/// What a signature says of what it covers.
#[derive(Debug, Default, PartialEq, Eq)]
struct Signature {
    /// The names in `h=`, in lower case.
    names: Vec<String>,
    /// `l=` is there: it covers the beginning of the body alone.
    is_limited: bool,
}

impl Signature {
    /// Reads the tags of a signature (RFC 6376 section 3.2). One with two `h=` covers nothing: with a
    /// tag twice it is none.
    fn read(value: &str) -> Self {
        let mut signature = Self::default();
        let mut lists = 0;
        for tag in value.split(';') {
            let Some((tag, value)) = tag.split_once('=') else { continue };
            match tag.trim() {
                "h" => {
                    // White space stands around a name, never in it.
                    let name = |name: &str| name.trim().to_ascii_lowercase();
                    signature.names = value.split(':').map(name).collect();
                    lists += 1;
                }
                "l" => signature.is_limited = true,
                _ => {}
            }
        }
        if lists > 1 {
            signature.names.clear();
        }
        signature
    }

    /// Those of the two headers that it does not cover.
    fn leaves_out(&self) -> Vec<&'static str> {
        let is_out = |name: &&str| !self.names.contains(&name.to_ascii_lowercase());
        [LIST_UNSUBSCRIBE, LIST_UNSUBSCRIBE_POST].into_iter().filter(is_out).collect()
    }
}

pub(super) fn points(letter: &Letter<'_>) -> Vec<Point> {
    let signatures: Vec<_> =
        letter.named(NAME).map(|field| Signature::read(&field.value())).collect();
    let least = signatures.iter().map(Signature::leaves_out).min_by_key(Vec::len);
    let point = match least.as_deref() {
        None => Point::problem(
            NAME,
            "is missing",
            "sign both headers (RFC 8058 section 4), and check the message as it leaves the signer",
        ),
        Some([]) if signatures.len() == 1 => Point::ok(NAME, "covers both headers"),
        Some([]) => Point::ok(NAME, format!("one of {} covers both headers", signatures.len())),
        Some(out) => Point::problem(
            NAME,
            format!("none covers {}", out.join(" and ")),
            format!("have the signer put {} into its h=", out.join(":")),
        ),
    };
    let mut points = vec![point];
    if signatures.iter().any(|signature| signature.is_limited) {
        points.push(Point::warning(
            NAME,
            "has an l= tag: whoever forwards the message may add to its text",
            "have the signer leave l= out",
        ));
    }
    points
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn covers(value: &str, out: &[&str], is_limited: bool) {
        let signature = Signature::read(value);
        assert_eq!((&*signature.leaves_out(), signature.is_limited), (out, is_limited), "{value}");
    }

    #[test]
    fn names_count_whatever_their_case_and_the_blanks_around_them() {
        let both = [LIST_UNSUBSCRIBE, LIST_UNSUBSCRIBE_POST];
        covers("v=1; h=From:List-Unsubscribe:List-Unsubscribe-Post; b=x", &[], false);
        covers("v=1; h = from : LIST-unsubscribe\t:\tlist-unsubscribe-post;b=x", &[], false);
        covers("h=list-unsubscribe-post:list-unsubscribe", &[], false);
        covers("h=from:list-unsubscribe-post; l=7; b=x", &both[..1], true);
        covers("h=from:list-unsubscribe; bh=l=7", &both[1..], false);
        covers("bh=list-unsubscribe:list-unsubscribe-post", &both, false);
        covers("H=list-unsubscribe:list-unsubscribe-post", &both, false);
        covers("h=list-\r\n unsubscribe:list-unsubscribe-post", &both[..1], false);
        covers("h=list-unsubscribe:list-unsubscribe-post; h=from", &both, false);
        covers("h=from; h=list-unsubscribe:list-unsubscribe-post", &both, false);
        covers("", &both, false);
    }
}
