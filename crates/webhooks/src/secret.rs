//! What signatures are made with. Owns the text form of a secret and keeps it out of every output.

use std::fmt;

use base64::{Engine as _, engine::general_purpose::STANDARD};
use secrecy::{ExposeSecret as _, SecretString};

use crate::WebhookError;

/// The prefix of a secret by Standard Webhooks.
const PREFIX: &str = "whsec_";

/// Fewest and most bytes of a key.
const KEY_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// A secret as the receiver is given it: `whsec_` and 24 to 64 bytes in base64. Shown by [`WebhookSecret::expose`] alone.
#[derive(Clone)]
pub struct WebhookSecret(SecretString);

impl WebhookSecret {
    /// Takes a secret the caller chose.
    ///
    /// # Errors
    /// [`WebhookError::Invalid`] that names `secret` and does not repeat it.
    pub fn parse(text: &str) -> Result<Self, WebhookError> {
        let invalid = |reason: &str| WebhookError::Invalid { field: "secret", reason: reason.to_owned() };
        let encoded = text.strip_prefix(PREFIX).ok_or_else(|| invalid("it must start with whsec_"))?;
        let key = STANDARD.decode(encoded).map_err(|_| invalid("what follows whsec_ must be base64"))?;
        if !KEY_BYTES.contains(&key.len()) {
            return Err(invalid(&format!("it has {} bytes; expected 24 to 64", key.len())));
        }
        Ok(Self(text.to_owned().into()))
    }

    /// A new secret of 32 random bytes.
    pub(crate) fn random() -> Result<Self, WebhookError> {
        let mut key = [0_u8; 32];
        getrandom::fill(&mut key).map_err(|error| WebhookError::Random(error.to_string()))?;
        Ok(Self(format!("{PREFIX}{}", STANDARD.encode(key)).into()))
    }

    /// The secret as text, to be shown once to its owner.
    #[must_use]
    pub fn expose(&self) -> &str {
        self.0.expose_secret()
    }
}

impl fmt::Debug for WebhookSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WebhookSecret(…)")
    }
}
