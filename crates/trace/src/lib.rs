//! The vocabulary that the other crates speak.
pub mod record;
