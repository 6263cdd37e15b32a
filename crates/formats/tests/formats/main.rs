//! The public face of the crate against what other tools wrote, and against hostile input. One binary, so that it links once.

mod adapters;
mod chat;
mod fixtures;
mod fuzz;
mod hostile;
mod memory;
mod mixers;
mod models;
mod tokenizers;
