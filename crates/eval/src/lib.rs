//! Suites, metrics and statistics: what a model's output is worth, how sure that is, and beside which floors.
//!
//! The way through: [`harness`] asks a [`local_model`] or an [`endpoint`] (or reads [`predictions`]) for every item of a suite such as
//! [`edge_json`] or [`intent`], and keeps what is
//! finished; [`answer`] finds the answer in an output, [`metrics`] scores it, [`statistics`] says how sure the score is, [`floors`] what it has
//! to beat, [`result`] how it is filed. [`compare`] and [`gate`] read what is filed, [`audit`] reads the data, [`perplexity`] weighs texts, [`vectors`] judges predicted vectors, [`speed`]
//! and [`energy`] say what an answer takes.

pub mod answer;
pub mod audit;
pub mod compare;
pub mod contamination;
pub mod decimal;
pub mod edge_json;
pub mod endpoint;
pub mod energy;
pub mod floors;
pub mod function_call;
pub mod gate;
pub mod harness;
pub mod intent;
pub mod json;
pub mod local_model;
pub mod metrics;
pub mod perplexity;
pub mod predictions;
pub mod result;
pub mod speed;
pub mod statistics;
pub mod vectors;
