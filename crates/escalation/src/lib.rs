//! The pure fold of escalations: levels, clocks, anchors, guards.
