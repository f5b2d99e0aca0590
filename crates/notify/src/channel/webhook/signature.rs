//! Signatures of webhooks, by the Standard Webhooks scheme: HMAC-SHA-256 over `id.timestamp.body`, in base64.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use secrecy::{ExposeSecret as _, SecretSlice};
use serde::Deserialize;
use sha2::Sha256;

/// Header: the idempotency key, the same for every attempt.
pub const ID: &str = "webhook-id";
/// Header: seconds since 1970 at which the attempt was made.
pub const TIMESTAMP: &str = "webhook-timestamp";
/// Header: one signature for every secret in force, apart by spaces.
pub const SIGNATURE: &str = "webhook-signature";

/// What a secret begins with.
const PREFIX: &str = "whsec_";

/// What a signature begins with.
const VERSION: &str = "v1,";

/// Fewest and most bytes of a secret, as the scheme has them.
const SECRET_BYTES: std::ops::RangeInclusive<usize> = 24..=64;

/// How far the clock of a receiver may be from ours: older requests could be replayed.
pub const TOLERANCE_SECONDS: u64 = 5 * 60;

/// A signing secret: `whsec_` and 24 to 64 bytes in base64. Its `Debug` shows nothing.
#[derive(Clone, Deserialize)]
#[serde(try_from = "String")]
pub struct Secret(SecretSlice<u8>);

/// A secret that cannot be used. It does not repeat what was given.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a webhook secret is `whsec_` and 24 to 64 random bytes in base64")]
pub struct SecretError;

impl Secret {
    /// Reads a secret.
    ///
    /// # Errors
    /// When it has another form.
    pub fn parse(text: &str) -> Result<Self, SecretError> {
        let bytes = text.trim().strip_prefix(PREFIX).and_then(|rest| STANDARD.decode(rest).ok());
        let bytes = bytes.filter(|bytes| SECRET_BYTES.contains(&bytes.len())).ok_or(SecretError)?;
        Ok(Self(bytes.into()))
    }

    fn mac(&self, id: &str, seconds: i64, body: &[u8]) -> Hmac<Sha256> {
        let mut mac =
            Hmac::<Sha256>::new_from_slice(self.0.expose_secret()).expect("a key of any length is taken");
        mac.update(format!("{id}.{seconds}.").as_bytes());
        mac.update(body);
        mac
    }
}

impl TryFrom<String> for Secret {
    type Error = SecretError;

    fn try_from(text: String) -> Result<Self, SecretError> {
        Self::parse(&text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// The value of the signature header.
pub(super) fn header(secrets: &[Secret], id: &str, seconds: i64, body: &[u8]) -> String {
    let signature = |secret: &Secret| {
        format!("{VERSION}{}", STANDARD.encode(secret.mac(id, seconds, body).finalize().into_bytes()))
    };
    secrets.iter().map(signature).collect::<Vec<_>>().join(" ")
}

/// Why a request is not believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum VerifyError {
    /// The timestamp is no number.
    #[error("the timestamp is not a number of seconds")]
    Timestamp,
    /// The timestamp is too far from now.
    #[error("the timestamp is more than five minutes from now")]
    TooFar,
    /// No signature fits.
    #[error("no signature was made with the secret")]
    Mismatch,
}

/// What a receiver does with the three headers and the raw body: the reference for docs and tests.
///
/// # Errors
/// When the request is not from somebody with the secret, or not from now.
pub fn verify(
    secret: &Secret,
    (id, timestamp, signatures): (&str, &str, &str),
    body: &[u8],
    now_seconds: i64,
) -> Result<(), VerifyError> {
    let seconds: i64 = timestamp.parse().map_err(|_| VerifyError::Timestamp)?;
    if seconds.abs_diff(now_seconds) > TOLERANCE_SECONDS {
        return Err(VerifyError::TooFar);
    }
    let digests =
        signatures.split(' ').filter_map(|entry| STANDARD.decode(entry.strip_prefix(VERSION)?).ok());
    // `verify_slice` compares in constant time.
    let fits = |digest: Vec<u8>| secret.mac(id, seconds, body).verify_slice(&digest).is_ok();
    if digests.into_iter().any(fits) { Ok(()) } else { Err(VerifyError::Mismatch) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The example that implementations of the scheme share.
    const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";
    const EXAMPLE_ID: &str = "msg_p5jXN8AQM9LWM0D4loKWxJek";
    const EXAMPLE_SECONDS: i64 = 1_614_265_330;
    const EXAMPLE_BODY: &[u8] = br#"{"test": 2432232314}"#;
    const EXAMPLE_SIGNATURE: &str = "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=";

    fn secret() -> Secret {
        Secret::parse(SECRET).unwrap()
    }

    #[test]
    fn signs_as_every_other_implementation_of_the_scheme() {
        assert_eq!(header(&[secret()], EXAMPLE_ID, EXAMPLE_SECONDS, EXAMPLE_BODY), EXAMPLE_SIGNATURE);
    }

    #[test]
    fn signs_with_every_secret_in_force_and_either_verifies() {
        let old = Secret::parse("whsec_b2xkLW9sZC1vbGQtb2xkLW9sZC1vbGQtb2xk").unwrap();
        let signatures = header(&[secret(), old.clone()], "id", 100, b"body");
        assert_eq!(signatures.split(' ').count(), 2);
        for secret in [secret(), old] {
            assert_eq!(verify(&secret, ("id", "100", &signatures), b"body", 110), Ok(()));
        }
    }

    #[test]
    fn a_change_of_anything_signed_is_a_mismatch() {
        let signatures = header(&[secret()], "id", 100, b"body");
        let check = |id, timestamp, body: &[u8]| verify(&secret(), (id, timestamp, &signatures), body, 100);
        assert_eq!(check("id", "100", b"body"), Ok(()));
        assert_eq!(check("id2", "100", b"body"), Err(VerifyError::Mismatch));
        assert_eq!(check("id", "101", b"body"), Err(VerifyError::Mismatch));
        assert_eq!(check("id", "100", b"bodY"), Err(VerifyError::Mismatch));
        assert_eq!(check("id", "x", b"body"), Err(VerifyError::Timestamp));
        let replayed = verify(&secret(), ("id", "100", &signatures), b"body", 401);
        assert_eq!(replayed, Err(VerifyError::TooFar));
    }

    #[test]
    fn a_secret_of_another_form_is_refused_without_being_repeated() {
        for text in
            ["", "secret", "whsec_", "whsec_c2hvcnQ=", "whsec_???", "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
        {
            let error = Secret::parse(text).unwrap_err();
            assert!(text.is_empty() || !error.to_string().contains("MfKQ"), "{text}");
        }
        assert_eq!(format!("{:?}", secret()), "Secret(..)");
    }
}
