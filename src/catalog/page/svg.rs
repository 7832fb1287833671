//! An SVG that shows and does nothing else: it runs no script, and asks nobody for anything.
//!
//! A page shows a logo as an image, where browsers run nothing and load nothing. This is the second
//! wall, for whoever opens the picture by itself or puts it into a page whole. It reads no XML: it
//! refuses the words by which SVG acts or refers, and whatever could hide such a word (character
//! references, declarations, backslashes of CSS). A plain drawing needs none of them, and where a
//! program wrote them, its export as plain SVG leaves them out.

/// What a logo must not hold.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SvgFault {
    /// Something that runs.
    #[error("the SVG holds `{}`; a logo runs nothing: take it out", .0.escape_debug())]
    Active(String),
    /// Something outside.
    #[error(
        "the SVG holds `{}`; a logo refers to nothing but its own parts (`#name`): take it out, \
         or save the picture as plain SVG",
        .0.escape_debug()
    )]
    Outside(String),
    /// Something that could hide the others.
    #[error(
        "the SVG holds `{}`, behind which a script could hide; take it out, or save the picture \
         as plain SVG",
        .0.escape_debug()
    )]
    Hiding(String),
}

/// In lower case. An element may have a prefix before its name.
const ACTIVE: &[&str] = &["<script", ":script", "script:", "<foreignobject", ":foreignobject"];

const OUTSIDE: &[&str] = &["@import", "http:", "https:", "//"];

/// Entities of XML itself.
const ENTITIES: &[&str] = &["&amp;", "&lt;", "&gt;", "&quot;", "&apos;"];

/// Whether it begins as an SVG in UTF-8 does: declaration, comments, then the element.
pub(super) fn is_svg(text: &str) -> bool {
    let element = prolog(text).1.strip_prefix("<svg");
    element.is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_whitespace() || c == '>'))
}

/// # Errors
/// The first thing that it must not hold.
pub(super) fn check(text: &str) -> Result<(), SvgFault> {
    let (declaration, body) = prolog(text);
    let body = body.to_ascii_lowercase();
    // In another encoding the same octets would be another text.
    let declaration = declaration.to_ascii_lowercase();
    if declaration.contains("encoding") && !declaration.contains("utf-8") {
        return Err(SvgFault::Hiding("encoding".to_owned()));
    }
    if let Some(hiding) = hiding(&body) {
        return Err(SvgFault::Hiding(hiding.to_owned()));
    }
    let active = ACTIVE.iter().find(|word| body.contains(**word)).copied();
    if let Some(active) = active.or_else(|| handler(&body)) {
        return Err(SvgFault::Active(active.to_owned()));
    }
    let named = without_namespaces(&body);
    let outside = OUTSIDE.iter().find(|word| named.contains(**word)).copied();
    match outside.or_else(|| foreign(&body)) {
        Some(outside) => Err(SvgFault::Outside(outside.to_owned())),
        None => Ok(()),
    }
}

/// The XML declaration, and what follows it and any comments.
fn prolog(text: &str) -> (&str, &str) {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim_ascii_start();
    let declared = text.strip_prefix("<?xml ").and_then(|rest| rest.split_once("?>"));
    let (declaration, mut rest) = declared.unwrap_or(("", text));
    rest = rest.trim_ascii_start();
    while let Some((_, behind)) = rest.strip_prefix("<!--").and_then(|c| c.split_once("-->")) {
        rest = behind.trim_ascii_start();
    }
    (declaration, rest)
}

fn hiding(body: &str) -> Option<&str> {
    let control = |c: char| c.is_control() && !c.is_ascii_whitespace();
    if let Some((at, found)) = body.char_indices().find(|(_, c)| control(*c) || *c == '\\') {
        return body.get(at..at + found.len_utf8());
    }
    let is_known = |at: usize| ENTITIES.iter().any(|entity| body[at..].starts_with(entity));
    let entity = body.match_indices('&').find(|(at, _)| !is_known(*at));
    // Declarations, sections and instructions; comments are none.
    let markup = body.match_indices("<!").find(|(at, _)| !body[*at..].starts_with("<!--"));
    let found = entity.or(markup).or_else(|| body.match_indices("<?").next());
    found.map(|(at, _)| body[at..].split([' ', ';', '>', '\n']).next().unwrap_or_default())
}

/// The first attribute whose name begins with `on`.
fn handler(body: &str) -> Option<&str> {
    body.match_indices("on").find_map(|(at, _)| {
        let rest = &body[at..];
        let name = &rest[..rest.find(|c| !is_named(c)).unwrap_or(rest.len())];
        let is_whole = !body[..at].ends_with(is_named);
        let is_set = rest[name.len()..].trim_ascii_start().starts_with('=');
        (is_whole && is_set && name.len() > "on".len()).then_some(name)
    })
}

const fn is_named(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | ':')
}

/// The first reference that does not lead to a part of the picture itself.
fn foreign(body: &str) -> Option<&str> {
    let target = |rest: &'_ str| {
        let rest = rest.trim_ascii_start();
        rest.strip_prefix(['"', '\'']).unwrap_or(rest).trim_ascii_start().starts_with('#')
    };
    let attribute = |(at, word): (usize, &str)| {
        let value = body[at + word.len()..].trim_ascii_start().strip_prefix('=')?;
        (!target(value)).then_some("href")
    };
    let function =
        |(at, word): (usize, &str)| (!target(&body[at + word.len()..])).then_some("url(");
    let attributes = body.match_indices("href").find_map(attribute);
    attributes.or_else(|| body.match_indices("url(").find_map(function))
}

/// The text without the names of its namespaces, which look like addresses and are none.
fn without_namespaces(body: &str) -> String {
    let mut named = String::with_capacity(body.len());
    let mut rest = body;
    while let Some(at) = rest.find("xmlns") {
        let (before, from) = rest.split_at(at);
        named.push_str(before);
        let name = &from[..from.find(|c| !is_named(c)).unwrap_or(from.len())];
        let behind = &from[name.len()..];
        rest = namespace(behind).filter(|_| before.ends_with(is_space)).unwrap_or(behind);
    }
    named.push_str(rest);
    named
}

/// What follows `="NAMESPACE"`.
fn namespace(text: &str) -> Option<&str> {
    let value = text.trim_ascii_start().strip_prefix('=')?.trim_ascii_start();
    let quote = value.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let (name, behind) = value.get(1..)?.split_once(quote)?;
    let is_part = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '/' | '.' | '#' | '-');
    name.chars().all(is_part).then_some(behind)
}

const fn is_space(c: char) -> bool {
    c.is_ascii_whitespace()
}
