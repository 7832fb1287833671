//! Another key file while the engine runs: the keys of the owner's tokens change, nothing else.
//!
//! Tokens are verified by the keys that are current when they come. A call under way keeps those
//! it began with.

use std::sync::{Arc, PoisonError};

use super::Engine;
use crate::keys::Keys;

/// Why a key file is not taken. The present keys stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeysRefused {
    /// Every fingerprint of the data hangs on it.
    #[error("its `fingerprint_key` is not that of the data; bring the right one back")]
    Fingerprint,
    /// The links that it signed would no longer say no.
    #[error("token key {0} is missing; bring it back, as \"retired\" if it must not grant")]
    Missing(u8),
}

impl Engine {
    /// Takes the token keys of a key file.
    ///
    /// # Errors
    /// It is not the key file of this data directory, or has lost a key.
    pub fn take_keys(&self, keys: &Keys) -> Result<(), KeysRefused> {
        if keys.fingerprint_key() != self.shared.keys.fingerprint_key() {
            return Err(KeysRefused::Fingerprint);
        }
        let next = Arc::new(keys.token_keys().clone());
        let missing = self.shared.token_keys().ids().find(|id| !next.ids().any(|n| n == *id));
        if let Some(id) = missing {
            return Err(KeysRefused::Missing(id.get()));
        }
        *self.shared.token_keys.write().unwrap_or_else(PoisonError::into_inner) = next;
        Ok(())
    }
}

#[cfg(test)]
mod tests;
