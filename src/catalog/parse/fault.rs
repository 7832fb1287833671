//! What can be wrong with a catalog file, and how it is told: file, line, key path, clause.

use super::super::NamesExhausted;
use super::super::located::{self, AllLocated, Located};
use super::super::page::{ColorFault, LinkFault, LogoFault, NoListId, PlaceholderFault};

/// At most so many known words are listed in one message.
const MAX_LISTED: usize = 12;

/// Everything that is wrong with a catalog file.
pub type CatalogErrors = AllLocated<Fault>;

/// One thing that is wrong with a catalog file.
pub type CatalogError = Located<Fault>;

/// Collects what is wrong.
pub(super) type Faults = located::Faults<Fault>;

/// What is wrong at a key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// The file is no TOML; a key that stands twice in a table belongs here.
    #[error("{0}")]
    Syntax(String),
    /// The table knows no such key.
    #[error("unknown key; known are {}", listed(known))]
    UnknownKey {
        /// The keys of this table.
        known: Vec<&'static str>,
    },
    /// The table needs this key.
    #[error("the key is missing")]
    MissingKey,
    /// A value of another type.
    #[error("expected {expected}, found {found}")]
    WrongType {
        /// With its article.
        expected: &'static str,
        /// With its article.
        found: &'static str,
    },
    /// Not an identifier.
    #[error("`{}` is not an id; ids match `[a-z0-9][a-z0-9._-]{{0,62}}`", .0.escape_debug())]
    BadId(String),
    /// Another entry of this kind has the id.
    #[error("the id `{}` is taken by line {first_line}", id.escape_debug())]
    DuplicateId {
        /// The id.
        id: String,
        /// Where it was used first.
        first_line: usize,
    },
    /// The file has no controller or brand of this id.
    #[error("no {kind} has the id `{}`; {}", id.escape_debug(), known_are(known))]
    Dangling {
        /// `controller` or `brand`.
        kind: &'static str,
        /// What was looked for.
        id: String,
        /// What there is.
        known: Vec<String>,
    },
    /// The campaign's brand has no such topic.
    #[error("the brand `{}` has no topic `{}`; {}", brand.escape_debug(), id.escape_debug(), known_are(known))]
    NoSuchTopic {
        /// The campaign's brand.
        brand: String,
        /// What was looked for.
        id: String,
        /// The brand's topics.
        known: Vec<String>,
    },
    /// Not one of the words for this choice.
    #[error("`{}` is unknown; allowed are {}", word.escape_debug(), listed(allowed))]
    UnknownWord {
        /// What was written.
        word: String,
        /// What may be written.
        allowed: Vec<&'static str>,
    },
    /// A number out of its range.
    #[error("`{}` is out of range; allowed is 0 to {max}", found.escape_debug())]
    OutOfRange {
        /// What was written.
        found: String,
        /// The greatest number allowed.
        max: u16,
    },
    /// A campaign that advertises without a topic.
    #[error("a campaign of purpose `{purpose}` needs a topic")]
    NeedsTopic {
        /// The campaign's purpose.
        purpose: &'static str,
    },
    /// A rule of the organization set for a part of it.
    #[error("only the table `[policy]` of the organization may set this key")]
    OrganizationOnly,
    /// A title of nothing or of white space alone.
    #[error("the title is empty")]
    EmptyTitle,
    /// A list that is too long.
    #[error("the list has more than {max} entries")]
    TooMany {
        /// The greatest number allowed.
        max: usize,
    },
    /// A text of nothing, of several lines, or one that is too long.
    #[error("a text of 1 to {max} characters on one line is needed")]
    TextLength {
        /// The greatest length allowed.
        max: usize,
    },
    /// A text of nothing, one that is too long, or one with control characters other than line
    /// feeds.
    #[error(
        "a text of 1 to {max} characters is needed, without control characters other than line feeds"
    )]
    Text {
        /// The greatest length allowed.
        max: usize,
    },
    /// Not the color of a page.
    #[error(transparent)]
    Color(#[from] ColorFault),
    /// Not a logo.
    #[error(transparent)]
    Logo(#[from] LogoFault),
    /// Not a link.
    #[error(transparent)]
    Link(#[from] LinkFault),
    /// Not the name of a list.
    #[error(transparent)]
    ListId(#[from] NoListId),
    /// A text with the wrong gaps.
    #[error(transparent)]
    Placeholder(#[from] PlaceholderFault),
    /// No number is left for this word.
    #[error(transparent)]
    Exhausted(NamesExhausted),
}

fn known_are(known: &[String]) -> String {
    if known.is_empty() {
        "there is none".to_owned()
    } else {
        format!("known are {}", listed(known))
    }
}

fn listed<W: AsRef<str>>(words: &[W]) -> String {
    let shown =
        words.iter().take(MAX_LISTED).map(|word| format!("`{}`", word.as_ref().escape_debug()));
    let mut text = shown.collect::<Vec<_>>().join(", ");
    if let Some(more) = words.len().checked_sub(MAX_LISTED).filter(|more| *more > 0) {
        text.push_str(&format!(" and {more} more"));
    }
    text
}
