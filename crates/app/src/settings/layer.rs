//! One layer of settings: a file, the environment, the flags. Owns reading it into checked values with their origin.

use std::{
    collections::BTreeMap,
    fmt,
    path::{Path, PathBuf},
    time::Duration,
};

use mcp_orchestrator_domain::{CorpusName, Money};
use secrecy::SecretString;

use super::{
    SettingsError,
    key::{Key, Kind, nearest},
};
use crate::{Folders, size::parse_size, span::parse_duration};

/// Where a value is from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Built in.
    Default,
    /// A settings file.
    File(PathBuf),
    /// An environment variable.
    Env(String),
    /// A flag of the command line.
    Flag(&'static str),
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Env(name) => write!(f, "env {name}"),
            Self::Flag(name) => write!(f, "flag {name}"),
        }
    }
}

/// A checked value.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    Text(String),
    Whole(u64),
    Usd(Money),
    Duration(Duration),
    Texts(Vec<String>),
    Paths(Vec<PathBuf>),
    Secret(SecretString),
}

/// The highest price of a million tokens that is believed.
const USD_MAX: f64 = 100_000.0;

/// Values by full name, each with its origin. A later layer replaces values of an earlier one.
pub(crate) type Layer = BTreeMap<String, (Value, Origin)>;

/// Reads a file. A file that is not there is an empty layer unless it is `required`.
pub(crate) fn of_file(path: &Path, required: bool, folders: &Folders) -> Result<Layer, SettingsError> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if !required && error.kind() == std::io::ErrorKind::NotFound => return Ok(Layer::new()),
        Err(source) => return Err(SettingsError::Unreadable { file: path.to_owned(), source }),
    };
    let table: toml::Table = text.parse().map_err(|error: toml::de::Error| SettingsError::Syntax {
        file: path.to_owned(),
        line: error.span().map_or(1, |span| text[..span.start.min(text.len())].lines().count().max(1)),
        detail: error.message().to_owned(),
    })?;
    let mut reader =
        Reader { origin: Origin::File(path.to_owned()), base: path.parent(), folders, layer: Layer::new() };
    reader.table("", &table)?;
    Ok(reader.layer)
}

/// Reads every variable of the form `ORCHESTRATOR_SECTION__KEY`.
pub(crate) fn of_environment(
    environment: &BTreeMap<String, String>,
    folders: &Folders,
) -> Result<Layer, SettingsError> {
    let mut layer = Layer::new();
    for (variable, text) in environment {
        let Some(rest) = variable.strip_prefix("ORCHESTRATOR_").filter(|rest| rest.contains("__")) else { continue };
        let name = rest.replace("__", ".").to_lowercase();
        let origin = Origin::Env(variable.clone());
        let mut reader = Reader { origin, base: None, folders, layer };
        reader.text(&name, text)?;
        layer = reader.layer;
    }
    Ok(layer)
}

/// Reads flags: full name, flag, text.
pub(crate) fn of_flags(flags: &[(&str, &'static str, String)], folders: &Folders) -> Result<Layer, SettingsError> {
    let mut layer = Layer::new();
    for (name, flag, text) in flags {
        let mut reader = Reader { origin: Origin::Flag(flag), base: None, folders, layer };
        reader.text(name, text)?;
        layer = reader.layer;
    }
    Ok(layer)
}

struct Reader<'a> {
    origin: Origin,
    base: Option<&'a Path>,
    folders: &'a Folders,
    layer: Layer,
}

impl Reader<'_> {
    fn table(&mut self, prefix: &str, table: &toml::Table) -> Result<(), SettingsError> {
        for (part, value) in table {
            let name = if prefix.is_empty() { part.clone() } else { format!("{prefix}.{part}") };
            match (Key::find(&name), value) {
                (Some(key), value) => self.value(&name, key, value)?,
                (None, toml::Value::Table(inner)) if Key::is_section(&name) => self.table(&name, inner)?,
                (None, _) => return Err(self.unknown(&name)),
            }
        }
        Ok(())
    }

    fn value(&mut self, name: &str, key: &Key, value: &toml::Value) -> Result<(), SettingsError> {
        let value = match (key.kind, value) {
            (Kind::Texts | Kind::Paths, toml::Value::Array(items)) => {
                let texts: Option<Vec<&str>> = items.iter().map(toml::Value::as_str).collect();
                let texts = texts.ok_or_else(|| self.bad(name, "is a list of something else, expected texts"))?;
                self.several(key.kind, texts.into_iter())
            }
            (Kind::Usd, toml::Value::Float(number)) => self.parse(name, key.kind, &number.to_string())?,
            (Kind::Usd, toml::Value::String(_)) => return Err(self.bad(name, "is a text, expected a number")),
            (Kind::Whole(..) | Kind::Usd | Kind::Duration | Kind::Size, toml::Value::Integer(number)) => {
                self.parse(name, key.kind, &number.to_string())?
            }
            (Kind::Whole(..), toml::Value::String(_)) => return Err(self.bad(name, "is a text, expected a number")),
            (_, toml::Value::String(text)) => self.parse(name, key.kind, text)?,
            (kind, other) => {
                let detail = format!("is {}, expected {}", article(other.type_str()), kind.expected());
                return Err(self.bad(name, detail));
            }
        };
        self.set(name, value)
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), SettingsError> {
        let key = Key::find(name).ok_or_else(|| self.unknown(name))?;
        let value = self.parse(name, key.kind, text)?;
        self.set(name, value)
    }

    fn set(&mut self, name: &str, value: Value) -> Result<(), SettingsError> {
        if let Some(corpus) = name.strip_prefix("corpora.") {
            CorpusName::new(corpus).map_err(|error| self.bad(name, error.to_string()))?;
        }
        self.layer.insert(name.to_owned(), (value, self.origin.clone()));
        Ok(())
    }

    fn parse(&self, name: &str, kind: Kind, text: &str) -> Result<Value, SettingsError> {
        let text = text.trim();
        if text.is_empty() {
            return Err(self.bad(name, format!("is empty, expected {}", kind.expected())));
        }
        let shown = || text.chars().filter(|c| !c.is_control()).take(80).collect::<String>();
        Ok(match kind {
            Kind::Secret => Value::Secret(SecretString::from(text.to_owned())),
            Kind::Text if text.chars().any(char::is_control) => {
                return Err(self.bad(name, format!("{:?} has control characters", shown())));
            }
            Kind::Text => Value::Text(text.to_owned()),
            Kind::OneOf(known) if known.contains(&text) => Value::Text(text.to_owned()),
            Kind::OneOf(_) => return Err(self.bad(name, format!("is {:?}, expected {}", shown(), kind.expected()))),
            Kind::Whole(min, max) => match text.parse::<u64>() {
                Ok(number) if (min..=max).contains(&number) => Value::Whole(number),
                _ => return Err(self.bad(name, format!("is {:?}, expected {}", shown(), kind.expected()))),
            },
            Kind::Usd => match text.parse::<f64>().ok().filter(|usd| *usd <= USD_MAX).and_then(Money::from_usd) {
                Some(amount) => Value::Usd(amount),
                None => return Err(self.bad(name, format!("is {:?}, expected {}", shown(), kind.expected()))),
            },
            Kind::Duration => Value::Duration(parse_duration(text).map_err(|error| self.bad(name, error.to_string()))?),
            Kind::Size => Value::Whole(parse_size(text).map_err(|error| self.bad(name, error.to_string()))?),
            Kind::Texts => self.several(kind, text.split(',').map(str::trim)),
            Kind::Path => self.several(kind, std::iter::once(text)),
            Kind::Paths if matches!(self.origin, Origin::File(_)) => self.several(kind, std::iter::once(text)),
            Kind::Paths => Value::Paths(
                std::env::split_paths(text)
                    .map(|path| self.folders.resolve(&path.to_string_lossy(), self.base))
                    .collect(),
            ),
        })
    }

    fn several<'a>(&self, kind: Kind, texts: impl Iterator<Item = &'a str>) -> Value {
        match kind {
            Kind::Path | Kind::Paths => Value::Paths(texts.map(|text| self.folders.resolve(text, self.base)).collect()),
            _ => Value::Texts(texts.filter(|text| !text.is_empty()).map(str::to_owned).collect()),
        }
    }

    fn bad(&self, key: &str, detail: impl Into<String>) -> SettingsError {
        SettingsError::BadValue { key: key.to_owned(), origin: self.origin.clone(), detail: detail.into() }
    }

    fn unknown(&self, key: &str) -> SettingsError {
        let key: String = key.chars().filter(|c| !c.is_control()).take(120).collect();
        SettingsError::UnknownKey { suggestion: nearest(&key), key, origin: self.origin.clone() }
    }
}

impl Kind {
    /// What a value must be, in words.
    fn expected(self) -> String {
        match self {
            Self::Text => "a text".to_owned(),
            Self::OneOf(known) => known.join(", "),
            Self::Whole(min, max) => format!("a number from {min} to {max}"),
            Self::Usd => format!("US dollars from 0 to {USD_MAX}"),
            Self::Duration => "a duration such as 180s or 10m".to_owned(),
            Self::Size => "a size such as 500MB or 2GB".to_owned(),
            Self::Texts => "a list of texts".to_owned(),
            Self::Path => "a path".to_owned(),
            Self::Paths => "a list of folders".to_owned(),
            Self::Secret => "a key".to_owned(),
        }
    }
}

fn article(noun: &str) -> String {
    let an = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if an { "an" } else { "a" })
}
