//! Throws mutated frames at the broker without sockets: it must neither panic nor hang, nor take memory by what a
//! frame merely claims. Seeded, so a failure repeats.

#![allow(clippy::unwrap_used, reason = "a helper that cannot go on fails the test that called it")]

use std::time::Duration;

use bellwether_broker::fuzzing::{Outcome, Socketless};
use bytes::{BufMut, Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey, RequestHeader, RequestKind, ResponseHeader, ResponseKind};
use kafka_protocol::protocol::{Decodable, Encodable};

mod requests;

const FRAMES: usize = 120_000;
const SEED: u64 = 0x5eed_0000_0000_0001;
/// Far more virtual time than any bounded wait of a request.
const HANG: Duration = Duration::from_secs(3 * 24 * 3_600);
/// Growth of the process's peak memory over the whole run; one honest frame here is at most a few kilobytes.
const MAX_GROWTH_KB: u64 = 200 * 1024;

struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}

fn frame(key: ApiKey, version: i16, request: &RequestKind) -> Vec<u8> {
    let mut out = BytesMut::new();
    let header = RequestHeader::default()
        .with_request_api_key(key as i16)
        .with_request_api_version(version)
        .with_correlation_id(7)
        .with_client_id(Some("fuzz".into()));
    header.encode(&mut out, key.request_header_version(version)).unwrap();
    request.encode(&mut out, version).unwrap();
    out.to_vec()
}

fn mutate(numbers: &mut Numbers, frame: &mut Vec<u8>) {
    for _ in 0..=numbers.below(4) {
        // Mostly behind the key and version, so that the frames get past the first look.
        let at =
            if numbers.below(10) == 0 { numbers.below(frame.len()) } else { 8 + numbers.below(frame.len()) };
        let at = at.min(frame.len().saturating_sub(1));
        match numbers.below(8) {
            0 => frame.truncate(at.max(1)),
            1 => frame[at] ^= 1 << numbers.below(8),
            2 => frame[at] = [0, 1, 0x7f, 0x80, 0xff][numbers.below(5)],
            3 => frame.insert(at, numbers.below(256) as u8),
            4 => drop(frame.remove(at)),
            5 => {
                let claim = [i32::MAX, -1, i32::MIN, 1 << 24, 2][numbers.below(5)].to_be_bytes();
                let end = (at + 4).min(frame.len());
                frame[at..end].copy_from_slice(&claim[..end - at]);
            }
            6 => {
                let huge = [0xff, 0xff, 0xff, 0xff, 0x0f];
                let end = (at + 5).min(frame.len());
                frame[at..end].copy_from_slice(&huge[..end - at]);
            }
            _ => {
                let from = numbers.below(frame.len());
                let chunk: Vec<u8> = frame[from..].iter().take(numbers.below(40)).copied().collect();
                frame.splice(at..at, chunk);
            }
        }
        if frame.is_empty() {
            frame.put_u8(0);
        }
    }
}

fn peak_kb() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM:"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}

async fn answer(broker: &mut Socketless, frame: Vec<u8>) -> Outcome {
    let shown = frame.clone();
    match tokio::time::timeout(HANG, broker.answer(Bytes::from(frame))).await {
        Ok(outcome) => outcome,
        Err(_) => panic!("no answer to {shown:02x?}"),
    }
}

/// Every kind of request in every version is answered, and clients can read the answers.
#[tokio::test(start_paused = true)]
async fn every_request_is_answered_in_every_version_served() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut broker = Socketless::open(dir.path()).unwrap();
    for (key, version, request) in requests::all() {
        let outcome = answer(&mut broker, frame(key, version, &request)).await;
        let Outcome::Response(mut response) = outcome else { panic!("{key:?} v{version}: {outcome:?}") };
        drop(response.split_to(4));
        ResponseHeader::decode(&mut response, key.response_header_version(version)).unwrap();
        ResponseKind::decode(key, &mut response, version).unwrap();
        assert!(response.is_empty(), "{key:?} v{version} has {} bytes too many", response.len());
    }
}

#[tokio::test(start_paused = true)]
async fn mutated_frames_neither_panic_nor_hang_nor_take_memory() {
    let dir = tempfile::TempDir::new().unwrap();
    let mut broker = Socketless::open(dir.path()).unwrap();
    let mut numbers = Numbers(SEED);
    let seeds: Vec<Vec<u8>> =
        requests::all().iter().map(|(key, version, request)| frame(*key, *version, request)).collect();
    for seed in &seeds {
        answer(&mut broker, seed.clone()).await;
    }
    let before = peak_kb();
    let (mut answered, mut closed) = (0, 0);
    for _ in 0..FRAMES {
        let mut frame = seeds[numbers.below(seeds.len())].clone();
        mutate(&mut numbers, &mut frame);
        match answer(&mut broker, frame).await {
            Outcome::Response(_) | Outcome::Silence => answered += 1,
            Outcome::Closed(_) => closed += 1,
        }
    }
    assert!(answered > FRAMES / 20, "the mutations reach the handlers: {answered} answered");
    assert!(closed > FRAMES / 20, "the mutations break frames: {closed} closed");
    if let (Some(before), Some(after)) = (before, peak_kb()) {
        assert!(after - before < MAX_GROWTH_KB, "peak memory grew by {} kB", after - before);
    }
}
