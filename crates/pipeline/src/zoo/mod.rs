//! The mixers beside each other: what each costs at one number of parameters, and what small models of each can look up in
//! their own past.

pub mod costs;
mod pattern;
mod place;
pub mod recall;
mod record;
mod standings;
mod watch;

pub use pattern::Pattern;
pub use record::{Circumstances, Made, Record, read_all};
pub use standings::standings;
