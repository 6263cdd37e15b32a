//! `bantam-runtime`.
