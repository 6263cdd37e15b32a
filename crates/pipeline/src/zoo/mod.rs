//! The mixers beside each other: what each costs at one number of parameters, what small models of each can look up in
//! their own past, and how well they learn a text.

pub mod costs;
mod pattern;
mod place;
pub mod recall;
mod record;
mod standings;
mod sweep;
mod text_record;
mod text_standings;
pub mod texts;
mod training;
mod watch;

pub use pattern::Pattern;
pub use record::{Circumstances, Made, Record, Results, read_all};
pub use standings::standings;
pub use sweep::Summary;
pub use text_record::{Corpus, Scored, TextMade, TextRecord};
pub use text_standings::text_standings;
