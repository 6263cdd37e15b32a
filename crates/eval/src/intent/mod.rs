//! How well are intents recognized, and how sure is the one who recognizes them?
//!
//! [`suite`] asks and scores; [`metrics`] are scores of labels, [`probabilities`] those of probabilities, [`intervals`] say how sure
//! both are; [`linear`] is the floor, on the features of [`tfidf`]; [`label_errors`] finds labels that look wrong.

pub mod intervals;
pub mod label_errors;
pub mod linear;
pub mod metrics;
pub mod probabilities;
pub mod suite;
pub mod tables;
pub mod tfidf;
