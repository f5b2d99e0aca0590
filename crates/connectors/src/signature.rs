//! Signatures of webhook deliveries: HMAC-SHA-256 over the raw body, compared in constant time.
//!
//! What it is: three header schemes over one check. Several secrets may be valid at once, for rotation; each is
//! tried, whatever the others said. What it is not: a parser of bodies. Linear's replay window is judged by its
//! webhook module, after the signature, because only then the instant in the body can be believed.

use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretString};
use sha2::Sha256;
use subtle::{Choice, ConstantTimeEq as _};

/// Bytes of a digest.
const DIGEST_BYTES: usize = 32;

/// Signatures looked at in one header: PagerDuty sends one per active secret, and nobody has this many.
const SIGNATURES_MAX: usize = 16;

/// Why a delivery is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No signature came.
    #[error("no signature header")]
    Missing,
    /// Nothing in the header is a signature of a known scheme.
    #[error("the signature header holds no signature of a known scheme")]
    Malformed,
    /// No secret matches.
    #[error("no configured secret made this signature")]
    Mismatch,
    /// No secret is configured and unsigned deliveries are not allowed.
    #[error("no secret is configured for this endpoint")]
    NoSecret,
}

/// PagerDuty: `v1=` and lowercase hex, several separated by commas; any one that matches passes.
///
/// # Errors
/// When no entry of version 1 was made with a configured secret.
pub fn verify_pagerduty(header: Option<&str>, secrets: &[SecretString], body: &[u8]) -> Result<(), Error> {
    let header = header.ok_or(Error::Missing)?;
    let candidates =
        header.split(',').take(SIGNATURES_MAX).filter_map(|entry| digest(entry.trim().strip_prefix("v1=")?));
    verify(candidates, secrets, body)
}

/// Jira: `sha256=` and hex, in `X-Hub-Signature`.
///
/// # Errors
/// When it was not made with a configured secret.
pub fn verify_jira(header: Option<&str>, secrets: &[SecretString], body: &[u8]) -> Result<(), Error> {
    let header = header.ok_or(Error::Missing)?;
    verify(header.trim().strip_prefix("sha256=").and_then(digest), secrets, body)
}

/// Linear: bare hex.
///
/// # Errors
/// When it was not made with a configured secret.
pub fn verify_linear(header: Option<&str>, secrets: &[SecretString], body: &[u8]) -> Result<(), Error> {
    let header = header.ok_or(Error::Missing)?;
    verify(digest(header.trim()), secrets, body)
}

/// The digest a secret makes of a body.
pub fn sign(secret: &SecretString, body: &[u8]) -> [u8; DIGEST_BYTES] {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.expose_secret().as_bytes())
        .expect("a key of any length is taken");
    mac.update(body);
    mac.finalize().into_bytes().into()
}

fn digest(hexadecimal: &str) -> Option<[u8; DIGEST_BYTES]> {
    let mut bytes = [0; DIGEST_BYTES];
    hex::decode_to_slice(hexadecimal, &mut bytes).ok()?;
    Some(bytes)
}

fn verify(
    candidates: impl IntoIterator<Item = [u8; DIGEST_BYTES]>,
    secrets: &[SecretString],
    body: &[u8],
) -> Result<(), Error> {
    if secrets.is_empty() {
        return Err(Error::NoSecret);
    }
    let candidates: Vec<_> = candidates.into_iter().collect();
    if candidates.is_empty() {
        return Err(Error::Malformed);
    }
    let mut matched = Choice::from(0);
    for secret in secrets {
        let expected = sign(secret, body);
        for candidate in &candidates {
            matched |= candidate.ct_eq(&expected);
        }
    }
    if bool::from(matched) { Ok(()) } else { Err(Error::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secrets(list: &[&str]) -> Vec<SecretString> {
        list.iter().map(|secret| SecretString::from(*secret)).collect()
    }

    fn signature(secret: &str, body: &[u8]) -> String {
        hex::encode(sign(&SecretString::from(secret), body))
    }

    /// RFC 4231, test case 2.
    #[test]
    fn the_digest_is_hmac_sha_256() {
        let hex = signature("Jefe", b"what do ya want for nothing?");
        assert_eq!(hex, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }

    #[test]
    fn any_one_pagerduty_signature_that_matches_passes() {
        let body = br#"{"event":{}}"#;
        let header = format!("v1={},v0=beef, v1={}", signature("old", body), signature("new", body));
        assert_eq!(verify_pagerduty(Some(&header), &secrets(&["new"]), body), Ok(()));
        assert_eq!(verify_pagerduty(Some(&header), &secrets(&["other", "old"]), body), Ok(()));
        assert_eq!(verify_pagerduty(Some(&header), &secrets(&["other"]), body), Err(Error::Mismatch));
    }

    #[test]
    fn other_versions_and_garbled_entries_are_skipped_and_none_left_is_malformed() {
        let keys = secrets(&["s"]);
        assert_eq!(verify_pagerduty(Some("v2=00,v1=zz,,="), &keys, b"x"), Err(Error::Malformed));
        assert_eq!(verify_pagerduty(None, &keys, b"x"), Err(Error::Missing));
        assert_eq!(verify_jira(Some("sha1=00"), &keys, b"x"), Err(Error::Malformed));
        assert_eq!(verify_linear(Some("00"), &keys, b"x"), Err(Error::Malformed));
    }

    #[test]
    fn without_a_secret_nothing_is_believed() {
        let header = format!("sha256={}", signature("", b"x"));
        assert_eq!(verify_jira(Some(&header), &[], b"x"), Err(Error::NoSecret));
    }

    #[test]
    fn one_changed_byte_of_the_body_is_a_mismatch() {
        let header = signature("s", b"body");
        assert_eq!(verify_linear(Some(&header), &secrets(&["s"]), b"body"), Ok(()));
        assert_eq!(verify_linear(Some(&header), &secrets(&["s"]), b"bodY"), Err(Error::Mismatch));
    }
}
