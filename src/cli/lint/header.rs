//! The two headers by which a mail program unsubscribes its user.

use super::letter::{Field, Letter};
use super::link;
use crate::cli::point::Point;

/// RFC 2369.
pub(super) const LIST_UNSUBSCRIBE: &str = "List-Unsubscribe";

/// RFC 8058.
pub(super) const LIST_UNSUBSCRIBE_POST: &str = "List-Unsubscribe-Post";

/// All that its value may be.
const ONE_CLICK: &str = "List-Unsubscribe=One-Click";

/// Octets of a line without its end (RFC 5322 section 2.1.1).
const LONGEST_LINE: usize = 998;

/// What is said of List-Unsubscribe, and the token in it.
pub(super) fn list_unsubscribe(letter: &Letter<'_>) -> (Vec<Point>, Option<String>) {
    let (form, field) = standing(letter, LIST_UNSUBSCRIBE, "list_unsubscribe");
    let mut points = vec![form];
    let mut token = None;
    if let Some(field) = field {
        let list = UriList::read(&field.value());
        points.push(list.point());
        token = list.links().next().map(|(_, link)| link.token.to_owned());
    }
    (points, token)
}

/// What is said of List-Unsubscribe-Post.
pub(super) fn list_unsubscribe_post(letter: &Letter<'_>) -> Point {
    let (form, field) = standing(letter, LIST_UNSUBSCRIBE_POST, "list_unsubscribe_post");
    match field {
        Some(field) if field.value() != ONE_CLICK => Point::problem(
            LIST_UNSUBSCRIBE_POST,
            format!("is not `{ONE_CLICK}`"),
            "mail programs know nothing else: take list_unsubscribe_post of MintLinks",
        ),
        Some(_) | None => form,
    }
}

/// Whether a header stands there once, on one line; the header, where there is one to look into.
fn standing<'a>(
    letter: &Letter<'a>,
    name: &'static str,
    minted: &str,
) -> (Point, Option<Field<'a>>) {
    let mut fields = letter.named(name);
    let Some(field) = fields.next() else {
        let mend = format!("put {minted} of MintLinks there");
        return (Point::problem(name, "is missing", mend), None);
    };
    let others = fields.count();
    let (lines, longest) = field
        .lines()
        .fold((0, 0_usize), |(lines, longest), line| (lines + 1, longest.max(line.len())));
    let point = if others > 0 {
        Point::problem(
            name,
            format!("stands there {} times", others + 1),
            "leave one: a reader takes any of them, or none",
        )
    } else if longest > LONGEST_LINE {
        Point::problem(
            name,
            format!("has a line of {longest} octets, more than {LONGEST_LINE}"),
            "leave the links of others out",
        )
    } else if lines > 1 {
        Point::warning(
            name,
            format!("is folded over {lines} lines"),
            "write it on one: folded, it has broken signatures on its way",
        )
    } else {
        Point::ok(name, format!("once, on one line of {longest} octets"))
    };
    // Of several nobody knows which counts.
    (point, (others == 0).then_some(field))
}

/// What List-Unsubscribe lists (RFC 2369 section 2).
#[derive(Debug, Default, PartialEq, Eq)]
struct UriList {
    /// What stands in angle brackets, without white space, which programs put there.
    uris: Vec<String>,
    /// Something else stands outside of them.
    stray: bool,
}

impl UriList {
    fn read(value: &str) -> Self {
        let mut list = Self::default();
        let mut uri: Option<String> = None;
        let mut depth = 0_usize;
        for letter in value.chars() {
            match (&mut uri, letter) {
                (Some(_), '>') => list.uris.extend(uri.take()),
                (Some(open), _) if !letter.is_ascii_whitespace() => open.push(letter),
                (Some(_), _) => {}
                (None, '(') => depth += 1,
                (None, ')') if depth > 0 => depth -= 1,
                (None, _) if depth > 0 => {}
                (None, '<') => uri = Some(String::new()),
                (None, ',') => {}
                (None, _) => list.stray |= !letter.is_ascii_whitespace(),
            }
        }
        list.stray |= uri.is_some();
        list
    }

    /// Links that may be ours, with their place in the list.
    fn links(&self) -> impl Iterator<Item = (usize, link::Link<'_>)> {
        let uris = self.uris.iter().enumerate().filter(|(_, uri)| is_https(uri));
        uris.filter_map(|(place, uri)| Some((place, link::of_uri(uri)?)))
    }

    /// How many of them a mail program could post to.
    fn of_the_web(&self) -> usize {
        self.uris.iter().filter(|uri| is_https(uri) || begins(uri, "http://")).count()
    }

    fn point(&self) -> Point {
        const NAME: &str = "URI";
        let first = self.uris.iter().position(|uri| is_https(uri));
        let ours = self.links().next();
        match (first, ours) {
            _ if self.uris.is_empty() => Point::problem(
                NAME,
                "there is none in angle brackets",
                "take list_unsubscribe of MintLinks as it is; a program that encodes long headers \
                 (`=?`) must leave this one alone",
            ),
            _ if self.stray => Point::problem(
                NAME,
                "there is text outside of the angle brackets, where readers stop",
                "put every URI into angle brackets, and a comma between two",
            ),
            (None, _) => Point::problem(
                NAME,
                "none begins with https://, which one click takes",
                "take list_unsubscribe of MintLinks; serve --public-url says what it begins with",
            ),
            (Some(_), None) => Point::problem(
                NAME,
                "none looks like a link of maysend (https://.../u/TOKEN)",
                "take list_unsubscribe of MintLinks",
            ),
            (Some(first), Some((ours, _))) if first < ours => Point::problem(
                NAME,
                "another https:// stands before the link of maysend, and gets the click",
                "put list_unsubscribe of MintLinks first",
            ),
            (Some(_), Some((_, link))) if !link.takes_one_click() => Point::problem(
                NAME,
                "the link is of a page that takes no one click (it is not https://.../u/TOKEN)",
                "take list_unsubscribe of MintLinks",
            ),
            _ if self.of_the_web() > 1 => Point::problem(
                NAME,
                "there is another http:// or https://, where RFC 8058 takes one",
                "leave list_unsubscribe of MintLinks alone there, or with a mailto: behind it",
            ),
            (Some(_), Some((1.., _))) => Point::warning(
                NAME,
                "another URI stands before the link of maysend",
                "put list_unsubscribe of MintLinks first: some readers take the first",
            ),
            (Some(_), Some((0, _))) => Point::ok(NAME, "https, in angle brackets, first"),
        }
    }
}

fn is_https(uri: &str) -> bool {
    begins(uri, "https://")
}

/// The case of schemes does not matter.
fn begins(uri: &str, scheme: &str) -> bool {
    uri.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn lists(value: &str, uris: &[&str], stray: bool) {
        let uris = uris.iter().map(ToString::to_string).collect();
        assert_eq!(UriList::read(value), UriList { uris, stray }, "{value}");
    }

    #[test]
    fn uris_stand_in_angle_brackets_between_commas_and_comments() {
        lists("<https://a/u/T>", &["https://a/u/T"], false);
        lists("<https://a/u/T>, <mailto:x@y>", &["https://a/u/T", "mailto:x@y"], false);
        lists("(one (click))<a>,\t(or) <b>", &["a", "b"], false);
        lists("<https://a/u/ T>", &["https://a/u/T"], false);
        lists("https://a/u/T", &[], true);
        lists("<a> or <b>", &["a", "b"], true);
        lists("<a>, <b", &["a"], true);
        lists("<>", &[""], false);
        lists("", &[], false);
    }
}
