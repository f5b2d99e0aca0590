//! Raw frames over a socket: what cannot be served ends the connection, what can be answered is.

use std::io::{Read, Write};
use std::net::TcpStream;

use crate::harness::{InProcess, PATIENCE};

fn connect(broker: &InProcess) -> TcpStream {
    let stream = TcpStream::connect(broker.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Key, version, correlation id 7, no client id, and what follows.
fn frame(key: i16, version: i16, rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    body.extend_from_slice(&key.to_be_bytes());
    body.extend_from_slice(&version.to_be_bytes());
    body.extend_from_slice(&7i32.to_be_bytes());
    body.extend_from_slice(&(-1i16).to_be_bytes());
    body.extend_from_slice(rest);
    let mut frame = (body.len() as i32).to_be_bytes().to_vec();
    frame.extend_from_slice(&body);
    frame
}

fn assert_closed(mut stream: TcpStream) {
    let mut byte = [0];
    // A reset is as good as an end.
    assert!(!matches!(stream.read(&mut byte), Ok(1..)), "the connection must be closed");
}

#[test]
fn unknown_keys_and_versions_and_oversized_frames_close_the_connection() {
    let broker = InProcess::start();
    for bad in [
        frame(999, 0, &[]),
        frame(3, 99, &[]),
        frame(3, -1, &[]),
        i32::MAX.to_be_bytes().iter().chain(&[0, 3, 0, 1]).copied().collect(),
        (-5i32).to_be_bytes().iter().chain(&[0, 3, 0, 1]).copied().collect(),
        frame(3, 1, &i32::MAX.to_be_bytes()),
    ] {
        let mut stream = connect(&broker);
        stream.write_all(&bad).unwrap();
        assert_closed(stream);
    }
}

#[test]
fn a_newer_api_versions_request_is_answered_in_version_0() {
    let broker = InProcess::start();
    let mut stream = connect(&broker);
    stream.write_all(&frame(18, 77, &[1, 2, 3])).unwrap();
    let mut head = [0; 10];
    stream.read_exact(&mut head).unwrap();
    assert_eq!(head[4..8], 7i32.to_be_bytes(), "the correlation id");
    assert_eq!(head[8..10], 35i16.to_be_bytes(), "UNSUPPORTED_VERSION");
}

#[test]
fn frames_may_come_in_pieces_and_together() {
    let broker = InProcess::start();
    let mut stream = connect(&broker);
    let twice = [frame(18, 0, &[]), frame(18, 0, &[])].concat();
    for byte in &twice[..twice.len() - 1] {
        stream.write_all(&[*byte]).unwrap();
    }
    stream.write_all(&twice[twice.len() - 1..]).unwrap();
    for _ in 0..2 {
        let mut length = [0; 4];
        stream.read_exact(&mut length).unwrap();
        let mut body = vec![0; i32::from_be_bytes(length) as usize];
        stream.read_exact(&mut body).unwrap();
        assert_eq!(body[..4], 7i32.to_be_bytes());
    }
}
