//! `bantam-site`.
