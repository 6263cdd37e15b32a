//! `bantam-formats`.
