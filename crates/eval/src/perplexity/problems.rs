//! Problems of a file as a suite: their choices or answers are weighed by log-probability, nothing is decoded.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use bantam_core::{Error, Result};
use serde::Serialize;
use serde_json::{Value, json};

use super::byte_ngram::{self, ByteNgram};
use super::formats::{self, Format, Problem, Task};
use super::{METRIC_VERSION, NAME, Sample, bits_per_byte};
use crate::harness::{Candidates, Output, Prompt, Request, Scored, Suite};
use crate::result::{Protocol, Source};
use crate::statistics::{Difference, Estimate, paired_difference};

/// How the choices of a question are weighed, or that an answer is predicted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scoring {
    /// The choices are not shown; each is weighed as a continuation of the question.
    Cloze,
    /// The choices are shown with letters; the letters are weighed.
    Letter,
    /// There are no choices: the answer is predicted.
    Answer,
}

impl Scoring {
    /// The name in results: the track.
    pub fn name(self) -> &'static str {
        match self {
            Self::Cloze => "cloze",
            Self::Letter => "letter",
            Self::Answer => "answer",
        }
    }

    /// The ways to score a format's problems.
    pub fn of(format: Format) -> &'static [Scoring] {
        match format {
            Format::Mmlu | Format::Gpqa => &[Self::Cloze, Self::Letter],
            Format::Text | Format::Drop | Format::Math | Format::HumanEval => &[Self::Answer],
        }
    }
}

/// Scores by metric, overall and by subject.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tables {
    /// All problems.
    pub overall: BTreeMap<String, Estimate>,
    /// By subject, where there are several.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub by_subject: BTreeMap<String, BTreeMap<String, Estimate>>,
}

/// A file's problems, scored one way.
pub struct Problems {
    problems: Vec<Problem>,
    format: Format,
    scoring: Scoring,
    data: Source,
    limit: Option<usize>,
}

/// The intervals in words.
const INTERVALS: &str = "95 %. Shares of problems: Wilson score. bits_per_byte, a ratio of sums: percentile bootstrap that draws whole \
    problems, 2,000 resamples, seed 0. Differences are paired on the same problems, bootstrap as for means.";

impl Problems {
    /// Reads a file, at most `limit` problems from its start.
    ///
    /// # Errors
    /// As [`formats::read`]; an input error when the format cannot be scored so, or the limit leaves nothing.
    pub fn load(path: &Path, format: Format, scoring: Scoring, limit: Option<usize>) -> Result<Self> {
        if !Scoring::of(format).contains(&scoring) {
            let what = format!("{} cannot be scored by {}", format.name(), scoring.name());
            return Err(Error::input(path.display(), what, "leave --scoring out"));
        }
        let mut problems = formats::read(path, format)?;
        let limit = limit.filter(|limit| *limit < problems.len());
        problems.truncate(limit.unwrap_or(problems.len()));
        if problems.is_empty() {
            return Err(Error::input(path.display(), "no problems to evaluate", "choose a limit above 0"));
        }
        Ok(Self { problems, format, scoring, data: Source::of(path)?, limit })
    }

    /// What is read, and the continuations to be weighed.
    fn asked(&self, problem: &Problem) -> (String, Vec<String>) {
        match (&problem.task, self.scoring) {
            (Task::Answer { given, answer }, _) => (given.clone(), vec![answer.clone()]),
            (Task::Choice { question, choices, .. }, Scoring::Letter) => {
                let subject = problem.subject.as_ref().map_or_else(String::new, |s| format!(" about {s}"));
                let mut text =
                    format!("The following are multiple choice questions (with answers){subject}.\n\n{question}\n");
                for (letter, choice) in letters().zip(choices) {
                    text.push_str(&format!("{letter}. {choice}\n"));
                }
                (text + "Answer:", letters().take(choices.len()).map(|letter| format!(" {letter}")).collect())
            }
            (Task::Choice { question, choices, .. }, _) => {
                (format!("Question: {question}\nAnswer:"), choices.iter().map(|choice| format!(" {choice}")).collect())
            }
        }
    }

    /// What the log-probabilities of a problem's continuations are worth.
    fn scores(&self, problem: &Problem, weighed: Option<&[f64]>) -> BTreeMap<String, f64> {
        let mut scores = BTreeMap::new();
        let (_, continuations) = self.asked(problem);
        match &problem.task {
            Task::Choice { choices, right, .. } => {
                let hit = |best: Option<usize>| f64::from(u8::from(best == Some(*right)));
                let (most, normalized) = (weighed.map(most_likely), weighed.map(|w| most_likely_by_length(w, choices)));
                match self.scoring {
                    Scoring::Letter => {
                        scores.insert("letter_accuracy".to_owned(), hit(most));
                    }
                    _ => {
                        scores.insert("cloze_accuracy".to_owned(), hit(most));
                        scores.insert("cloze_accuracy_normalized".to_owned(), hit(normalized));
                        if let Some(weighed) = weighed {
                            let bits = bits_per_byte(weighed[*right], continuations[*right].len());
                            scores.insert("bits_per_byte".to_owned(), bits);
                        }
                    }
                }
            }
            Task::Answer { answer, .. } => {
                if let Some(weighed) = weighed {
                    scores.insert("bits_per_byte".to_owned(), bits_per_byte(weighed[0], answer.len()));
                }
            }
        }
        scores
    }

    /// Bytes that a problem's `bits_per_byte` counts.
    fn bytes(&self, problem: &Problem) -> usize {
        match (&problem.task, self.scoring) {
            (Task::Choice { .. }, Scoring::Letter) => 0,
            (Task::Choice { right, .. }, _) => self.asked(problem).1[*right].len(),
            (Task::Answer { answer, .. }, _) => answer.len(),
        }
    }

    /// By floor, the scores of every problem.
    fn floors(&self) -> BTreeMap<String, Vec<BTreeMap<String, f64>>> {
        let mut floors: BTreeMap<String, Vec<BTreeMap<String, f64>>> = BTreeMap::new();
        let mut model = ByteNgram::default();
        for problem in &self.problems {
            let (given, continuations) = self.asked(problem);
            if let Task::Choice { choices, right, .. } = &problem.task {
                let longest = (0..choices.len()).rev().max_by_key(|c| choices[*c].chars().count());
                for (name, best) in [("longest", longest), ("first", Some(0))] {
                    let hit = f64::from(u8::from(best == Some(*right)));
                    let metrics: &[&str] = match self.scoring {
                        Scoring::Letter => &["letter_accuracy"],
                        _ => &["cloze_accuracy", "cloze_accuracy_normalized"],
                    };
                    let scores = metrics.iter().map(|metric| ((*metric).to_owned(), hit)).collect();
                    floors.entry(name.to_owned()).or_default().push(scores);
                }
            }
            if self.scoring != Scoring::Letter {
                let right = match &problem.task {
                    Task::Choice { right, .. } => *right,
                    Task::Answer { .. } => 0,
                };
                model.read(given.as_bytes());
                let text = continuations[right].as_bytes();
                let bits = model.read(text) / text.len().max(1) as f64;
                let scores = BTreeMap::from([("bits_per_byte".to_owned(), bits)]);
                floors.entry("byte_ngram".to_owned()).or_default().push(scores);
            }
        }
        floors
    }

    fn tables(&self, scores: &[BTreeMap<String, f64>]) -> Tables {
        let mut subjects: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
        for (i, problem) in self.problems.iter().enumerate() {
            subjects.entry(problem.subject.as_deref().unwrap_or("unknown")).or_default().push(i);
        }
        let all: Vec<usize> = (0..self.problems.len()).collect();
        let several = subjects.len() > 1;
        let by_subject = subjects.iter().filter(|_| several);
        Tables {
            overall: self.estimates(scores, &all),
            by_subject: by_subject.map(|(name, items)| ((*name).to_owned(), self.estimates(scores, items))).collect(),
        }
    }

    fn estimates(&self, scores: &[BTreeMap<String, f64>], items: &[usize]) -> BTreeMap<String, Estimate> {
        let names: std::collections::BTreeSet<&String> = items.iter().flat_map(|i| scores[*i].keys()).collect();
        let estimate = |name: &String| {
            if name == "bits_per_byte" {
                // Problems that do not fit the model have none; `n` says how many there are.
                let part = |i: &usize| {
                    let bytes = self.bytes(&self.problems[*i]) as f64;
                    scores[*i].get(name).map(|bits| (bits * bytes, bytes))
                };
                return Estimate::ratio(&items.iter().filter_map(part).collect::<Vec<_>>());
            }
            let right = items.iter().filter(|i| scores[**i].get(name) == Some(&1.0)).count();
            Estimate::proportion(right, items.len())
        };
        names.into_iter().map(|name| (name.clone(), estimate(name))).collect()
    }
}

fn letters() -> impl Iterator<Item = char> {
    'A'..='Z'
}

/// The place of the largest; the first among equals (lm-eval's `acc`).
fn most_likely(weighed: &[f64]) -> usize {
    weighed.iter().enumerate().fold(0, |best, (i, w)| if *w > weighed[best] { i } else { best })
}

/// The place of the largest log-probability by character of the choice, the space before it not counted (lm-eval's `acc_norm`).
fn most_likely_by_length(weighed: &[f64], choices: &[String]) -> usize {
    let normalized = |(w, choice): (&f64, &String)| w / choice.chars().count().max(1) as f64;
    most_likely(&weighed.iter().zip(choices).map(normalized).collect::<Vec<_>>())
}

impl Suite for Problems {
    type Scores = Tables;
    type Comparison = BTreeMap<String, Difference>;
    type Sample = Sample;

    fn name(&self) -> &'static str {
        NAME
    }

    fn ids(&self) -> Vec<&str> {
        self.problems.iter().map(|p| p.id.as_str()).collect()
    }

    fn request(&self, item: usize, _constrained: bool) -> Request {
        let (given, texts) = self.asked(&self.problems[item]);
        let candidates = Some(Arc::new(Candidates { texts, ended: false }));
        Request { prompt: Prompt::Plain(given), constraint: None, candidates, text: false }
    }

    fn prompt(&self) -> String {
        match (self.format, self.scoring) {
            (_, Scoring::Letter) => "no examples; \"The following are multiple choice questions (with answers) about <subject>.\", blank line, \
                question, \"A. <choice>\" on lines, \"Answer:\"; weighed: \" A\", \" B\", ...",
            (_, Scoring::Cloze) => "no examples; \"Question: <question>\", \"Answer:\" on a line; weighed: a space and each choice",
            (Format::Drop, _) => "no examples; \"Passage: <passage>\", \"Question: <question>\", \"Answer:\" on lines; predicted: a space and the answer",
            (Format::Math, _) => "no examples; \"Problem:\", the problem, blank line, \"Solution:\"; predicted: a space and the solution",
            _ => "the prompt as published; predicted: the canonical solution",
        }
        .to_owned()
    }

    fn protocol(&self) -> Protocol {
        let metrics = [
            (
                "bits_per_byte",
                "-log2 p of the right choice or answer, given what comes before it, over its raw UTF-8 bytes with the space \
                before it; the sum over problems by the sum of bytes; problems that do not fit the context have none",
            ),
            ("cloze_accuracy", "the right choice has the largest log-probability (lm-eval's acc)"),
            (
                "cloze_accuracy_normalized",
                "the right choice has the largest log-probability by character (lm-eval's acc_norm)",
            ),
            ("letter_accuracy", "the right choice's letter has the largest log-probability"),
        ];
        let floors = [
            ("byte_ngram", byte_ngram::WORDS),
            ("longest", "the longest choice, the first among equals"),
            ("first", "the choice shown first"),
        ];
        let words =
            |of: &[(&str, &str)]| of.iter().map(|(name, words)| ((*name).to_owned(), (*words).to_owned())).collect();
        Protocol {
            metrics: words(&metrics),
            extraction_rule: "none: nothing is decoded".to_owned(),
            intervals: INTERVALS.to_owned(),
            floors: words(&floors),
            limit: self.limit,
            track: Some(format!("{}_{}", self.format.name(), self.scoring.name())),
            settings: BTreeMap::from([
                ("format".to_owned(), Value::from(self.format.name())),
                ("scoring".to_owned(), Value::from(self.scoring.name())),
                ("gpqa_shuffle_seed".to_owned(), if self.format == Format::Gpqa { json!(0) } else { Value::Null }),
            ]),
            ..Protocol::new(METRIC_VERSION, self.data.clone())
        }
    }

    fn score(&self, outputs: &[Output]) -> Result<Scored<Tables, Self::Comparison, Sample>> {
        let weighed = |i: usize| {
            let found = outputs[i].candidate_log_probabilities.as_deref();
            found.filter(|found| found.len() == self.asked(&self.problems[i]).1.len())
        };
        let scores: Vec<BTreeMap<String, f64>> =
            self.problems.iter().enumerate().map(|(i, problem)| self.scores(problem, weighed(i))).collect();
        let floor_scores = self.floors();
        let sample = |(i, problem): (usize, &Problem)| Sample {
            id: problem.id.clone(),
            group: problem.subject.clone(),
            scores: scores[i].clone(),
            floors: floor_scores.iter().map(|(name, floor)| (name.clone(), floor[i].clone())).collect(),
            log_probabilities: weighed(i).map(<[f64]>::to_vec).unwrap_or_default(),
            right: match &problem.task {
                Task::Choice { right, .. } => Some(*right),
                Task::Answer { .. } => None,
            },
            bytes: self.bytes(problem),
            error: match (weighed(i), &outputs[i].note) {
                (Some(_), _) => None,
                (None, note) => Some(note.clone().unwrap_or_else(|| "no log-probabilities".to_owned())),
            },
        };
        let clusters = self.clusters();
        let against = |floor: &Vec<BTreeMap<String, f64>>| {
            let metrics: Vec<&String> = floor.first().into_iter().flat_map(|f| f.keys()).collect();
            let difference = |name: &&String| {
                let both = |i: usize| Some((*scores[i].get(*name)?, *floor[i].get(*name)?, clusters[i]));
                let columns: Vec<(f64, f64, usize)> = (0..scores.len()).filter_map(both).collect();
                let column = |of: fn(&(f64, f64, usize)) -> f64| columns.iter().map(of).collect::<Vec<_>>();
                let labels: Vec<usize> = columns.iter().map(|c| c.2).collect();
                ((*name).clone(), paired_difference(&column(|c| c.0), &column(|c| c.1), &labels))
            };
            metrics.iter().map(difference).collect::<BTreeMap<_, _>>()
        };
        Ok(Scored {
            scores: self.tables(&scores),
            floors: floor_scores.iter().map(|(name, floor)| (name.clone(), self.tables(floor))).collect(),
            versus_floors: floor_scores.iter().map(|(name, floor)| (name.clone(), against(floor))).collect(),
            samples: self.problems.iter().enumerate().map(sample).collect(),
        })
    }
}

impl Problems {
    /// A label for each problem's subject.
    fn clusters(&self) -> Vec<usize> {
        let mut labels: BTreeMap<Option<&str>, usize> = BTreeMap::new();
        let mut out = Vec::with_capacity(self.problems.len());
        for problem in &self.problems {
            let next = labels.len();
            out.push(*labels.entry(problem.subject.as_deref()).or_insert(next));
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    /// Choices, log-probabilities, right choice, acc, acc_norm.
    type MultipleChoice = (Vec<String>, Vec<f64>, usize, f64, f64);

    #[derive(Deserialize)]
    struct Golden {
        multiple_choice: Vec<MultipleChoice>,
    }

    #[test]
    fn choices_are_counted_as_lm_eval_counts_them() {
        let golden: Golden = serde_json::from_str(include_str!("../../tests/data/multiple_choice.json")).unwrap();
        for (choices, weighed, right, acc, acc_norm) in golden.multiple_choice {
            let ours = (most_likely(&weighed), most_likely_by_length(&weighed, &choices));
            let hit = |best: usize| f64::from(u8::from(best == right));
            assert_eq!((hit(ours.0), hit(ours.1)), (acc, acc_norm), "{choices:?} {weighed:?}");
        }
    }

    fn problems(scoring: Scoring) -> Problems {
        let task = |right| Task::Choice {
            question: "Which?".to_owned(),
            choices: ["é", "two words", "c", "d"].map(str::to_owned).into(),
            right,
        };
        let problem =
            |id: &str, right| Problem { id: id.to_owned(), subject: Some("art".to_owned()), task: task(right) };
        let data = Source { name: "x".to_owned(), sha256: "0".to_owned() };
        Problems { problems: vec![problem("a", 1), problem("b", 0)], format: Format::Mmlu, scoring, data, limit: None }
    }

    #[test]
    fn cloze_and_letter_ask_and_score_their_own_way() {
        let cloze = problems(Scoring::Cloze);
        let weighed = |nats: [f64; 4]| Output { candidate_log_probabilities: Some(nats.into()), ..Output::default() };
        // By sum the first, by length the second.
        let outputs = [weighed([-2.0, -3.0, -4.0, -5.0]), Output::missing("the prompt is too long")];
        let scored = cloze.score(&outputs).unwrap();
        let of = |name: &str| scored.scores.overall[name];
        assert_eq!((of("cloze_accuracy").value, of("cloze_accuracy_normalized").value), (0.0, 0.5));
        // " two words" is 10 bytes; the problem that was not weighed has no bits, but is counted as wrong.
        assert_eq!((of("bits_per_byte").n, of("cloze_accuracy").n), (1, 2));
        assert!((of("bits_per_byte").value - 3.0 / std::f64::consts::LN_2 / 10.0).abs() < 1e-12);
        assert_eq!(scored.samples[1].error.as_deref(), Some("the prompt is too long"));
        assert_eq!(scored.floors["longest"].overall["cloze_accuracy"].value, 0.5);
        assert_eq!(cloze.asked(&cloze.problems[0]).1, [" é", " two words", " c", " d"]);
        let letter = problems(Scoring::Letter);
        let (given, letters) = letter.asked(&letter.problems[0]);
        assert!(given.ends_with("Which?\nA. é\nB. two words\nC. c\nD. d\nAnswer:") && given.contains("about art.\n\n"));
        assert_eq!(letters, [" A", " B", " C", " D"]);
        let scored = letter.score(&[weighed([0.0, -3.0, -4.0, -5.0]), weighed([-1.0, -3.0, -4.0, -5.0])]).unwrap();
        assert_eq!(scored.scores.overall["letter_accuracy"].value, 0.5);
        assert!(!scored.scores.overall.contains_key("bits_per_byte"));
    }
}
