//! The owner's tokens: what a link in a mail carries to prove that it came back from the mailbox.
//! Pure: no clock, no store. A token is not kept anywhere; its MAC is what makes it ours.
//!
//! LAYOUT, before base64url without padding: version (1), key id (1), kind and flags (1),
//! fingerprint (16), revision (8), day (2), scopes (3 each: tag and number), MAC (16). Numbers are
//! little-endian. All but the last field has a fixed size, so that nothing in a token is a length.
//! The MAC is HMAC-SHA256 over a label and all that precedes it, cut to 16 octets.
//!
//! INVARIANT(kinds): the kind is under the MAC and is compared with what the caller expects, so a
//! token that says no (in every mail, forwarded, archived) never passes for one that says yes.
//!
//! A token is checked from the outside in: nothing behind the MAC is looked at before the MAC
//! holds. What is wrong with a bad one is for the log; who sent it learns only that it is bad.

mod wire;

use std::fmt;
use std::num::NonZeroU8;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

use crate::catalog::Names;
use crate::model::day::Day;
use crate::model::fingerprint::Fingerprint;
use crate::model::revision::Revision;
use crate::model::scope::Scope;

/// Days that a preferences token says yes, unless configured: people return through an old mail.
pub const PREFERENCES_LIFETIME_DAYS: u16 = 400;

/// Days that a confirm token says yes.
pub const CONFIRM_LIFETIME_DAYS: u16 = 7;

/// Most scopes of a token. It bounds a link to what mail programs and proxies carry; a token with
/// more verifies nowhere.
pub const MAX_SCOPES: usize = 400;

/// Octets of a token key.
pub const SECRET: usize = 32;

/// Days by which a token may lie ahead of today: as many as the clock may go back unnoticed.
const CLOCK_SLACK_DAYS: i32 = 2;

const LABEL: &[u8] = b"maysend owner token\0";
const MAC: usize = 16;
const MAX_TEXT: usize = (wire::FIXED + MAX_SCOPES * wire::SCOPE + MAC).div_ceil(3) * 4;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TokenKind {
    /// In List-Unsubscribe and the footer: says no, for ever, and never yes.
    Unsubscribe,
    /// Behind the preferences link: says no for ever, and yes until it expires.
    Preferences,
    /// In a double opt-in mail: says yes, once.
    Confirm,
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    /// What it is good for.
    pub kind: TokenKind,
    /// Whose mailbox it went to.
    pub fingerprint: Fingerprint,
    /// Whether that address has a plus tag and so a base.
    pub tagged: bool,
    /// Of preferences: whether a consent request carried it, so that a no is a refusal.
    pub asked: bool,
    /// The campaign's topic or brand; of confirm tokens all that was begun. At least one.
    pub scopes: Vec<Scope>,
    /// The ledger's head when it was made.
    pub minted: Revision,
    /// The day on which it was made.
    pub day: Day,
}

/// Whether a key may still sign what grants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyState {
    /// Its tokens are good.
    Active,
    /// Its tokens say no, and nothing else: somebody else may hold it.
    Retired,
}

/// One key. It prints no secret.
#[derive(Clone)]
pub struct TokenKey {
    id: NonZeroU8,
    state: KeyState,
    mac: Hmac<Sha256>,
}

/// The keys of a server: one signs, all verify.
#[derive(Debug, Clone)]
pub struct TokenKeys {
    signing: TokenKey,
    verifying: Vec<TokenKey>,
}

/// A token that one of our keys signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    /// What it says.
    pub token: Token,
    /// Whether its key is retired: then it must not grant anything.
    pub retired: bool,
}

/// Not a token that this server takes. It displays as nothing more; what is wrong, for the log, is
/// its `Debug`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a token of this server")]
pub enum BadToken {
    /// It does not have the form of a token.
    Malformed,
    /// It was signed by a key that is not here.
    UnknownKey(u8),
    /// It was not signed by the key that it names.
    WrongMac,
    /// It is ours, and good for something else.
    ForeignKind(TokenKind),
    /// It is ours, but grants, and its key is retired.
    RetiredKey(u8),
    /// It is ours, and names what the ledger never named: the ledger is not the one it was made by.
    UnknownScope,
}

impl Token {
    /// Whether it is too old to say yes. Its no stays good. An unsubscribe token does not expire;
    /// a token made well after today was made by a wrong clock, and counts as expired.
    #[must_use]
    pub fn has_expired(&self, today: Day, lifetime_days: u16) -> bool {
        match self.kind {
            TokenKind::Unsubscribe => false,
            TokenKind::Preferences | TokenKind::Confirm => {
                !today.is_before(self.day, i32::from(lifetime_days))
                    || today.is_before(self.day, -CLOCK_SLACK_DAYS)
            }
        }
    }
}

impl TokenKey {
    /// A key with this number.
    #[must_use]
    pub fn new(id: NonZeroU8, secret: &[u8; SECRET], state: KeyState) -> Self {
        // HMAC pads a key to a block with zeros; done here, there is no length to be wrong.
        let mut block = [0; 64];
        let (start, _) = block.split_at_mut(SECRET);
        start.copy_from_slice(secret);
        Self { id, state, mac: Hmac::new(&block.into()) }
    }

    /// Its number.
    #[must_use]
    pub const fn id(&self) -> NonZeroU8 {
        self.id
    }

    fn mac(&self, body: &[u8]) -> Hmac<Sha256> {
        let mut mac = self.mac.clone();
        mac.update(LABEL);
        mac.update(body);
        mac
    }
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { id, state, mac: _ } = self;
        f.debug_struct("TokenKey").field("id", id).field("state", state).finish_non_exhaustive()
    }
}

impl TokenKeys {
    /// Keys of which the first signs. Of two with one number the first counts.
    #[must_use]
    pub const fn new(signing: TokenKey, verifying: Vec<TokenKey>) -> Self {
        Self { signing, verifying }
    }

    /// The numbers of all of them, that of the signing one first.
    pub fn ids(&self) -> impl Iterator<Item = NonZeroU8> + '_ {
        std::iter::once(&self.signing).chain(&self.verifying).map(TokenKey::id)
    }

    /// The token as text, fit for a link.
    #[must_use]
    pub fn mint(&self, token: &Token) -> String {
        let mut octets = wire::body(token, self.signing.id);
        let mac = self.signing.mac(&octets).finalize().into_bytes();
        octets.extend(mac.iter().take(MAC));
        URL_SAFE_NO_PAD.encode(octets)
    }

    /// Reads a token of one of the expected kinds. Whether it has expired is for the caller to ask.
    ///
    /// # Errors
    /// `BadToken`.
    pub fn verify(
        &self,
        text: &str,
        expected: &[TokenKind],
        names: &Names,
    ) -> Result<Verified, BadToken> {
        if text.len() > MAX_TEXT {
            return Err(BadToken::Malformed);
        }
        let octets = URL_SAFE_NO_PAD.decode(text).map_err(|_| BadToken::Malformed)?;
        let (body, mac) = octets.split_last_chunk::<MAC>().ok_or(BadToken::Malformed)?;
        let id = wire::key_id(body)?;
        let key = self.key(id).ok_or(BadToken::UnknownKey(id))?;
        key.mac(body).verify_truncated_left(mac).map_err(|_| BadToken::WrongMac)?;

        let token = wire::token(body, names)?;
        if !expected.contains(&token.kind) {
            return Err(BadToken::ForeignKind(token.kind));
        }
        let retired = key.state == KeyState::Retired;
        if retired && token.kind == TokenKind::Confirm {
            return Err(BadToken::RetiredKey(id));
        }
        Ok(Verified { token, retired })
    }

    fn key(&self, id: u8) -> Option<&TokenKey> {
        std::iter::once(&self.signing).chain(&self.verifying).find(|key| key.id.get() == id)
    }
}

#[cfg(any(test, fuzzing))]
pub(crate) mod fuzz;
#[cfg(test)]
mod tests;
