//! A message as far as it is looked at: its header fields as their octets came, whom it names, and
//! its text decoded.

use mailparse::{DispositionType, MailAddr, MailHeader, ParsedMail};

/// A message.
#[derive(Debug)]
pub(super) struct Letter<'a> {
    /// The fields of its header, from the top.
    fields: Vec<Field<'a>>,
    /// Whom its To fields name.
    pub(super) recipients: Vec<String>,
    /// What its reader sees: plain text and HTML, no attachments. None where the body is not what
    /// the header says of it.
    pub(super) texts: Option<Vec<String>>,
}

/// A field of the header, without the end of its last line.
#[derive(Debug, Clone, Copy)]
pub(super) struct Field<'a> {
    name: &'a [u8],
    /// All of it: name, colon, value, folds.
    octets: &'a [u8],
    value: &'a [u8],
}

/// What is no message: it does not begin with a header, or has a line there that is of no field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NoMessage;

impl<'a> Letter<'a> {
    /// Reads a message. What of it cannot be read is left out.
    pub(super) fn read(octets: &'a [u8]) -> Result<Self, NoMessage> {
        let (headers, end) = mailparse::parse_headers(octets).map_err(|_| NoMessage)?;
        let (mut fields, mut recipients) = (Vec::new(), Vec::new());
        let mut rest = octets.get(..end).unwrap_or_default();
        for header in &headers {
            // Once more, for where it ends.
            let (_, length) = mailparse::parse_header(rest).map_err(|_| NoMessage)?;
            let (octets, next) = rest.split_at_checked(length).ok_or(NoMessage)?;
            let field = Field::of(octets).ok_or(NoMessage)?;
            if field.is_named("To") {
                recipients.extend(named_by(header));
            }
            fields.push(field);
            rest = next;
        }
        if fields.is_empty() {
            return Err(NoMessage);
        }
        Ok(Self { fields, recipients, texts: texts(octets) })
    }

    /// The fields of this name.
    pub(super) fn named(&self, name: &str) -> impl Iterator<Item = Field<'a>> {
        self.fields.iter().copied().filter(move |field| field.is_named(name))
    }
}

fn named_by(to: &MailHeader<'_>) -> Vec<String> {
    let list = mailparse::addrparse_header(to).map(mailparse::MailAddrList::into_inner);
    let of_entry = |entry| match entry {
        MailAddr::Single(one) => vec![one.addr],
        MailAddr::Group(group) => group.addrs.into_iter().map(|one| one.addr).collect(),
    };
    list.into_iter().flatten().flat_map(of_entry).collect()
}

fn texts(message: &[u8]) -> Option<Vec<String>> {
    let mail = mailparse::parse_mail(message).ok()?;
    let seen = mail.parts().filter(|part| is_seen(part));
    seen.map(|part| part.get_body().ok()).collect()
}

fn is_seen(part: &ParsedMail<'_>) -> bool {
    let is_attached = || part.get_content_disposition().disposition == DispositionType::Attachment;
    part.ctype.mimetype.starts_with("text/") && !is_attached()
}

impl<'a> Field<'a> {
    /// None where there is no colon: that is a line of something else.
    fn of(octets: &'a [u8]) -> Option<Self> {
        let octets = octets.strip_suffix(b"\n").unwrap_or(octets);
        let octets = octets.strip_suffix(b"\r").unwrap_or(octets);
        let colon = octets.iter().position(|octet| *octet == b':')?;
        let (name, value) = octets.split_at_checked(colon)?;
        Some(Self { name: name.trim_ascii_end(), octets, value: value.get(1..)? })
    }

    /// The case of names does not matter.
    fn is_named(self, name: &str) -> bool {
        self.name.eq_ignore_ascii_case(name.as_bytes())
    }

    /// Its lines, without their ends.
    pub(super) fn lines(self) -> impl Iterator<Item = &'a [u8]> {
        let lines = self.octets.split(|octet| *octet == b'\n');
        lines.map(|line| line.strip_suffix(b"\r").unwrap_or(line))
    }

    /// Its value; where it is folded there is white space.
    pub(super) fn value(self) -> String {
        String::from_utf8_lossy(self.value).trim().to_owned()
    }
}
