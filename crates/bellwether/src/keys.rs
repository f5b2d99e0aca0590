//! The two keys: of ids (never rotated) and of pseudonyms. Given, or made once and kept.

use std::fs;
use std::io::{Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use bellwether_wire::ids::HashKey;
use secrecy::ExposeSecret as _;

use crate::config::Config;
use crate::failure::{Advice as _, Context as _, Exit, Failure};

/// Both keys.
#[derive(Debug, Clone)]
pub(crate) struct Keys {
    /// Of ids: of triggers and escalations, and of users in ids of events.
    pub id: HashKey,
    /// Of pseudonyms.
    pub pseudonym: HashKey,
}

impl Keys {
    /// The keys of a file replay that is given none.
    pub(crate) fn zero() -> Self {
        Self { id: HashKey::ZERO, pseudonym: HashKey::ZERO }
    }

    /// The configured keys; what is not configured is read from the data folder, or made there once.
    ///
    /// # Errors
    /// When a key is not 64 hexadecimal digits, or the folder cannot be written.
    pub(crate) fn load(config: &Config) -> Result<Self, Failure> {
        Ok(Self {
            id: one("id-key", config.keys.id_key.expose_secret(), &config.dir)?,
            pseudonym: one("pseudonym-key", config.keys.pseudonym_key.expose_secret(), &config.dir)?,
        })
    }

    /// The id key that the deployment of a configuration has, without making one: of what is written to a file, which may
    /// be of no deployment.
    ///
    /// # Errors
    /// When it is not 64 hexadecimal digits, or cannot be read.
    pub(crate) fn known_id(config: &Config) -> Result<HashKey, Failure> {
        let configured = config.keys.id_key.expose_secret();
        if configured.is_empty() && !config.dir.join("id-key").exists() {
            return Ok(HashKey::ZERO);
        }
        one("id-key", configured, &config.dir)
    }
}

fn one(name: &str, configured: &str, dir: &Path) -> Result<HashKey, Failure> {
    if !configured.is_empty() {
        return parse(configured, || format!("keys.{name}"));
    }
    let path = dir.join(name);
    let todo = format!("name a folder that you may write to with --dir, or set keys.{name}");
    if !path.exists() {
        make(&path).to_do(&todo)?;
    }
    let text = fs::read_to_string(&path)
        .or_fail(Exit::Input, || format!("cannot read {}", path.display()))
        .to_do(&todo)?;
    parse(&text, || path.display().to_string())
}

fn parse(text: &str, place: impl Fn() -> String) -> Result<HashKey, Failure> {
    HashKey::from_hex(text).ok_or_else(|| {
        Failure::new(Exit::Usage, format!("{} is not 64 hexadecimal digits", place()))
            .hint("make one with: openssl rand -hex 32")
    })
}

fn make(path: &Path) -> Result<(), Failure> {
    let failed = || format!("cannot make the key {}", path.display());
    if let Some(dir) = path.parent() {
        fs::create_dir_all(dir).or_fail(Exit::Input, failed)?;
    }
    let mut key = [0; 32];
    fs::File::open("/dev/urandom")
        .and_then(|mut random| random.read_exact(&mut key))
        .or_fail(Exit::Internal, failed)?;
    let mut file = fs::OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(path)
        .or_fail(Exit::Input, failed)?;
    writeln!(file, "{}", hex::encode(key)).or_fail(Exit::Input, failed)
}
