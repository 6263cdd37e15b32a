//! `bantam-pipeline`.
