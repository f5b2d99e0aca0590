//! What holds for the whole tree: who may depend on whom, what pure crates never name, what lies where.

mod arrows;
mod purity;
mod tree;
