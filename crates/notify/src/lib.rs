//! Delivery of escalation steps: rendering, redaction, channels, receipts.
