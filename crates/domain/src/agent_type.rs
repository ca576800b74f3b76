//! The nine kinds of Swarm's search agents. Owns names and display data; how a task gets one is Swarm's.

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A kind of specialised search agent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::exhaustive_enums, reason = "the nine are a promise")]
pub enum AgentType {
    /// Articles, blogs and other prose.
    Text,
    /// Pictures and photographs.
    Image,
    /// Films and clips.
    Video,
    /// News.
    News,
    /// Papers and studies.
    Academic,
    /// Forums and social media.
    Social,
    /// Products, reviews and prices.
    Product,
    /// Code, documentation and interfaces.
    Technical,
    /// Anything else.
    General,
}

impl AgentType {
    /// All nine, in the order they are shown.
    pub const ALL: [Self; 9] = [
        Self::Text,
        Self::Image,
        Self::Video,
        Self::News,
        Self::Academic,
        Self::Social,
        Self::Product,
        Self::Technical,
        Self::General,
    ];

    /// The name on every wire, for example `news`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Image => "image",
            Self::Video => "video",
            Self::News => "news",
            Self::Academic => "academic",
            Self::Social => "social",
            Self::Product => "product",
            Self::Technical => "technical",
            Self::General => "general",
        }
    }
}

impl fmt::Display for AgentType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for AgentType {
    type Err = crate::InvalidName;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == text).ok_or_else(|| crate::InvalidName {
            kind: "agent type",
            value: text.chars().filter(|c| !c.is_control()).take(80).collect(),
            expected: "text, image, video, news, academic, social, product, technical or general",
        })
    }
}
