//! How units come back.
