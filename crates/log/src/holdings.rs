//! Which partitions a member holds, and since which assignment: the arithmetic behind the fencing token.
//!
//! What it is: a ledger that every implementation of [`crate::Member`] keeps, so that all of them refuse the same
//! transactions. What it is not: the group's fence; the broker checks generation and member id on its own.
//!
//! Invariants:
//! - The epoch grows by one at every change, gain or loss.
//! - A partition that went away and came back is held since the later epoch: work read before is refused.

use std::collections::BTreeMap;

use crate::{Error, ErrorClass, FencingToken, Result, TopicPartition, Transaction};

/// The ledger of one member.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    epoch: u64,
    since: BTreeMap<TopicPartition, u64>,
}

impl Holdings {
    /// The token of work that is read now.
    pub fn token(&self) -> FencingToken {
        FencingToken(self.epoch)
    }

    /// True while the partition is held.
    pub fn holds(&self, partition: &TopicPartition) -> bool {
        self.since.contains_key(partition)
    }

    /// What is held, in order.
    pub fn partitions(&self) -> impl Iterator<Item = &TopicPartition> {
        self.since.keys()
    }

    /// True when nothing is held.
    pub fn is_empty(&self) -> bool {
        self.since.is_empty()
    }

    /// Notes partitions handed over.
    pub fn gain<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.epoch += 1;
        for partition in partitions {
            self.since.insert(partition.clone(), self.epoch);
        }
    }

    /// Notes partitions taken away.
    pub fn lose<'a>(&mut self, partitions: impl IntoIterator<Item = &'a TopicPartition>) {
        self.epoch += 1;
        for partition in partitions {
            self.since.remove(partition);
        }
    }

    /// Refuses a transaction without positions, and one that speaks for a partition which was not held from its
    /// token until now.
    pub fn check(&self, transaction: &Transaction) -> Result<()> {
        if transaction.positions.is_empty() {
            return Err(Error::new(
                ErrorClass::Fatal,
                "commit a transaction without positions: nothing would fence it, so none is ever sent",
            ));
        }
        for position in &transaction.positions {
            let held = self.since.get(&position.partition);
            if held.is_none_or(|since| *since > transaction.token.0) {
                return Err(Error::new(
                    ErrorClass::Fenced,
                    format!(
                        "commit for {} under assignment {}: the partition was revoked since",
                        position.partition, transaction.token.0
                    ),
                ));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Position;

    fn partition(number: u32) -> TopicPartition {
        TopicPartition::new("facts", number)
    }

    fn transaction(token: FencingToken, numbers: &[u32]) -> Transaction {
        let positions =
            numbers.iter().map(|n| Position { partition: partition(*n), next_offset: 1 }).collect();
        Transaction { records: vec![], positions, token }
    }

    #[test]
    fn positions_are_required() {
        let holdings = Holdings::default();
        let refused = holdings.check(&transaction(holdings.token(), &[])).unwrap_err();
        assert_eq!(refused.class(), ErrorClass::Fatal);
    }

    #[test]
    fn a_partition_held_throughout_outlives_other_changes() {
        let mut holdings = Holdings::default();
        holdings.gain(&[partition(0), partition(1)]);
        let token = holdings.token();
        holdings.lose(&[partition(1)]);
        assert!(holdings.check(&transaction(token, &[0])).is_ok());
        assert_eq!(holdings.check(&transaction(token, &[0, 1])).unwrap_err().class(), ErrorClass::Fenced);
    }

    #[test]
    fn a_partition_that_came_back_refuses_the_old_token() {
        let mut holdings = Holdings::default();
        holdings.gain(&[partition(0)]);
        let token = holdings.token();
        holdings.lose(&[partition(0)]);
        holdings.gain(&[partition(0)]);
        assert_eq!(holdings.check(&transaction(token, &[0])).unwrap_err().class(), ErrorClass::Fenced);
        assert!(holdings.check(&transaction(holdings.token(), &[0])).is_ok());
    }
}
