use super::*;

fn batch(
    producer_id: i64,
    epoch: i16,
    first: i32,
    count: i32,
    offset: i64,
    transactional: bool,
) -> BatchHeader {
    BatchHeader {
        base_offset: offset,
        size: 100,
        crc: 0,
        attributes: if transactional { 0x10 } else { 0 },
        last_offset_delta: count - 1,
        base_timestamp: 1,
        max_timestamp: offset * 10,
        producer_id,
        producer_epoch: epoch,
        base_sequence: first,
        record_count: count,
    }
}

fn accept(producers: &mut Producers, batch: BatchHeader) {
    assert_eq!(producers.check(&batch), Ok(Verdict::Append), "{batch:?}");
    producers.record(&batch, 0);
}

#[test]
fn repeats_of_the_last_five_batches_are_recognised() {
    let mut producers = Producers::default();
    for at in 0..7 {
        accept(&mut producers, batch(1, 0, at * 3, 3, i64::from(at) * 3, false));
    }
    for at in 2..7 {
        let verdict = producers.check(&batch(1, 0, at * 3, 3, 1_000, false));
        let offset = i64::from(at) * 3;
        assert_eq!(verdict, Ok(Verdict::Repeat { base_offset: offset, timestamp: offset * 10 }));
    }
    assert_eq!(producers.check(&batch(1, 0, 0, 3, 1_000, false)), Err(ProducerFault::OutOfOrder));
    assert_eq!(producers.check(&batch(1, 0, 22, 3, 1_000, false)), Err(ProducerFault::OutOfOrder));
}

#[test]
fn an_unknown_producer_may_start_anywhere_but_a_new_epoch_starts_at_zero() {
    let mut producers = Producers::default();
    accept(&mut producers, batch(1, 0, 500, 1, 0, false));
    assert_eq!(producers.check(&batch(1, 1, 501, 1, 1, false)), Err(ProducerFault::OutOfOrder));
    accept(&mut producers, batch(1, 1, 0, 1, 1, false));
    assert_eq!(producers.check(&batch(1, 0, 501, 1, 2, false)), Err(ProducerFault::Fenced));
}

#[test]
fn the_oldest_open_transaction_bounds_the_stable_offset() {
    let mut producers = Producers::default();
    accept(&mut producers, batch(1, 0, 0, 2, 10, true));
    accept(&mut producers, batch(2, 0, 0, 2, 12, true));
    accept(&mut producers, batch(1, 0, 2, 2, 14, true));
    assert_eq!(producers.first_open(), Some(10));
    assert_eq!(
        producers.end(1, 0, Ending::Commit, 0),
        Some(Ended { first_offset: 10, ending: Ending::Commit })
    );
    assert_eq!(producers.first_open(), Some(12));
    assert_eq!(
        producers.end(2, 1, Ending::Abort, 0),
        Some(Ended { first_offset: 12, ending: Ending::Abort })
    );
    assert_eq!(producers.first_open(), None);
}

#[test]
fn a_marker_raises_the_epoch_even_where_nothing_is_open() {
    let mut producers = Producers::default();
    accept(&mut producers, batch(1, 0, 0, 2, 0, true));
    producers.end(1, 0, Ending::Commit, 0);
    assert_eq!(producers.end(1, 1, Ending::Abort, 0), None);
    assert_eq!(producers.check(&batch(1, 0, 2, 1, 5, true)), Err(ProducerFault::Fenced));
    accept(&mut producers, batch(1, 1, 0, 1, 5, true));
}

#[test]
fn a_plain_batch_is_refused_while_a_transaction_is_open() {
    let mut producers = Producers::default();
    accept(&mut producers, batch(1, 0, 0, 1, 0, true));
    assert_eq!(producers.check(&batch(1, 0, 1, 1, 1, false)), Err(ProducerFault::TransactionOpen));
}

#[test]
fn sequences_wrap_around() {
    let mut producers = Producers::default();
    accept(&mut producers, batch(1, 0, i32::MAX - 1, 3, 0, false));
    accept(&mut producers, batch(1, 0, 1, 1, 3, false));
}

#[test]
fn state_survives_encoding_and_expiry_spares_open_transactions() {
    let mut producers = Producers::default();
    accept(&mut producers, batch(1, 0, 0, 2, 0, true));
    accept(&mut producers, batch(2, 4, 0, 2, 2, false));
    let mut bytes = Vec::new();
    producers.encode(&mut bytes);
    assert_eq!(Producers::decode(&mut Reader::new(&bytes)), Ok(producers.clone()));
    producers.expire(1);
    assert!(producers.get(1).is_some());
    assert!(producers.get(2).is_none());
}
