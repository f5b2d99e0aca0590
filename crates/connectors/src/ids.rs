//! Ids of things that have none at the source: a digest of their content.

use sha2::{Digest as _, Sha256};

/// Joins the parts of an id; it occurs in no id.
const SEPARATOR: &str = "\u{1f}";

/// Bytes of the digest that are shown: enough that no two states of one thing collide.
const SHOWN_BYTES: usize = 12;

/// A deterministic id of content: the same parts always give the same id.
pub(crate) fn digest(parts: &[&str]) -> String {
    digest_bytes(parts.join(SEPARATOR).as_bytes())
}

/// A deterministic id of bytes.
pub(crate) fn digest_bytes(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..SHOWN_BYTES])
}

/// The id of something of a source, unique across sources: `jira:acme:10042`.
pub(crate) fn global(source: &str, id: &str) -> String {
    format!("{}:{id}", source.replacen("://", ":", 1))
}
