//! The bellwether binary: configuration, roles and commands.

fn main() {}
