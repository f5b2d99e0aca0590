//! The log port and its deterministic simulator.
