//! Benchmarks, each printing its figure.
