//! Recipes as a graph of stages: what is to be built, what of it is there already, and in which order the rest runs.
//!
//! [`recipe`] reads what is wanted, [`stage`] decides what has to run, [`edge_json`] is the graph from generated data
//! to the report. The stages' bodies only call the libraries that do the work.

mod base;
pub mod baselines;
pub mod edge_json;
pub mod evaluation;
pub mod fine_tune;
#[cfg(feature = "hub")]
mod hub;
mod hub_cache;
mod items;
pub mod merge;
mod objective;
mod package;
pub mod recipe;
mod report;
pub mod run_difference;
pub mod stage;
mod stamp;
pub mod tokenizer;
pub mod training;
pub mod vectors;
pub mod zoo;
