//! Hands a bearer token to a client that does not ask for one.
//!
//! Why: the admin client serves a queue of its own and never the one through which a token is asked for, so it is
//! given one as it is opened. It lives for one question, far shorter than a token.

#![allow(
    unsafe_code,
    reason = "the crate offers tokens to its own event loop only; one call with owned strings"
)]

use std::ffi::CString;
use std::os::raw::c_char;
use std::ptr;

use rdkafka::ClientContext;
use rdkafka::bindings;
use rdkafka::client::{Client, OAuthToken};
use rdkafka::types::RDKafkaRespErr;

use bellwether_log::{Error, ErrorClass, Result};

/// Room for the client's complaint.
const COMPLAINT: usize = 512;

pub(crate) fn give<C: ClientContext>(client: &Client<C>, token: OAuthToken) -> Result<()> {
    let what = "hand a bearer token to an admin client";
    let text =
        |text: String| CString::new(text).map_err(|error| Error::with_source(ErrorClass::Fatal, what, error));
    let (value, principal) = (text(token.token)?, text(token.principal_name)?);
    let mut complaint: Vec<c_char> = vec![0; COMPLAINT];
    // SAFETY: the client is live; the strings outlive the call, which copies them; there are no extensions; the
    // complaint is written within its length and ended by a zero.
    let code = unsafe {
        bindings::rd_kafka_oauthbearer_set_token(
            client.native_ptr(),
            value.as_ptr(),
            token.lifetime_ms,
            principal.as_ptr(),
            ptr::null_mut(),
            0,
            complaint.as_mut_ptr(),
            COMPLAINT,
        )
    };
    if code == RDKafkaRespErr::RD_KAFKA_RESP_ERR_NO_ERROR {
        return Ok(());
    }
    let written = complaint.iter().take_while(|byte| **byte != 0).map(|byte| byte.to_ne_bytes()[0]);
    let said = String::from_utf8_lossy(&written.collect::<Vec<u8>>()).into_owned();
    Err(Error::with_source(ErrorClass::Fatal, what, said))
}
