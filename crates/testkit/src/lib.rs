//! Builders and scenario helpers for tests.
