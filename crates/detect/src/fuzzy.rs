//! fuzzy
