//! `bantam-model`.
