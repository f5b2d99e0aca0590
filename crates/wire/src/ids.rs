//! Deterministic ids and pseudonyms (R60), so that replays agree and ids leak nobody.

use bellwether_model::EventTime;
use hmac::{Hmac, KeyInit as _, Mac as _};
use sha2::Sha256;

/// A 32-byte key of a keyed hash. Its `Debug` shows nothing.
#[derive(Clone, PartialEq, Eq)]
pub struct HashKey(pub [u8; 32]);

impl HashKey {
    /// The key of a file replay that is given none.
    pub const ZERO: HashKey = HashKey([0; 32]);

    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Option<HashKey> {
        let bytes = hex::decode(text.trim()).ok()?;
        Some(HashKey(bytes.try_into().ok()?))
    }
}

impl Default for HashKey {
    fn default() -> Self {
        Self::ZERO
    }
}

impl std::fmt::Debug for HashKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("HashKey(..)")
    }
}

/// Joins the parts of an id; it occurs in no id.
const SEPARATOR: char = '\u{1f}';

fn digest(key: &HashKey, text: &str) -> String {
    let mut mac = Hmac::<Sha256>::new_from_slice(&key.0).expect("a key of any length is taken");
    mac.update(text.as_bytes());
    hex::encode(&mac.finalize().into_bytes()[..16])
}

fn trigger_input(rule: &str, key_result: &str, subject: &str, as_of: EventTime) -> String {
    let as_of = as_of.to_rfc3339();
    [rule, key_result, subject, &as_of].join(&SEPARATOR.to_string())
}

/// Id of a trigger instance: of rule, key result (empty for none), plain subject and first `as_of`.
///
/// Without a key result the subject is followed by `/` and the measure or the squad, by the caller.
pub fn trigger_id(key: &HashKey, rule: &str, key_result: &str, subject: &str, as_of: EventTime) -> String {
    digest(key, &trigger_input(rule, key_result, subject, as_of))
}

/// Id of the escalation a trigger starts: the same input with `/esc` appended.
pub fn escalation_id(key: &HashKey, rule: &str, key_result: &str, subject: &str, as_of: EventTime) -> String {
    digest(key, &format!("{}/esc", trigger_input(rule, key_result, subject, as_of)))
}

/// Id of a step of an escalation.
pub fn step_id(escalation: &str, level: u8) -> String {
    format!("{escalation}/L{level}")
}

/// What stands for an account in the id of an event of its source: `of` is what the id is about, so that one account is
/// another in each id.
pub fn event_part(key: &HashKey, of: &str, account: &str) -> String {
    digest(key, &["event", of, account].join(&SEPARATOR.to_string()))
}

/// Pseudonym of a person on shared topics: keyed, so that nobody without the key can test a guess.
pub fn pseudonym(key: &HashKey, person: &str) -> String {
    format!("eng-{}", &digest(key, &format!("pseudonym{SEPARATOR}{person}"))[..12])
}
