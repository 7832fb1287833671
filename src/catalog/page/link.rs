//! Names on the network that a page or mail shows: the address of another page, the name of a list.

/// The most characters of a link.
const MAX_LINK: usize = 1_000;

/// The most octets of a List-Id (RFC 2919 section 2).
const MAX_LIST_ID: usize = 255;

/// An address of a page, `https:` alone, in the letters of RFC 3986.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link(Box<str>);

/// Not an address for a footer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum LinkFault {
    /// Another scheme, or none: the reader of a page that came by TLS is not sent to one without.
    #[error("a link begins with `https://`")]
    Scheme,
    /// No host, or one with a name and password before it.
    #[error(
        "the link needs a host after `https://`, such as `https://www.example.com/privacy`; \
         one beyond ASCII is written as its A-label (`xn--...`)"
    )]
    Host,
    /// A character that a URL writes as `%` and two digits.
    #[error(
        "the link holds a character that no URL has; write a space as `%20`, and what lies beyond \
         ASCII octet by octet likewise"
    )]
    Character,
    /// Too long.
    #[error("the link has more than {MAX_LINK} characters")]
    Length,
}

/// The name of a list: labels of letters, digits, `-` and `_`, two or more, parted by dots.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListId(Box<str>);

/// Not the name of a list.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "`{}` is no List-Id; write a name under a domain of yours, such as `festival.example.com` \
     (RFC 2919), without angle brackets",
    .0.escape_debug()
)]
pub struct NoListId(String);

impl Link {
    /// Reads a link.
    ///
    /// # Errors
    /// `LinkFault`.
    pub fn parse(text: &str) -> Result<Self, LinkFault> {
        let rest = text.strip_prefix("https://").ok_or(LinkFault::Scheme)?;
        if text.len() > MAX_LINK {
            return Err(LinkFault::Length);
        }
        let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
        let (authority, path) = rest.split_at(end);
        let (host, port) = authority.split_once(':').unwrap_or((authority, "443"));
        let is_port = port.bytes().all(|digit| digit.is_ascii_digit());
        if !is_host(host) || !is_port || port.parse::<u16>().is_err() {
            return Err(LinkFault::Host);
        }
        if is_path(path) { Ok(Self(text.into())) } else { Err(LinkFault::Character) }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl ListId {
    /// Reads the name of a list.
    ///
    /// # Errors
    /// `NoListId`.
    pub fn parse(text: &str) -> Result<Self, NoListId> {
        let is_name = text.len() <= MAX_LIST_ID && text.contains('.') && is_host(text);
        if is_name { Ok(Self(text.into())) } else { Err(NoListId(text.to_owned())) }
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_host(text: &str) -> bool {
    text.split('.').all(|label| {
        let is_inside = |octet: u8| octet.is_ascii_alphanumeric() || matches!(octet, b'-' | b'_');
        (1..=63).contains(&label.len())
            && label.bytes().all(is_inside)
            && !label.starts_with('-')
            && !label.ends_with('-')
    })
}

/// Path, query and fragment, of which a second `#` could be no part.
fn is_path(text: &str) -> bool {
    let mut octets = text.bytes();
    while let Some(octet) = octets.next() {
        let is_known = match octet {
            b'%' => {
                let mut digit = || octets.next().is_some_and(|digit| digit.is_ascii_hexdigit());
                digit() && digit()
            }
            // Unreserved, then reserved but the brackets of an address in the host.
            b'-' | b'.' | b'_' | b'~' => true,
            b':' | b'/' | b'?' | b'#' | b'@' => true,
            b'!' | b'$' | b'&' | b'\'' | b'(' | b')' | b'*' | b'+' | b',' | b';' | b'=' => true,
            _ => octet.is_ascii_alphanumeric(),
        };
        if !is_known {
            return false;
        }
    }
    text.matches('#').count() <= 1
}
