//! Where items come from and what a model is shown of them: the EdgeJSON generator, the JSONL and schema readers,
//! the prompt built from a schema, and the measured overlap between splits.

pub mod absent_fields;
pub mod canonical;
mod capitalized;
pub mod chat;
mod coined_word;
pub mod completion;
mod digits;
pub mod documents;
pub mod edge_json;
pub mod forms;
pub mod function_call;
pub mod holdout;
pub mod intent;
pub mod item;
pub mod jsonl;
pub mod packing;
pub mod prompt;
pub mod recall;
pub mod schemas;
pub mod signature;
pub mod substitution;
mod value_pool;
pub mod windows;
