//! Where the mails of a sign-up go. The page answers before the mail does: a place in the queue is
//! taken first, so that a request that cannot be mailed is not begun.

use tokio::sync::mpsc;

use crate::model::language::Language;
use crate::model::scope::{BrandId, Scope};

/// A confirmation mail to be written.
#[derive(Clone, PartialEq, Eq)]
pub struct Letter {
    /// As it was typed, and found to be an address.
    pub to: String,
    /// Who asks for confirmation.
    pub brand: BrandId,
    /// Of the page on which it was asked for.
    pub language: Language,
    /// What was asked for.
    pub scopes: Vec<Scope>,
    /// What confirms it.
    pub link: String,
}

/// It prints nobody.
impl std::fmt::Debug for Letter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Letter").field("brand", &self.brand).finish_non_exhaustive()
    }
}

/// The queue of letters.
#[derive(Debug, Clone)]
pub struct Post(mpsc::Sender<Letter>);

/// A place in it.
#[derive(Debug)]
pub(super) struct Place<'p>(mpsc::Permit<'p, Letter>);

impl Post {
    /// A queue of so many letters, and its end.
    #[must_use]
    pub fn queue(most: usize) -> (Self, mpsc::Receiver<Letter>) {
        let (sender, receiver) = mpsc::channel(most);
        (Self(sender), receiver)
    }

    /// None: the relay does not keep up.
    pub(super) fn place(&self) -> Option<Place<'_>> {
        self.0.try_reserve().ok().map(Place)
    }
}

impl Place<'_> {
    pub(super) fn put(self, letter: Letter) {
        self.0.send(letter);
    }
}
