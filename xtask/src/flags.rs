//! Flags of tasks: `--name value`, in any order. Owns what is wrong with one, in words.

use std::str::FromStr;

use anyhow::{Context as _, bail};

/// The values of these flags, each given at most once.
pub(crate) struct Flags<'a> {
    given: Vec<(&'a str, &'a str)>,
}

impl<'a> Flags<'a> {
    /// Reads arguments.
    ///
    /// # Errors
    /// When one is no flag of these, or has no value.
    pub(crate) fn read(arguments: &'a [String], known: &[&str]) -> anyhow::Result<Self> {
        let mut given = Vec::new();
        let mut arguments = arguments.iter();
        while let Some(argument) = arguments.next() {
            let Some(name) = argument.strip_prefix("--").filter(|name| known.contains(name)) else {
                bail!("{argument:?} is no flag of this task; there are --{}", known.join(", --"));
            };
            let value = arguments.next().with_context(|| format!("--{name} needs a value"))?;
            given.push((name, value.as_str()));
        }
        Ok(Self { given })
    }

    /// The value of a flag, or what holds without it.
    ///
    /// # Errors
    /// When it is not of its kind.
    pub(crate) fn value<T: FromStr>(&self, name: &str, default: T) -> anyhow::Result<T> {
        let Some((_, text)) = self.given.iter().rev().find(|(given, _)| *given == name) else { return Ok(default) };
        text.parse().ok().with_context(|| format!("--{name} is {text:?}"))
    }
}
