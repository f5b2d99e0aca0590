//! Deleting old segments by age and by size.
//!
//! Invariant: only whole segments below the last stable offset go, so no open transaction loses its beginning.

use std::io;

use super::partition::PartitionLog;
use super::settings::LogSettings;

impl PartitionLog {
    /// Applies the retention settings; returns how many segments were deleted.
    pub(crate) fn retain(&mut self, settings: &LogSettings, now: i64) -> io::Result<usize> {
        if !settings.delete || self.deleted {
            return Ok(0);
        }
        self.roll_if_outlived(settings, now)?;
        let mut deleted = 0;
        while self.segments.len() > 1 && self.oldest_is_over(settings, now) {
            self.drop_oldest()?;
            deleted += 1;
        }
        self.forget_aborted();
        Ok(deleted)
    }

    /// Rolls the growing segment when all its records are past their time, so that it can go as well.
    fn roll_if_outlived(&mut self, settings: &LogSettings, now: i64) -> io::Result<()> {
        let outlived = self.segments.last().is_some_and(|segment| {
            let over = settings.retention_ms.is_some_and(|keep| now - segment.latest_timestamp > keep);
            segment.size > 0 && segment.latest_timestamp >= 0 && over
        });
        if outlived && self.stable_end() == self.end { self.roll(now) } else { Ok(()) }
    }

    fn oldest_is_over(&self, settings: &LogSettings, now: i64) -> bool {
        let oldest = &self.segments[0];
        if oldest.next_offset > self.stable_end() {
            return false;
        }
        let too_old = settings
            .retention_ms
            .is_some_and(|keep| oldest.latest_timestamp >= 0 && now - oldest.latest_timestamp > keep);
        // The oldest goes only if what remains still reaches the bound, as Kafka counts.
        let too_large = settings.retention_bytes.is_some_and(|keep| self.size() - oldest.size >= keep);
        too_old || too_large
    }
}

#[cfg(test)]
mod tests {
    use crate::log::testing::{Build, TestLog, keep_all};

    fn three_segments(retention_ms: Option<i64>, retention_bytes: Option<u64>) -> TestLog {
        let mut test = TestLog::new(super::LogSettings {
            delete: true,
            segment_bytes: 100,
            retention_ms,
            retention_bytes,
            ..keep_all()
        });
        for at in 0..3 {
            test.append(&Build { timestamp: at * 1_000, ..Build::default() });
        }
        test
    }

    #[test]
    fn segments_older_than_the_bound_go_and_the_end_stays() {
        let mut test = three_segments(Some(1_500), None);
        assert_eq!(test.log.retain(&test.settings, 3_000).unwrap(), 2);
        assert_eq!((test.log.start, test.log.end), (2, 3));
        assert_eq!(test.log.retain(&test.settings, 100_000).unwrap(), 1);
        assert_eq!((test.log.start, test.log.end), (3, 3));
        test.reopen(true);
        assert_eq!((test.log.start, test.log.end), (3, 3));
    }

    #[test]
    fn segments_beyond_the_size_go() {
        let one = three_segments(None, None).log.segments[0].size;
        let mut test = three_segments(None, Some(one));
        assert_eq!(test.log.retain(&test.settings, 0).unwrap(), 2);
        assert_eq!(test.log.start, 2);
    }

    #[test]
    fn an_open_transaction_holds_its_segments() {
        let mut test = three_segments(Some(0), None);
        test.append(&Build { transactional: true, producer: Some((1, 0, 0)), ..Build::default() });
        test.append(&Build::default());
        test.log.retain(&test.settings, 100_000).unwrap();
        assert_eq!(test.log.start, 3);
    }
}
