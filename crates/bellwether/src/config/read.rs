//! From layers to typed settings, or to everything that is wrong with them.
//!
//! A deserialiser stops at its first error. Here what it stopped at is stepped over - the default takes its place, or the
//! entry of a list goes - and the rest is read again, until nothing more is found. What that gives is looked at and
//! thrown away: with one problem there is no configuration.

use std::path::Path;

use figment::Figment;
use figment::error::{Error, Kind};
use figment::providers::{Format as _, Toml};
use figment::value::Value;

use super::problem::{self, Problem};
use super::{Config, DEFAULTS, check};
use crate::failure::{Exit, Failure};

/// Problems listed at most; each costs one more reading.
const PROBLEMS_MAX: usize = 100;

/// Looks whether a file is TOML at all, to say where it is not.
///
/// # Errors
/// With file, line, column and what is expected there; never with the line itself, which may hold a secret.
pub(super) fn require_toml(path: &Path) -> Result<(), Failure> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Failure::new(Exit::Usage, format!("cannot read the configuration file {}", path.display()))
            .because(error)
            .hint("name a text file that you may read with --config")
    })?;
    let Err(error) = toml::from_str::<toml::Table>(&text) else { return Ok(()) };
    let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
    let line = before.matches('\n').count() + 1;
    let column = before.chars().rev().take_while(|letter| *letter != '\n').count() + 1;
    let what = error.message().lines().collect::<Vec<_>>().join(", ");
    let place = path.display();
    Err(Failure::new(Exit::Usage, format!("{place} is not TOML: line {line}, column {column}: {what}"))
        .hint("mend that line; `bellwether config print` shows every setting as TOML"))
}

/// Everything that is wrong, once something is.
pub(super) fn problems(figment: &Figment) -> Vec<Problem> {
    let (mut root, defaults) =
        match (figment.find_value(""), Figment::from(Toml::string(DEFAULTS)).find_value("")) {
            (Ok(root), Ok(defaults)) => (root, defaults),
            (Err(error), _) | (_, Err(error)) => return error.into_iter().map(problem::of_error).collect(),
        };
    let mut found: Vec<Problem> = Vec::new();
    while found.len() < PROBLEMS_MAX {
        let error = match root.deserialize::<Config>() {
            Ok(config) => {
                let of_values = check::problems(&config).into_iter().map(|problem| problem.located(figment));
                found.extend(of_values);
                break;
            }
            Err(error) => error,
        };
        let path = path_of(&error);
        let problem = problem::of_error(error).located(figment);
        // What is missing, or not whole, because a value was stepped over was told already.
        let below = format!("{}.", problem.key);
        let is_known = found.iter().any(|known| known.key == problem.key || known.key.starts_with(&below));
        if !is_known {
            found.push(problem);
        }
        if !step_over(&mut root, &defaults, &path) {
            break;
        }
    }
    found
}

/// The keys down to what an error is about.
fn path_of(error: &Error) -> Vec<String> {
    let mut path = error.path.clone();
    match &error.kind {
        Kind::UnknownField(name, _) if path.last() != Some(name) => path.push(name.clone()),
        Kind::MissingField(name) => path.push(name.to_string()),
        _ => {}
    }
    path
}

/// Puts the default in the place of a value, or takes the value away, or the entry of a list that cannot be without it.
/// False when there is nothing left to take away.
fn step_over(root: &mut Value, defaults: &Value, path: &[String]) -> bool {
    let Some((last, above)) = path.split_last() else { return false };
    if let (Some(Value::Dict(_, table)), Some(default)) = (at(root, above), at_ref(defaults, path)) {
        let default = default.clone();
        return table.insert(last.clone(), default.clone()) != Some(default);
    }
    let is_gone = match at(root, above) {
        Some(Value::Dict(_, table)) => table.remove(last).is_some(),
        Some(Value::Array(_, items)) => {
            let place = last.parse::<usize>().ok().filter(|place| *place < items.len());
            place.map(|place| items.remove(place)).is_some()
        }
        _ => false,
    };
    is_gone || step_over(root, defaults, above)
}

fn at<'a>(value: &'a mut Value, path: &[String]) -> Option<&'a mut Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Dict(_, table) => table.get_mut(key),
        Value::Array(_, items) => items.get_mut(key.parse::<usize>().ok()?),
        _ => None,
    })
}

fn at_ref<'a>(value: &'a Value, path: &[String]) -> Option<&'a Value> {
    path.iter().try_fold(value, |value, key| match value {
        Value::Dict(_, table) => table.get(key),
        Value::Array(_, items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    })
}
