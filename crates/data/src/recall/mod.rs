//! Can a model look up what it saw before? Recall tasks that nothing but the sequence itself answers: multi-query
//! associative recall (of tokens and of vectors), induction heads, selective copying.
//!
//! Items are numbers, drawn by seed; there is no text and no tokenizer. What is asked is not always the next token (MQAR
//! and copying never show the answer), so items carry [labels](crate::packing::Example::labels).

mod copy;
mod induction;
mod mqar;
mod vector_mqar;

use std::collections::HashSet;

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result};
use serde::{Deserialize, Serialize};

use crate::packing::Example;

pub use copy::Copy;
pub use induction::Induction;
pub use mqar::Mqar;
pub use vector_mqar::VectorMqar;

/// Names of the tasks.
pub const NAMES: [&str; 4] = ["mqar", "mqar-vectors", "induction", "copy"];

/// What is asked, of which sequences.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "name", rename_all = "lowercase", deny_unknown_fields)]
pub enum Task {
    /// Multi-query associative recall.
    Mqar(Mqar),
    /// The same over vectors.
    #[serde(rename = "mqar-vectors")]
    VectorMqar(VectorMqar),
    /// Induction heads.
    Induction(Induction),
    /// Selective copying.
    Copy(Copy),
}

/// A task and how many items of it there are to learn from, to choose by and to be scored on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The task.
    pub task: Task,
    /// Items to train on.
    pub train: usize,
    /// Items to choose learning rates by, and to stop at.
    pub valid: usize,
    /// Items to be scored on.
    pub test: usize,
}

/// The items of all splits; none is in two of them.
#[derive(Clone, Debug)]
pub struct Splits {
    /// To train on.
    pub train: Vec<Example>,
    /// To choose by.
    pub valid: Vec<Example>,
    /// To be scored on.
    pub test: Vec<Example>,
    /// What the items' numbers stand for where they are vectors: one after the other.
    pub vectors: Vec<f32>,
}

impl Settings {
    /// The task with the sizes of its paper; `None` if there is no such task. The papers of the other two tasks draw new
    /// items at every step; here they are as many as MQAR's.
    pub fn published(task: &str) -> Option<Self> {
        let task = match task {
            "mqar" => Task::Mqar(Mqar { vocabulary: 8192, length: 64, pairs: 4, ..Mqar::default() }),
            "mqar-vectors" => Task::VectorMqar(VectorMqar { size: 32, length: 64, pairs: 4, power: 0.01 }),
            "induction" => Task::Induction(Induction { vocabulary: 16, length: 256 }),
            "copy" => Task::Copy(Copy { vocabulary: 16, length: 4096, memorized: 16 }),
            _ => return None,
        };
        Some(Self { task, train: 100_000, valid: 1_000, test: 3_000 })
    }

    /// The task in a size that a CPU core learns in minutes; `None` if there is no such task.
    pub fn scaled(task: &str) -> Option<Self> {
        let task = match task {
            "mqar" => Task::Mqar(Mqar { vocabulary: 512, length: 64, pairs: 8, ..Mqar::default() }),
            "mqar-vectors" => Task::VectorMqar(VectorMqar { size: 16, length: 64, pairs: 8, power: 0.01 }),
            "induction" => Task::Induction(Induction { vocabulary: 16, length: 64 }),
            "copy" => Task::Copy(Copy { vocabulary: 16, length: 64, memorized: 8 }),
            _ => return None,
        };
        Some(Self { task, train: 20_000, valid: 500, test: 1_000 })
    }

    /// Checks that the sizes are possible.
    ///
    /// # Errors
    /// Impossible ones; the keys are named from `recall`.
    pub fn check(&self) -> Result<()> {
        self.task.check()?;
        for (key, items) in [("train", self.train), ("valid", self.valid), ("test", self.test)] {
            if items == 0 || items > MOST_ITEMS {
                let what = format!("{items} items");
                return Err(Error::input(format!("recall.{key}"), what, format!("give 1 to {MOST_ITEMS}")));
            }
        }
        if let Task::VectorMqar(task) = &self.task {
            let items = [self.train, self.valid, self.test].iter().sum::<usize>();
            let values = items.saturating_mul(2 * task.pairs).saturating_mul(task.vector_size());
            if values > MOST_COMPONENTS {
                let what = format!("{values} numbers in the vectors of all items");
                return Err(Error::input("recall.mqar-vectors", what, "give fewer items or pairs"));
            }
        }
        Ok(())
    }

    /// Draws the items of `seed`. Every split has its own stream, and no item of one is in another.
    ///
    /// # Errors
    /// As [`check`](Self::check), and tasks that have too few different items.
    pub fn items(&self, seed: u64) -> Result<Splits> {
        self.check()?;
        let (mut taken, mut vectors) = (HashSet::new(), Vec::new());
        let mut split = |name: &str, items: usize| {
            let mut rng = seed::rng(seed, &format!("recall/{}/{name}", self.task.name()));
            let drawn: Vec<Example> =
                (0..items).map(|_| self.new_item(&mut rng, &taken, &mut vectors)).collect::<Result<_>>()?;
            // Within a split an item may come twice, as in the papers.
            taken.extend(drawn.iter().map(|e| e.tokens.clone()));
            Ok(drawn)
        };
        // The small splits first: what they are does not depend on how much is trained on.
        let (test, valid) = (split("test", self.test)?, split("valid", self.valid)?);
        let train = split("train", self.train)?;
        Ok(Splits { train, valid, test, vectors })
    }

    /// An item that is not among those taken.
    fn new_item(&self, rng: &mut Rng, taken: &HashSet<Vec<u32>>, vectors: &mut Vec<f32>) -> Result<Example> {
        let drawn = (0..MOST_DRAWS).map(|_| self.task.item(rng, vectors)).find(|e| !taken.contains(&e.tokens));
        drawn.ok_or_else(|| {
            let what = "nearly all different items are in another split";
            Error::input("recall", what, "give a larger vocabulary, longer sequences or fewer items")
        })
    }
}

/// Most items of a split.
const MOST_ITEMS: usize = 10_000_000;
/// Numbers in all vectors: 2 GB.
const MOST_COMPONENTS: usize = 1 << 29;
/// Draws for one item, before giving up.
const MOST_DRAWS: usize = 1_000;
/// Longest sequence and largest vocabulary.
const MOST_TOKENS: usize = 1 << 20;

impl Task {
    /// Its name.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Mqar(_) => "mqar",
            Self::VectorMqar(_) => "mqar-vectors",
            Self::Induction(_) => "induction",
            Self::Copy(_) => "copy",
        }
    }

    /// Tokens are below it; 1 where there are none.
    pub fn vocabulary(&self) -> usize {
        match self {
            Self::Mqar(task) => task.vocabulary,
            Self::VectorMqar(_) => 1,
            Self::Induction(task) => task.vocabulary,
            Self::Copy(task) => task.vocabulary,
        }
    }

    /// Components of a vector, where items are of vectors.
    pub fn vector_size(&self) -> Option<usize> {
        match self {
            Self::VectorMqar(task) => Some(task.vector_size()),
            _ => None,
        }
    }

    /// Tokens or vectors of an item.
    pub fn item_tokens(&self) -> usize {
        match self {
            Self::Mqar(task) => task.length,
            Self::VectorMqar(task) => task.length,
            Self::Induction(task) => task.length.saturating_add(1),
            Self::Copy(task) => task.length.saturating_add(task.memorized).saturating_add(1),
        }
    }

    /// The share of right answers of a guesser that knows which tokens can be an answer (of MQAR: which were shown) and
    /// looks nothing up.
    pub fn chance(&self) -> f64 {
        1.0 / match self {
            Self::Mqar(task) => task.pairs as f64,
            Self::VectorMqar(task) => task.pairs as f64,
            Self::Induction(task) => task.vocabulary as f64 - 1.0,
            Self::Copy(task) => task.vocabulary as f64 - 2.0,
        }
    }

    fn item(&self, rng: &mut Rng, vectors: &mut Vec<f32>) -> Example {
        match self {
            Self::Mqar(task) => task.item(rng),
            Self::VectorMqar(task) => task.item(rng, vectors),
            Self::Induction(task) => task.item(rng),
            Self::Copy(task) => task.item(rng),
        }
    }

    fn check(&self) -> Result<()> {
        let most = self.vocabulary().max(self.item_tokens());
        let wrong = match self {
            _ if most > MOST_TOKENS => Some((format!("{most} tokens"), "stay below 2^20")),
            Self::Mqar(task) => task.wrong(),
            Self::VectorMqar(task) => task.wrong(),
            Self::Induction(task) => task.wrong(),
            Self::Copy(task) => task.wrong(),
        };
        let place = format!("recall.{}", self.name());
        wrong.map_or(Ok(()), |(what, remedy)| Err(Error::input(place, what, remedy)))
    }
}

/// What is wrong with a task's sizes, and what to do about it.
type Wrong = Option<(String, &'static str)>;

#[cfg(test)]
mod tests {
    use super::*;

    /// Right answers of `answer(tokens before and at the question)` over all questions.
    fn accuracy(items: &[Example], mut answer: impl FnMut(&[u32]) -> u32) -> f64 {
        let (mut right, mut asked) = (0usize, 0usize);
        for item in items {
            for (at, wanted) in item.asked() {
                right += usize::from(answer(&item.tokens[..at]) == wanted);
                asked += 1;
            }
        }
        right as f64 / asked as f64
    }

    /// Answers by looking up, written from the tasks' definitions and not from their generators.
    fn looked_up(task: &Task, seen: &[u32]) -> u32 {
        let (last, before) = seen.split_last().unwrap();
        match task {
            // What follows the same token before.
            Task::Mqar(_) | Task::VectorMqar(_) | Task::Induction(_) => {
                before[before.iter().position(|t| t == last).unwrap() + 1]
            }
            Task::Copy(task) => {
                let marker = task.vocabulary as u32 - 1;
                let asked = seen.iter().filter(|t| **t == marker).count();
                *before.iter().filter(|t| ![0, marker].contains(t)).nth(asked - 1).unwrap()
            }
        }
    }

    fn small() -> Vec<Settings> {
        let few = |s: Settings| Settings { train: 100, valid: 50, test: 300, ..s };
        NAMES.iter().flat_map(|n| [few(Settings::scaled(n).unwrap()), few(Settings::published(n).unwrap())]).collect()
    }

    #[test]
    fn what_is_asked_follows_from_what_came_before_and_from_nothing_else() {
        for settings in small() {
            let task = &settings.task;
            let splits = settings.items(3).unwrap();
            for item in splits.train.iter().chain(&splits.valid).chain(&splits.test) {
                assert_eq!(item.tokens.len(), task.item_tokens());
                let numbers = task.vector_size().map_or(task.vocabulary(), |size| splits.vectors.len() / size);
                assert!(item.tokens.iter().chain(&item.labels).all(|t| (*t as usize) < numbers));
            }
            assert_eq!(accuracy(&splits.test, |seen| looked_up(task, seen)), 1.0, "{task:?}");
            let mut rng = seed::rng(9, "guess");
            let guessed = accuracy(&splits.test, |seen| {
                use rand::RngExt as _;
                match task {
                    Task::Mqar(task) => seen[2 * rng.random_range(0..task.pairs) + 1],
                    Task::VectorMqar(task) => seen[2 * rng.random_range(0..task.pairs) + 1],
                    Task::Induction(task) => rng.random_range(0..task.vocabulary as u32 - 1),
                    Task::Copy(task) => rng.random_range(1..task.vocabulary as u32 - 1),
                }
            });
            let asked = splits.test.iter().map(|e| e.asked().count()).sum::<usize>() as f64;
            let chance = task.chance();
            let spread = (chance * (1.0 - chance) / asked).sqrt();
            assert!((guessed - chance).abs() < 4.0 * spread, "{task:?}: {guessed}, chance {chance}");
        }
    }

    #[test]
    fn splits_share_no_item_and_repeat_by_their_seed() {
        for settings in small() {
            let splits = settings.items(5).unwrap();
            let of = |items: &[Example]| items.iter().map(|e| e.tokens.clone()).collect::<HashSet<_>>();
            let (train, valid, test) = (of(&splits.train), of(&splits.valid), of(&splits.test));
            assert!(train.is_disjoint(&valid) && train.is_disjoint(&test) && valid.is_disjoint(&test));
            assert_eq!(settings.items(5).unwrap().train, splits.train);
            let other = settings.items(6).unwrap();
            assert!(other.train != splits.train || other.vectors != splits.vectors);
            // The test set stays the same when more is trained on.
            let fewer = Settings { train: 10, ..settings }.items(5).unwrap();
            assert_eq!(fewer.test, splits.test);
            assert!(splits.vectors.starts_with(&fewer.vectors));
        }
        // So few different items that the splits cannot be apart: refused, not shared.
        let tiny =
            Settings { task: Task::Induction(Induction { vocabulary: 2, length: 4 }), train: 10, valid: 10, test: 10 };
        assert!(tiny.items(1).unwrap_err().to_string().contains("nearly all different items"));
    }

    #[test]
    fn impossible_sizes_name_their_task() {
        let mqar = Mqar::default();
        let wrong = [
            Task::Mqar(Mqar { length: 63, ..mqar }),
            Task::Mqar(Mqar { pairs: 0, ..mqar }),
            Task::Mqar(Mqar { pairs: 40, ..mqar }),
            Task::Mqar(Mqar { vocabulary: 8, ..mqar }),
            Task::Mqar(Mqar { power: f64::NAN, ..mqar }),
            Task::VectorMqar(VectorMqar { size: 0, length: 64, pairs: 4, power: 0.01 }),
            Task::VectorMqar(VectorMqar { size: 8, length: 64, pairs: usize::MAX, power: 0.01 }),
            Task::Induction(Induction { vocabulary: 1, length: 64 }),
            Task::Induction(Induction { vocabulary: 16, length: 2 }),
            Task::Copy(Copy { vocabulary: 2, length: 64, memorized: 8 }),
            Task::Copy(Copy { vocabulary: 16, length: 4, memorized: 8 }),
            Task::Copy(Copy { vocabulary: 16, length: usize::MAX, memorized: 8 }),
        ];
        for task in wrong {
            let place = format!("recall.{}", task.name());
            let e = Settings { task, train: 10, valid: 10, test: 10 }.items(1).unwrap_err();
            assert!(e.exit_code() == 2 && e.place() == place, "{e}");
        }
        let none = Settings { train: 0, ..Settings::scaled("copy").unwrap() };
        assert_eq!(none.items(1).unwrap_err().place(), "recall.train");
        assert!(Settings::scaled("recall").is_none() && Settings::published("").is_none());
    }
}
