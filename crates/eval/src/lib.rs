//! `bantam-eval`.
