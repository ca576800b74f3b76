//! Who a service can write to about the questions it is asked. Owns what is an address people answer at.

use std::fmt;

/// The longest contact, in bytes.
const BYTES_MAX: usize = 200;

/// How services reach the operator: an e-mail address or the address of a page. It is sent with every question.
#[derive(Clone, PartialEq, Eq)]
pub struct Contact(String);

/// A text that is no [`Contact`].
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is neither an e-mail address nor an address that begins with https://")]
pub struct InvalidContact(String);

impl Contact {
    /// Parses an e-mail address, with or without `mailto:`, or the address of a page.
    ///
    /// # Errors
    /// [`InvalidContact`] when it is neither, is longer than 200 bytes, or holds what a header cannot carry.
    pub fn parse(text: &str) -> Result<Self, InvalidContact> {
        let text = text.trim();
        let text = text.strip_prefix("mailto:").unwrap_or(text);
        let is_sendable =
            text.len() <= BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic() && !b"();\"".contains(&b));
        let is_page = text.strip_prefix("https://").is_some_and(|rest| rest.contains('.'));
        if is_sendable && (is_page || is_mail(text)) {
            return Ok(Self(text.to_owned()));
        }
        Err(InvalidContact(text.chars().filter(|c| !c.is_control()).take(80).collect()))
    }

    /// As it is sent.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The e-mail address, if it is one.
    #[must_use]
    pub fn mail(&self) -> Option<&str> {
        is_mail(&self.0).then_some(self.0.as_str())
    }
}

impl fmt::Debug for Contact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contact").field(&self.0).finish()
    }
}

fn is_mail(text: &str) -> bool {
    !text.contains('/') && text.split_once('@').is_some_and(|(name, host)| !name.is_empty() && host.contains('.'))
}

#[cfg(test)]
mod tests {
    use super::Contact;

    #[test]
    fn a_contact_is_a_mail_address_or_a_page() {
        assert_eq!(Contact::parse("mailto:ops@example.org").unwrap().mail(), Some("ops@example.org"));
        assert_eq!(Contact::parse("https://example.org/bots").unwrap().mail(), None);
        for wrong in
            ["", "me", "ops@host", "http://example.org", "a@b.c\r\nx: y", "a b@example.org", "a@b.c) x (", "@b.c"]
        {
            assert!(Contact::parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
