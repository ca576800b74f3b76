//! Keeps the key out of what is shown. Owns the search for it; everything a service says passes through here before it
//! is cut or kept.

use secrecy::{ExposeSecret, SecretString};

/// What stands where a key was.
const REDACTED: &str = "[redacted]";

/// So many of a key's first characters give it away, alone too: services like to repeat just those.
const PREFIX_MIN: usize = 8;

/// Replaces every occurrence of `key`, and of any longer beginning of it, in `text`.
pub(super) fn scrub(text: &str, key: Option<&SecretString>) -> String {
    let Some(key) = key.map(ExposeSecret::expose_secret).filter(|key| !key.is_empty()) else {
        return text.to_owned();
    };
    let head = key.char_indices().nth(PREFIX_MIN).map_or(key, |(end, _)| &key[..end]);
    let mut clean = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(head) {
        clean.push_str(&rest[..at]);
        clean.push_str(REDACTED);
        let found = &rest[at..];
        let same = found.chars().zip(key.chars()).take_while(|(a, b)| a == b).map(|(a, _)| a.len_utf8()).sum();
        rest = &found[same..];
    }
    clean.push_str(rest);
    clean
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use secrecy::SecretString;

    use super::scrub;

    #[test]
    fn whole_and_begun_keys_are_replaced() {
        let key = SecretString::from("sk-live-0123456789abcdef");
        for (said, shown) in [
            ("wrong key sk-live-0123456789abcdef.", "wrong key [redacted]."),
            ("wrong key sk-live-0123****cdef", "wrong key [redacted]****cdef"),
            ("sk-live-0123456789abcdefsk-live-0123456789abcdef", "[redacted][redacted]"),
            ("nothing here", "nothing here"),
        ] {
            assert_eq!(scrub(said, Some(&key)), shown);
        }
        assert_eq!(scrub("abc", None), "abc");
        assert_eq!(scrub("a short key: pw1", Some(&SecretString::from("pw1"))), "a short key: [redacted]");
        assert_eq!(scrub("abc", Some(&SecretString::from(""))), "abc");
    }

    proptest! {
        #[test]
        fn no_key_survives(before in ".{0,20}", key in "[a-zA-Z0-9_-]{1,40}", after in ".{0,20}") {
            prop_assume!(!"[redacted]".contains(&key));
            let shown = scrub(&format!("{before}{key}{after}{key}"), Some(&SecretString::from(key.clone())));
            // A key of one or two letters may also be made of the letters around a replaced one.
            prop_assert!(key.len() < 4 || !shown.contains(&key), "{}", shown);
        }
    }
}
