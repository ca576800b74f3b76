//! What `deploy/compose.yaml` says: its services, in the order they start, with what the environment fills in. Owns the parts
//! of the format that the file uses; what it does not know it refuses rather than guesses.

use std::{collections::BTreeMap, time::Duration};

use anyhow::{Context as _, bail};
use serde::Deserialize;

/// The services of a file.
#[derive(Debug, Deserialize)]
pub(super) struct Compose {
    services: BTreeMap<String, Service>,
}

/// What the walk needs of one service.
#[derive(Clone, Debug, Deserialize)]
pub(super) struct Service {
    pub(super) image: String,
    #[serde(default)]
    pub(super) command: Vec<String>,
    #[serde(default)]
    pub(super) environment: BTreeMap<String, String>,
    #[serde(default)]
    pub(super) volumes: Vec<String>,
    pub(super) healthcheck: Option<Healthcheck>,
    stop_grace_period: Option<String>,
    #[serde(default)]
    depends_on: BTreeMap<String, Dependency>,
}

#[derive(Clone, Debug, Deserialize)]
pub(super) struct Healthcheck {
    test: Vec<String>,
}

#[derive(Clone, Debug, Deserialize)]
struct Dependency {
    condition: String,
}

impl Compose {
    /// Reads a file. `variables` are what compose would find in its environment.
    pub(super) fn read(text: &str, variables: &BTreeMap<&str, String>) -> anyhow::Result<Self> {
        let mut compose: Self = serde_saphyr::from_str(text)?;
        for (name, service) in &mut compose.services {
            for (variable, value) in &mut service.environment {
                *value = filled_in(value, variables).with_context(|| format!("{name}: {variable}"))?;
            }
        }
        Ok(compose)
    }

    /// The services by name, each after those it depends on.
    pub(super) fn in_order(&self) -> anyhow::Result<Vec<(String, Service)>> {
        let mut ordered: Vec<(String, Service)> = Vec::new();
        while ordered.len() < self.services.len() {
            let is_placed = |name: &String| ordered.iter().any(|(placed, _)| placed == name);
            let next = self
                .services
                .iter()
                .find(|(name, service)| !is_placed(name) && service.depends_on.keys().all(is_placed));
            let Some((name, service)) = next else {
                bail!("the services wait for each other, or for one that is not there")
            };
            if let Some((on, other)) = service.depends_on.iter().find(|(_, on)| on.condition != "service_healthy") {
                bail!("{name} waits for {on} to be {:?}, expected service_healthy", other.condition);
            }
            ordered.push((name.clone(), service.clone()));
        }
        Ok(ordered)
    }
}

impl Service {
    /// How long it may take to stop: ten seconds where nobody says.
    pub(super) fn stops_within(&self) -> anyhow::Result<Duration> {
        let Some(text) = &self.stop_grace_period else { return Ok(Duration::from_secs(10)) };
        let seconds = text.strip_suffix('s').and_then(|number| number.parse().ok());
        Ok(Duration::from_secs(seconds.with_context(|| format!("stop_grace_period is {text:?}, expected seconds"))?))
    }

    /// The folders and files of this machine it sees, as they are named in the file, with their names inside.
    pub(super) fn mounts(&self) -> impl Iterator<Item = (&str, &str)> {
        let parts = |volume: &'_ str| -> Option<(usize, usize)> {
            let (from, rest) = volume.split_once(':')?;
            let to = rest.split(':').next()?;
            from.starts_with('.').then_some((from.len(), to.len()))
        };
        self.volumes.iter().filter_map(move |volume| {
            let (from, to) = parts(volume)?;
            Some((&volume[..from], &volume[from + 1..=from + to]))
        })
    }
}

impl Healthcheck {
    /// The command that is run.
    pub(super) fn command(&self) -> anyhow::Result<&[String]> {
        match self.test.split_first() {
            Some((kind, command)) if kind == "CMD" && !command.is_empty() => Ok(command),
            _ => bail!("a healthcheck is {:?}, expected CMD and a command", self.test),
        }
    }
}

/// `${NAME:-default}` and `${NAME}`, filled in.
fn filled_in(text: &str, variables: &BTreeMap<&str, String>) -> anyhow::Result<String> {
    let (mut done, mut rest) = (String::new(), text);
    while let Some((before, from)) = rest.split_once("${") {
        let (inside, after) = from.split_once('}').with_context(|| format!("{text:?} has no }} for its {{"))?;
        let (name, default) = inside.split_once(":-").unwrap_or((inside, ""));
        let value = variables.get(name).filter(|value| !value.is_empty());
        done.push_str(before);
        done.push_str(value.map_or(default, String::as_str));
        rest = after;
    }
    done.push_str(rest);
    Ok(done)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = r#"
x-one: &one
  image: a
  command: ["--listen", "0.0.0.0:1"]
  environment: { KEY: "${KEY:-}", PLACE: "at ${PLACE:-home}, ${KEY}" }
  volumes: ["../docs:/corpus:ro", "kept:/data"]
  stop_grace_period: 35s
  depends_on: { base: { condition: service_healthy } }
services:
  after: { image: p, depends_on: { one: { condition: service_healthy } } }
  one:
    <<: *one
    build: { context: .. }
  base:
    image: b
    healthcheck: { test: ["CMD", "ask", "it"], interval: 5s }
"#;

    #[test]
    fn services_are_read_filled_in_and_ordered() {
        let compose = Compose::read(FILE, &BTreeMap::from([("KEY", "k".to_owned())])).unwrap();
        let services = compose.in_order().unwrap();
        let names: Vec<&str> = services.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["base", "one", "after"]);
        let one = &services[1].1;
        assert_eq!((one.environment["KEY"].as_str(), one.environment["PLACE"].as_str()), ("k", "at home, k"));
        assert_eq!(one.mounts().collect::<Vec<_>>(), [("../docs", "/corpus")]);
        assert_eq!((one.stops_within().unwrap().as_secs(), services[2].1.stops_within().unwrap().as_secs()), (35, 10));
        assert_eq!(services[0].1.healthcheck.as_ref().unwrap().command().unwrap(), ["ask", "it"]);
    }

    #[test]
    fn services_that_wait_for_each_other_are_refused() {
        let on = |other: &str| format!("{{ image: i, depends_on: {{ {other}: {{ condition: service_healthy }} }} }}");
        let compose = format!("services: {{ a: {}, b: {} }}", on("b"), on("a"));
        assert!(Compose::read(&compose, &BTreeMap::new()).unwrap().in_order().is_err());
        let unknown = format!("services: {{ a: {} }}", on("nobody"));
        assert!(Compose::read(&unknown, &BTreeMap::new()).unwrap().in_order().is_err());
    }
}
