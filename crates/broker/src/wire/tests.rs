//! Holds the layout table against the decoder, in every version of every request served.

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{RequestKind, ResponseKind};

use super::fence::check_body;
use super::layout::{Field, LAYOUTS, Layout, Shape};

/// A small generator of numbers; the tests must not depend on an outer source of chance.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }
}

/// Writes a body that the table says is valid.
struct Generator<'a> {
    numbers: &'a mut Numbers,
    version: i16,
    flexible: bool,
    out: Vec<u8>,
}

impl Generator<'_> {
    fn structure(&mut self, fields: &[Field]) {
        for field in fields {
            if (field.since..=field.until).contains(&self.version) {
                self.value(field.shape);
            }
        }
        if self.flexible {
            // Sometimes a tagged field that nobody knows.
            match self.numbers.next(4) {
                0 => self.out.extend_from_slice(&[1, 99, 3, b'x', b'y', b'z']),
                _ => self.out.push(0),
            }
        }
    }

    fn value(&mut self, shape: Shape) {
        match shape {
            Shape::Fixed(bytes) => {
                for _ in 0..bytes {
                    let byte = self.numbers.next(256) as u8;
                    self.out.push(byte);
                }
            }
            Shape::Text => {
                let length = self.numbers.next(9) as u8;
                if self.flexible {
                    self.out.push(length + 1);
                } else {
                    self.out.extend_from_slice(&i16::from(length).to_be_bytes());
                }
                self.out.extend((0..length).map(|at| b'a' + at));
            }
            Shape::Blob => {
                let length = self.numbers.next(20) as u8;
                self.length(length);
                self.out.extend((0..length).map(|at| at ^ 0xa5));
            }
            Shape::List(fields) => {
                let count = self.numbers.next(4) as u8;
                self.length(count);
                (0..count).for_each(|_| self.structure(fields));
            }
            Shape::Scalars(shape) => {
                let count = self.numbers.next(4) as u8;
                self.length(count);
                (0..count).for_each(|_| self.value(*shape));
            }
        }
    }

    fn length(&mut self, length: u8) {
        if self.flexible {
            self.out.push(length + 1);
        } else {
            self.out.extend_from_slice(&i32::from(length).to_be_bytes());
        }
    }
}

fn generate(numbers: &mut Numbers, layout: &Layout, version: i16) -> Vec<u8> {
    let flexible = version >= layout.flexible;
    let mut generator = Generator { numbers, version, flexible, out: Vec::new() };
    generator.structure(layout.fields);
    generator.out
}

fn every_version() -> impl Iterator<Item = (&'static Layout, i16)> {
    LAYOUTS.iter().flat_map(|layout| (layout.min..=layout.max).map(move |version| (layout, version)))
}

#[test]
fn the_decoder_reads_exactly_what_the_table_describes() {
    let mut numbers = Numbers(0x1234_5678_9abc_def1);
    for (layout, version) in every_version() {
        for _ in 0..40 {
            let body = generate(&mut numbers, layout, version);
            check_body(layout, version, &body).unwrap();
            let mut bytes = Bytes::from(body);
            let decoded = RequestKind::decode(layout.key, &mut bytes, version);
            assert!(decoded.is_ok(), "{:?} v{version}: {decoded:?}", layout.key);
            assert!(bytes.is_empty(), "{:?} v{version} leaves {} bytes", layout.key, bytes.len());
        }
    }
}

#[test]
fn what_the_client_side_encodes_passes_the_fence() {
    for (layout, version) in every_version() {
        let mut numbers = Numbers(7 + version as u64);
        for _ in 0..20 {
            let mut body = Bytes::from(generate(&mut numbers, layout, version));
            let decoded = RequestKind::decode(layout.key, &mut body, version).unwrap();
            let mut encoded = BytesMut::new();
            decoded.encode(&mut encoded, version).unwrap();
            check_body(layout, version, &encoded).unwrap();
        }
    }
}

#[test]
fn no_cut_body_passes_the_fence_and_upsets_the_decoder() {
    let mut numbers = Numbers(99);
    for (layout, version) in every_version() {
        let body = generate(&mut numbers, layout, version);
        for cut in 0..body.len() {
            if check_body(layout, version, &body[..cut]).is_ok() {
                let mut bytes = Bytes::copy_from_slice(&body[..cut]);
                RequestKind::decode(layout.key, &mut bytes, version).unwrap();
            }
        }
    }
}

#[test]
fn flexibility_agrees_with_the_header_versions() {
    for (layout, version) in every_version() {
        let flexible = layout.key.request_header_version(version) >= 2;
        assert_eq!(flexible, version >= layout.flexible, "{:?} v{version}", layout.key);
    }
}

#[test]
fn every_response_has_a_decoder_for_the_versions_served() {
    // Responses in all served versions are exercised by the socketless broker; here only that none is missing.
    for (layout, version) in every_version() {
        assert!(ResponseKind::decode(layout.key, &mut Bytes::new(), version).is_err());
    }
}
