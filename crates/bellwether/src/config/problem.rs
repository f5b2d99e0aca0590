//! What is wrong with a setting: where it stands, what it says, why it cannot be, and what to do.
//!
//! Invariant: what a secret says is never shown.

use std::fmt;

use figment::Figment;
use figment::error::{Error, Kind};

use super::flag;
use crate::failure::{Exit, Failure};

/// A setting that cannot be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Problem {
    /// Its key, with dots.
    pub key: String,
    /// What it says; none when that is in the reason, or nothing is said.
    pub value: Option<String>,
    /// Why it cannot be.
    pub why: String,
    /// What to do.
    pub todo: String,
    /// The file or variable; none before that was looked up.
    pub place: Option<String>,
}

impl Problem {
    /// A setting that says something that cannot be.
    pub(crate) fn new(
        key: impl Into<String>,
        value: impl Into<String>,
        why: impl Into<String>,
        todo: impl Into<String>,
    ) -> Self {
        let key = key.into();
        let value = Some(if is_secret(&key) { "(not shown)".to_owned() } else { value.into() });
        Self { key, value, why: why.into(), todo: todo.into(), place: None }
    }

    /// Looks up where the key stands.
    #[must_use]
    pub(crate) fn located(mut self, figment: &Figment) -> Self {
        if self.place.is_none() {
            self.place = Some(place(figment, &self.key));
        }
        self
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = self.place.as_deref().unwrap_or("the configuration");
        write!(f, "{place}: {}", self.key)?;
        if let Some(value) = &self.value {
            write!(f, " = {value}")?;
        }
        write!(f, ": {}\n      {}", self.why, self.todo)
    }
}

/// A failure that lists problems; none when there are none.
pub(crate) fn failure(problems: &[Problem]) -> Option<Failure> {
    let count = match problems.len() {
        0 => return None,
        1 => "1 setting is not valid".to_owned(),
        more => format!("{more} settings are not valid"),
    };
    let lines: Vec<String> = problems.iter().map(|problem| format!("\n  {problem}")).collect();
    let failure = Failure::new(Exit::Usage, format!("{count}{}", lines.concat()));
    Some(failure.hint("docs/reference/configuration.md has every key; `bellwether config print` its default"))
}

/// What could not be read at all.
pub(crate) fn of_error(error: Error) -> Problem {
    let mut path = error.path.clone();
    let (why, todo) = told(&error.kind, &mut path);
    let key = path.join(".");
    let (why, todo) = if is_secret(&key) { told_of_secret(&key, &error.kind) } else { (why, todo) };
    let place = error.metadata.as_ref().map(|metadata| named(metadata, &key));
    Problem { key, value: None, why, todo, place }
}

/// What a secret must be, without what it says.
fn told_of_secret(key: &str, kind: &Kind) -> (String, String) {
    let (why, todo) = match kind {
        Kind::MissingField(_) => ("is missing", "set it"),
        _ if key.starts_with("notify.webhook.") => (
            "not a signing secret",
            "`whsec_` and 24 to 64 random bytes in base64: echo \"whsec_$(openssl rand -base64 32)\"",
        ),
        _ if key.starts_with("keys.") => {
            ("not text", "64 hexadecimal digits in quotes: openssl rand -hex 32; or leave it empty")
        }
        _ if key.starts_with("connect.") => ("not text", "a list of texts: secrets = [\"...\"]"),
        _ => ("of another type than it must be", "text, in quotes"),
    };
    (why.to_owned(), todo.to_owned())
}

fn told(kind: &Kind, path: &mut Vec<String>) -> (String, String) {
    match kind {
        Kind::UnknownField(name, known) => {
            if path.last() != Some(name) {
                path.push(name.clone());
            }
            ("there is no such key".to_owned(), format!("keys there: {}", known.join(", ")))
        }
        Kind::UnknownVariant(value, known) => {
            (format!("`{value}` is none of its values"), format!("one of: {}", known.join(", ")))
        }
        Kind::MissingField(name) => {
            path.push(name.to_string());
            ("is missing".to_owned(), "set it".to_owned())
        }
        other => {
            let default = default_of(path).map(|default| format!("; the default is {default}"));
            (other.to_string(), format!("write a value of that type{}", default.unwrap_or_default()))
        }
    }
}

/// The default of a key, as TOML.
fn default_of(path: &[String]) -> Option<String> {
    let defaults = toml::from_str::<toml::Table>(super::DEFAULTS).ok()?;
    let (last, above) = path.split_last()?;
    let table = above.iter().try_fold(&defaults, |table, key| table.get(key)?.as_table())?;
    table.get(last).map(ToString::to_string)
}

/// The file, or the variable, that a key was read from.
fn place(figment: &Figment, key: &str) -> String {
    let mut known = key;
    loop {
        if let Some(metadata) = figment.find_metadata(known) {
            return named(metadata, key);
        }
        match known.rsplit_once('.') {
            Some((above, _)) => known = above,
            None => return "the configuration".to_owned(),
        }
    }
}

fn named(metadata: &figment::Metadata, key: &str) -> String {
    if let Some(flag) = flag::typed(&metadata.name) {
        return flag.to_owned();
    }
    match &metadata.source {
        Some(figment::Source::File(path)) => path.display().to_string(),
        _ if metadata.name.contains("environment") => {
            format!("BELLWETHER_{}", key.replace('.', "__").replace('-', "_").to_uppercase())
        }
        _ => "the built-in defaults".to_owned(),
    }
}

/// The table whose names are the client's, not ours.
pub(crate) const CLIENT_SETTINGS: &str = "kafka.settings";

/// Endings of the client's settings that say nothing worth hiding. Whatever else stands there may be a secret, a misspelt
/// one above all.
const OPEN_SETTINGS: [&str; 12] = [
    ".ms",
    ".bytes",
    ".kbytes",
    ".messages",
    ".protocol",
    ".mechanism",
    ".mechanisms",
    ".location",
    ".type",
    ".enable",
    ".level",
    ".retries",
];

/// True for keys whose values are shown to nobody.
pub(crate) fn is_secret(key: &str) -> bool {
    if let Some(setting) = key.strip_prefix(CLIENT_SETTINGS).and_then(|rest| rest.strip_prefix('.')) {
        return !OPEN_SETTINGS.iter().any(|ending| setting.ends_with(ending));
    }
    key.split('.').any(|part| {
        part.ends_with("-key") || part == "secrets" || part.contains("password") || part.contains("secret")
    })
}

#[cfg(test)]
mod tests {
    use super::is_secret;

    #[test]
    fn a_setting_of_the_client_is_secret_unless_it_is_known_to_be_none() {
        for name in
            ["sasl.pasword", "ssl.key.pem", "sasl.oauthbearer.config", "sasl.jaas.config", "sasl.username"]
        {
            assert!(is_secret(&format!("kafka.settings.{name}")), "{name}");
        }
        for name in
            ["fetch.wait.max.ms", "security.protocol", "ssl.ca.location", "queued.max.messages.kbytes"]
        {
            assert!(!is_secret(&format!("kafka.settings.{name}")), "{name}");
        }
        assert!(is_secret("keys.id-key") && is_secret("connect.jira.secrets") && !is_secret("http.listen"));
    }
}
