//! The whole rule, for whatever `plain` does not take: quotes, Unicode, A-labels, and every fault.

use idna::uts46::{AsciiDenyList, DnsLength, Hyphens, Uts46};
use unicode_normalization::UnicodeNormalization as _;
use unicode_normalization::char::is_public_assigned;

use super::{Buffer, InvalidAddress, MAX_LOCAL, Shape, concat};

/// Room for a local part on its way.
#[derive(Clone, Default)]
pub(super) struct Scratch {
    /// The local part in NFC and lower case.
    folded: String,
    /// What a quoted one says.
    content: String,
    /// Its canonical form.
    local: String,
}

/// Non-ASCII characters whose NFC or lower case is ASCII: the Greek question mark, the Greek varia
/// and the Kelvin sign. (The dotted capital I becomes an i with a dot of its own and stays distinct.)
pub(super) const CONFUSABLE: [char; 3] = ['\u{37E}', '\u{1FEF}', '\u{212A}'];

/// Assigned characters that show nothing of their own: general category Cf or
/// `Default_Ignorable_Code_Point`, Unicode 18, written down so that the rule stays what it is.
pub(super) const INVISIBLE: [(char, char); 28] = [
    ('\u{AD}', '\u{AD}'),
    ('\u{34F}', '\u{34F}'),
    ('\u{600}', '\u{605}'),
    ('\u{61C}', '\u{61C}'),
    ('\u{6DD}', '\u{6DD}'),
    ('\u{70F}', '\u{70F}'),
    ('\u{890}', '\u{891}'),
    ('\u{8E2}', '\u{8E2}'),
    ('\u{115F}', '\u{1160}'),
    ('\u{17B4}', '\u{17B5}'),
    ('\u{180B}', '\u{180F}'),
    ('\u{200B}', '\u{200F}'),
    ('\u{202A}', '\u{202E}'),
    ('\u{2060}', '\u{2064}'),
    ('\u{2066}', '\u{206F}'),
    ('\u{3164}', '\u{3164}'),
    ('\u{FE00}', '\u{FE0F}'),
    ('\u{FEFF}', '\u{FEFF}'),
    ('\u{FFA0}', '\u{FFA0}'),
    ('\u{FFF9}', '\u{FFFB}'),
    ('\u{110BD}', '\u{110BD}'),
    ('\u{110CD}', '\u{110CD}'),
    ('\u{13430}', '\u{1343F}'),
    ('\u{1BCA0}', '\u{1BCA3}'),
    ('\u{1D173}', '\u{1D17A}'),
    ('\u{E0001}', '\u{E0001}'),
    ('\u{E0020}', '\u{E007F}'),
    ('\u{E0100}', '\u{E01EF}'),
];

/// Writes the canonical form of `raw`.
#[cold]
pub(super) fn canonical(
    raw: &[u8],
    out: &mut Buffer,
    scratch: &mut Scratch,
) -> Result<Shape, InvalidAddress> {
    let text = std::str::from_utf8(raw).map_err(|_| InvalidAddress::NotUtf8)?.trim();
    // A quoted local part may hold an `@`, a domain never does.
    let (local, domain) = text.rsplit_once('@').ok_or(InvalidAddress::NoAt)?;
    let local = canonical_local(local, scratch)?;
    let domain = Uts46::new()
        .to_ascii(
            domain.as_bytes(),
            AsciiDenyList::STD3,
            Hyphens::CheckFirstLast,
            DnsLength::VerifyAllowRootDot,
        )
        .map_err(|_| InvalidAddress::Domain)?;
    let domain = domain.strip_suffix('.').unwrap_or(&domain);
    if !domain.contains('.') {
        return Err(InvalidAddress::Domain);
    }
    let len =
        concat(&[local.as_bytes(), b"@", domain.as_bytes()], out).ok_or(InvalidAddress::TooLong)?;
    Ok(Shape { len, tagged: local.contains('+') })
}

fn canonical_local<'a>(
    raw: &str,
    Scratch { folded, content, local }: &'a mut Scratch,
) -> Result<&'a str, InvalidAddress> {
    if raw.contains(CONFUSABLE) {
        return Err(InvalidAddress::Confusable);
    }
    folded.clear();
    if raw.is_ascii() {
        folded.push_str(raw);
        folded.make_ascii_lowercase();
    } else {
        // The lower case of a composed character need not be composed: a second NFC.
        folded.extend(raw.nfc().flat_map(char::to_lowercase).nfc());
    }
    if !folded.chars().all(|c| c.is_ascii() || is_visible(c)) {
        return Err(InvalidAddress::Character);
    }
    content.clear();
    match folded.strip_prefix('"') {
        Some(quoted) => unquote(quoted, content).ok_or(InvalidAddress::LocalPart)?,
        None if is_dot_atom(folded.as_bytes()) => content.push_str(folded),
        None => return Err(InvalidAddress::LocalPart),
    }
    local.clear();
    if is_dot_atom(content.as_bytes()) {
        local.push_str(content);
    } else {
        quote(content, local);
    }
    if local.len() > MAX_LOCAL { Err(InvalidAddress::TooLong) } else { Ok(local) }
}

/// Whether a non-ASCII character may stand in a local part. The replacement character may not: it
/// is what is left of another.
pub(super) fn is_visible(c: char) -> bool {
    is_public_assigned(c)
        && !c.is_control()
        && !c.is_whitespace()
        && c != char::REPLACEMENT_CHARACTER
        && !INVISIBLE.iter().any(|&(first, last)| (first..=last).contains(&c))
}

/// Whether this is a dot-atom (RFC 5321 section 4.1.2 with RFC 6531 section 3.3). Any octet of a
/// non-ASCII character counts as text.
pub(super) fn is_dot_atom(local: &[u8]) -> bool {
    local
        .split(|&octet| octet == b'.')
        .all(|atom| !atom.is_empty() && atom.iter().all(|&octet| is_atext(octet)))
}

fn is_atext(octet: u8) -> bool {
    octet.is_ascii_alphanumeric() || !octet.is_ascii() || b"!#$%&'*+-/=?^_`{|}~".contains(&octet)
}

/// Writes what a quoted string says; `quoted` is what follows its first quote. None where it does
/// not end with its last quote, says nothing, or holds what must not be quoted or escaped.
fn unquote(quoted: &str, content: &mut String) -> Option<()> {
    let mut rest = quoted.chars();
    loop {
        let c = match rest.next()? {
            '"' => break,
            '\\' => rest.next().filter(char::is_ascii)?,
            c => c,
        };
        if c.is_ascii_control() {
            return None;
        }
        content.push(c);
    }
    (rest.as_str().is_empty() && !content.is_empty()).then_some(())
}

fn quote(content: &str, quoted: &mut String) {
    quoted.push('"');
    for c in content.chars() {
        if matches!(c, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(c);
    }
    quoted.push('"');
}
