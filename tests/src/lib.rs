//! Tests that cross crates: conformance, end to end, architecture.
