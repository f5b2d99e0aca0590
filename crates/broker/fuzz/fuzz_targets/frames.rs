//! Feeds arbitrary frames to a broker without sockets: decoder, fence and handlers.
//!
//! The input is a run of frames, each a two-byte length and that many bytes, so that one input can build up state.
#![no_main]

use std::time::Duration;

use bellwether_broker::fuzzing::Socketless;
use bytes::Bytes;
use libfuzzer_sys::fuzz_target;

/// Far more virtual time than any bounded wait of a request.
const HANG: Duration = Duration::from_secs(3 * 24 * 3_600);

fuzz_target!(|input: &[u8]| {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without input or output always builds");
    let dir = tempfile::TempDir::new().expect("the fuzzing machine has room for a folder");
    runtime.block_on(async {
        let mut broker = Socketless::open(dir.path()).expect("an empty folder opens");
        let mut rest = input;
        while let Some((length, after)) = rest.split_first_chunk::<2>() {
            let length = usize::from(u16::from_be_bytes(*length)).min(after.len());
            let (frame, after) = after.split_at(length);
            let answer = broker.answer(Bytes::copy_from_slice(frame));
            tokio::time::timeout(HANG, answer).await.expect("every frame is answered in bounded time");
            rest = after;
        }
    });
});
