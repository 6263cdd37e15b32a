//! `bantam-train`.
