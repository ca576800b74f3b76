//! Names and numbers that identify things. Owns their syntax; does not know how randomness is made.

use std::{fmt, str::FromStr, sync::Arc};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A text that is not a valid name of its kind.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{kind} {value:?} is not valid: expected {expected}")]
#[non_exhaustive]
pub struct InvalidName {
    /// What was being named, for example `provider`.
    pub kind: &'static str,
    /// The refused text, at most 80 characters of it.
    pub value: String,
    /// The rule in words.
    pub expected: &'static str,
}

macro_rules! name {
    ($(#[$doc:meta])* $type:ident, $kind:literal, $expected:literal, $valid:expr) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $type(Arc<str>);

        impl $type {
            /// Parses a name.
            ///
            /// # Errors
            /// [`InvalidName`] when the text breaks the rule stated on the type.
            pub fn new(value: &str) -> Result<Self, InvalidName> {
                let valid: fn(&str) -> bool = $valid;
                if valid(value) {
                    Ok(Self(Arc::from(value)))
                } else {
                    Err(InvalidName {
                        kind: $kind,
                        value: value.chars().filter(|c| !c.is_control()).take(80).collect(),
                        expected: $expected,
                    })
                }
            }

            /// The name as text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $type {
            type Err = InvalidName;
            fn from_str(value: &str) -> Result<Self, InvalidName> {
                Self::new(value)
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl AsRef<str> for $type {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl std::borrow::Borrow<str> for $type {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(serde::de::Error::custom)
            }
        }
    };
}

name!(
    /// One workflow: its log, its stream, its task and its document. `research_` or `search_` and the like, then at
    /// least twelve of `0-9 a-z`; [`WorkflowId::from_random`] makes 128 random bits of it.
    WorkflowId,
    "workflow id",
    "a lower-case prefix, an underscore and 12 to 64 of 0-9 a-z",
    |text| {
        text.rsplit_once('_').is_some_and(|(prefix, tail)| {
            is_word(prefix, 32, "_") && (12..=64).contains(&tail.len()) && tail.bytes().all(is_lower_alphanumeric)
        })
    }
);

name!(
    /// The request of a client that a workflow came from, as the client or its server named it: what ties log lines and
    /// requests to other services together. 1 to 64 visible ASCII characters.
    RequestId,
    "request id",
    "1 to 64 visible ASCII characters",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
);

name!(
    /// One step of a workflow, for example `belter_0`: also the `agent_id` clients see. Lower-case, at most 64 characters.
    StepId,
    "step id",
    "1 to 64 of a-z 0-9 _ - that start with a letter",
    |text| is_word(text, 64, "_-")
);

name!(
    /// A model provider, `^[a-z][a-z0-9_-]*$`, at most 64 characters.
    ProviderName,
    "provider",
    "1 to 64 of a-z 0-9 _ - that start with a letter",
    |text| is_word(text, 64, "_-")
);

name!(
    /// A model as its provider spells it: 1 to 200 visible ASCII characters.
    ModelName,
    "model",
    "1 to 200 visible ASCII characters",
    |text| (1..=200).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_graphic())
);

name!(
    /// A tool as models call it: 1 to 64 of `a-z A-Z 0-9 _ -`.
    ToolName,
    "tool",
    "1 to 64 of a-z A-Z 0-9 _ -",
    |text| (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
);

name!(
    /// A folder of documents under the name its operator gave it.
    CorpusName,
    "corpus",
    "1 to 64 of a-z 0-9 _ - . that start with a letter or digit",
    |text| {
        (1..=64).contains(&text.len())
            && text.bytes().next().is_some_and(is_lower_alphanumeric)
            && text.bytes().all(|b| is_lower_alphanumeric(b) || b"_-.".contains(&b))
    }
);

name!(
    /// A strategy by its wire name, for example `beltalowda`.
    PatternName,
    "pattern",
    "1 to 64 of a-z 0-9 _ - that start with a letter",
    |text| is_word(text, 64, "_-")
);

name!(
    /// One evidence span: `ev_` and 6 to 32 hexadecimal digits. Agents cite it as `[ev_…]`.
    EvidenceId,
    "evidence id",
    "ev_ and 6 to 32 lower-case hexadecimal digits",
    |text| {
        text.strip_prefix("ev_").is_some_and(|tail| {
            (6..=32).contains(&tail.len()) && tail.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
        })
    }
);

fn is_lower_alphanumeric(byte: u8) -> bool {
    byte.is_ascii_digit() || byte.is_ascii_lowercase()
}

fn is_word(text: &str, length_max: usize, also: &str) -> bool {
    (1..=length_max).contains(&text.len())
        && text.bytes().next().is_some_and(|b| b.is_ascii_lowercase())
        && text.bytes().all(|b| is_lower_alphanumeric(b) || also.as_bytes().contains(&b))
}

impl EvidenceId {
    /// The id of a place in a snapshot: `ev_` and the first twelve hexadecimal digits of the SHA-256 over the snapshot's 32
    /// bytes and the range's `start` and `end` in bytes, each as eight bytes, most significant first. The same place has
    /// the same id everywhere.
    ///
    /// `sha256` hashes; this crate has no hash of its own.
    #[must_use]
    pub fn of_place(snapshot: &Digest, start: u64, end: u64, sha256: impl FnOnce(&[u8]) -> Digest) -> Self {
        let mut place = [0_u8; 48];
        place[..32].copy_from_slice(snapshot.as_bytes());
        place[32..40].copy_from_slice(&start.to_be_bytes());
        place[40..].copy_from_slice(&end.to_be_bytes());
        let hex = sha256(&place).to_string();
        Self(format!("ev_{}", &hex[..12]).into())
    }
}

impl WorkflowId {
    /// An id from 128 random bits: `<kind>_` and 26 characters of base 32.
    ///
    /// # Errors
    /// [`InvalidName`] when `kind` is not a lower-case word of at most 32 characters.
    pub fn from_random(kind: &str, random: [u8; 16]) -> Result<Self, InvalidName> {
        const ALPHABET: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
        let mut bits = u128::from_be_bytes(random);
        let mut tail = [0_u8; 26];
        for slot in tail.iter_mut().rev() {
            *slot = ALPHABET[(bits & 31) as usize];
            bits >>= 5;
        }
        let mut text = String::with_capacity(kind.len() + 27);
        text.push_str(kind);
        text.push('_');
        text.extend(tail.iter().map(|b| char::from(*b)));
        Self::new(&text)
    }
}

/// The position of a record in its workflow's log: 1, 2, 3 … without gaps. 0 is "before the first".
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seq(u64);

impl Seq {
    /// Before the first record.
    pub const ZERO: Self = Self(0);

    /// The position as a number.
    #[must_use]
    pub const fn new(value: u64) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }

    /// The position `count` records later.
    #[must_use]
    pub const fn plus(self, count: u64) -> Self {
        Self(self.0 + count)
    }
}

impl fmt::Display for Seq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// One call of a workflow, numbered from 0 in the order of their intents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CallNo(u32);

impl CallNo {
    /// The call with this number.
    #[must_use]
    pub const fn new(value: u32) -> Self {
        Self(value)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u32 {
        self.0
    }
}

impl fmt::Display for CallNo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The SHA-256 of some bytes: the address of a blob and of an evidence snapshot. Written as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest([u8; 32]);

impl Digest {
    /// A digest from its 32 bytes; the caller has computed them.
    #[must_use]
    pub const fn new(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    #[must_use]
    pub const fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const HEX: &[u8; 16] = b"0123456789abcdef";
        let mut text = [0_u8; 64];
        for (pair, byte) in text.chunks_exact_mut(2).zip(self.0) {
            pair[0] = HEX[usize::from(byte >> 4)];
            pair[1] = HEX[usize::from(byte & 15)];
        }
        f.write_str(std::str::from_utf8(&text).unwrap_or_default())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Digest {
    type Err = InvalidName;

    fn from_str(text: &str) -> Result<Self, InvalidName> {
        let invalid = || InvalidName {
            kind: "digest",
            value: text.chars().filter(|c| !c.is_control()).take(80).collect(),
            expected: "64 lower-case hexadecimal digits",
        };
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Ok(byte - b'0'),
            b'a'..=b'f' => Ok(byte - b'a' + 10),
            _ => Err(invalid()),
        };
        let text_bytes = text.as_bytes();
        if text_bytes.len() != 64 {
            return Err(invalid());
        }
        let mut bytes = [0_u8; 32];
        for (byte, pair) in bytes.iter_mut().zip(text_bytes.chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Ok(Self(bytes))
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Who owns a workflow. Another principal's id is an unknown id.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Principal(Arc<str>);

impl Principal {
    /// The principal of a process that serves one person: the CLI, stdio, an embedding program.
    #[must_use]
    pub fn local() -> Self {
        Self(Arc::from("local"))
    }

    /// A principal named by whoever authenticated it; control characters are dropped, 128 characters kept.
    #[must_use]
    pub fn named(name: &str) -> Self {
        Self(name.chars().filter(|c| !c.is_control()).take(128).collect::<String>().into())
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
