//! Function calls: which calls does an output make, and are they the right ones?

mod arithmetic;
pub mod bfcl;
pub mod described;
pub mod json_calls;
mod literal;
pub mod python;
pub mod rule;
mod spelling;
pub mod suite;
mod syntax;
mod tokens;

pub use literal::{Literal, Type};
pub use tokens::CallError;

/// One call.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// The function's name, dots included.
    pub name: String,
    /// Arguments by name in the order written; no name where a mapping was unpacked (`**mapping`).
    pub arguments: Vec<(Option<String>, Literal)>,
}
