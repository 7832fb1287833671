//! Texts with gaps: `{brand}`, `{topics}`, `{link}`. One walk over the text both checks and fills it,
//! so what is filled in is never looked at for gaps again.

use std::fmt;

/// What is filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Placeholder {
    /// The title of the brand.
    Brand,
    /// The titles of the topics, as a list in a sentence.
    Topics,
    /// The link that confirms.
    Link,
}

/// What is wrong with the gaps of a text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlaceholderFault {
    /// No placeholder of this text.
    #[error("`{{{}}}` is no placeholder of this text; {}", found.escape_debug(), Known(known))]
    Unknown {
        /// What stands between the braces.
        found: String,
        /// What this text may hold.
        known: &'static [Placeholder],
    },
    /// A brace alone.
    #[error("a brace alone; {}", Known(known))]
    Brace {
        /// What this text may hold.
        known: &'static [Placeholder],
    },
    /// No link, or several.
    #[error("the text must hold `{{link}}` once; it stands there {found} times")]
    Link {
        /// How often it is there.
        found: usize,
    },
}

impl Placeholder {
    /// Every placeholder.
    pub const ALL: [Self; 3] = [Self::Brand, Self::Topics, Self::Link];

    const fn word(self) -> &'static str {
        match self {
            Self::Brand => "brand",
            Self::Topics => "topics",
            Self::Link => "link",
        }
    }

    fn of_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|placeholder| placeholder.word() == word)
    }
}

struct Known(&'static [Placeholder]);

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let words: Vec<_> = self.0.iter().map(|known| format!("`{{{}}}`", known.word())).collect();
        match words.is_empty() {
            true => f.write_str("it has none, and braces have no place in it"),
            false => write!(f, "known are {}", words.join(", ")),
        }
    }
}

enum Piece<'t> {
    Text(&'t str),
    Gap(&'t str),
    Brace(&'t str),
}

/// Checks a text of a page: it has no gaps.
pub(in crate::catalog) fn check_words(text: &str) -> Result<(), PlaceholderFault> {
    check(text, &[])
}

/// Checks the subject of a mail.
pub(in crate::catalog) fn check_subject(text: &str) -> Result<(), PlaceholderFault> {
    check(text, &[Placeholder::Brand])
}

/// Checks the text of a mail: without its link nobody could confirm, and which of two is the right
/// one nobody could tell.
pub(in crate::catalog) fn check_text(text: &str) -> Result<(), PlaceholderFault> {
    check(text, &Placeholder::ALL)?;
    let link = Placeholder::Link.word();
    let is_link = |piece: &Piece<'_>| matches!(piece, Piece::Gap(word) if *word == link);
    let found = pieces(text).filter(is_link).count();
    if found == 1 { Ok(()) } else { Err(PlaceholderFault::Link { found }) }
}

fn check(text: &str, known: &'static [Placeholder]) -> Result<(), PlaceholderFault> {
    for piece in pieces(text) {
        match piece {
            Piece::Text(_) => {}
            Piece::Gap(word) if Placeholder::of_word(word).is_some_and(|p| known.contains(&p)) => {}
            Piece::Gap(word) => {
                return Err(PlaceholderFault::Unknown { found: word.to_owned(), known });
            }
            Piece::Brace(_) => return Err(PlaceholderFault::Brace { known }),
        }
    }
    Ok(())
}

/// The text with its gaps filled. What a check would refuse stays as it is.
pub(super) fn fill<'v>(text: &str, value: impl Fn(Placeholder) -> &'v str) -> String {
    let mut filled = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Text(text) | Piece::Brace(text) => filled.push_str(text),
            Piece::Gap(word) => match Placeholder::of_word(word) {
                Some(placeholder) => filled.push_str(value(placeholder)),
                None => filled.extend(["{", word, "}"]),
            },
        }
    }
    filled
}

/// The text in pieces, in their order. A gap holds no brace and no line feed.
fn pieces(mut rest: &str) -> impl Iterator<Item = Piece<'_>> {
    std::iter::from_fn(move || {
        if rest.is_empty() {
            return None;
        }
        let (text, behind) = rest.split_at(rest.find(['{', '}']).unwrap_or(rest.len()));
        if !text.is_empty() {
            rest = behind;
            return Some(Piece::Text(text));
        }
        let (brace, behind) = rest.split_at(1);
        let end = behind.find(['{', '}', '\n']).filter(|end| behind[*end..].starts_with('}'));
        match end {
            Some(end) if brace == "{" => {
                rest = &behind[end + 1..];
                Some(Piece::Gap(&behind[..end]))
            }
            Some(_) | None => {
                rest = behind;
                Some(Piece::Brace(brace))
            }
        }
    })
}
