//! The rule a second time: character by character, without a short cut and without a table.
#![expect(clippy::unwrap_used, reason = "what it is asked of is canonical")]

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_public_assigned;

use crate::model::address::general::INVISIBLE;

pub(super) fn canonical(raw: &[u8]) -> Option<Vec<u8>> {
    if raw.len() > 1024 {
        return None;
    }
    let mut text: Vec<char> = std::str::from_utf8(raw).ok()?.chars().collect();
    while text.last().is_some_and(|c| c.is_whitespace()) {
        text.pop();
    }
    while text.first().is_some_and(|c| c.is_whitespace()) {
        text.remove(0);
    }
    let at = (0..text.len()).rev().find(|&index| text[index] == '@')?;
    let local = local(&text[..at])?;
    let domain = domain(text[at + 1..].iter().collect())?;
    let address = format!("{local}@{domain}");
    (local.len() <= 64 && address.len() <= 254).then(|| address.into_bytes())
}

pub(super) fn base(canonical: &str) -> Option<Vec<u8>> {
    let at = canonical.rfind('@').unwrap();
    let says = says(&canonical[..at].chars().collect::<Vec<_>>()).unwrap();
    let plus = says.iter().position(|&c| c == '+')?;
    let local = write(&says[..plus]);
    let address = format!("{local}{}", &canonical[at..]);
    (plus > 0 && local.len() <= 64 && address.len() <= 254).then(|| address.into_bytes())
}

fn domain(text: String) -> Option<String> {
    let mut ascii = Uts46::new()
        .to_ascii(
            text.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::VerifyAllowRootDot,
        )
        .ok()?
        .into_owned();
    if ascii.ends_with('.') {
        ascii.pop();
    }
    let labels: Vec<&str> = ascii.split('.').collect();
    for label in &labels {
        let known = |c: char| matches!(c, 'a'..='z' | '0'..='9' | '-');
        assert!(label.chars().all(known) && (1..=63).contains(&label.len()), "idna: {label}");
    }
    (labels.len() >= 2).then_some(ascii)
}

fn local(raw: &[char]) -> Option<String> {
    for &c in raw.iter().filter(|c| !c.is_ascii()) {
        let composed: String = std::iter::once(c).nfc().collect();
        let lower: String = c.to_lowercase().collect();
        if composed.is_ascii() || lower.is_ascii() {
            return None;
        }
    }
    let composed: String = raw.iter().copied().nfc().collect();
    let mut lower = String::new();
    for c in composed.chars() {
        lower.extend(c.to_lowercase());
    }
    let folded: Vec<char> = lower.nfc().collect();
    for &c in folded.iter().filter(|c| !c.is_ascii()) {
        let invisible = INVISIBLE.iter().any(|&(first, last)| first <= c && c <= last);
        let unknown = !is_public_assigned(c) || c == '\u{FFFD}';
        if invisible || unknown || c.is_control() || c.is_whitespace() {
            return None;
        }
    }
    Some(write(&says(&folded)?))
}

/// What a local part says, without its quotes.
fn says(text: &[char]) -> Option<Vec<char>> {
    if text.first() != Some(&'"') {
        return bare(text).then(|| text.to_vec());
    }
    let mut says = Vec::new();
    let mut index = 1;
    while index < text.len() {
        match text[index] {
            '"' if index + 1 == text.len() && !says.is_empty() => return Some(says),
            '"' => return None,
            '\\' => {
                index += 1;
                let c = *text.get(index)?;
                if !(' '..='~').contains(&c) {
                    return None;
                }
                says.push(c);
            }
            c if c < ' ' || c == '\u{7F}' => return None,
            c => says.push(c),
        }
        index += 1;
    }
    None
}

fn bare(says: &[char]) -> bool {
    let specials = "()<>[]:;@\\,\" ";
    let mut last = '.';
    for &c in says {
        if (c == '.' && last == '.') || c < ' ' || c == '\u{7F}' || specials.contains(c) {
            return false;
        }
        last = c;
    }
    last != '.'
}

fn write(says: &[char]) -> String {
    if bare(says) {
        return says.iter().collect();
    }
    let mut text = String::from("\"");
    for &c in says {
        if c == '"' || c == '\\' {
            text.push('\\');
        }
        text.push(c);
    }
    text + "\""
}
