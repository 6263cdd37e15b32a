//! `bantam-data`.
