//! How is DROP read, as published? Dua et al., "DROP: A Reading Comprehension Benchmark Requiring Discrete Reasoning Over
//! Paragraphs" (NAACL 2019): a JSON object of passages with `qa_pairs`; an answer is a number, a date or spans.

use bantam_core::{Error, Result};
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{Problem, Task};

#[derive(Deserialize)]
struct Passage {
    passage: String,
    qa_pairs: Vec<Pair>,
}

#[derive(Deserialize)]
struct Pair {
    question: String,
    answer: Answer,
    query_id: Option<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Answer {
    number: Value,
    date: Date,
    spans: Vec<String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Date {
    day: String,
    month: String,
    year: String,
}

pub(super) fn parse(place: &str, bytes: &[u8]) -> Result<Vec<Problem>> {
    let remedy = "a DROP file is an object of passages, each with `passage` and `qa_pairs`";
    let passages: Map<String, Value> = serde_json::from_slice(bytes)
        .map_err(|e| Error::input(format_args!("{place}:{}", e.line()), format_args!("not DROP: {e}"), remedy))?;
    let mut problems = Vec::new();
    for (name, value) in passages {
        let passage: Passage = serde_json::from_value(value)
            .map_err(|e| Error::input(format_args!("{place}: {name}"), format_args!("not DROP: {e}"), remedy))?;
        for (number, pair) in passage.qa_pairs.into_iter().enumerate() {
            let Some(answer) = pair.answer.text() else {
                let here = format!("{place}: {name}: question {number}");
                return Err(Error::input(here, "no number, date or span as its answer", "take the question out"));
            };
            problems.push(Problem {
                id: pair.query_id.unwrap_or_else(|| format!("{name}/{number}")),
                subject: Some(name.clone()),
                task: Task::Answer {
                    given: format!("Passage: {}\nQuestion: {}\nAnswer:", passage.passage.trim(), pair.question.trim()),
                    answer: format!(" {answer}"),
                },
            });
        }
    }
    Ok(problems)
}

impl Answer {
    fn text(self) -> Option<String> {
        let number = match self.number {
            Value::String(text) => text,
            Value::Number(number) => number.to_string(),
            _ => String::new(),
        };
        let date = [self.date.day, self.date.month, self.date.year];
        let date = date.iter().map(|part| part.trim()).filter(|part| !part.is_empty()).collect::<Vec<_>>().join(" ");
        [number.trim().to_owned(), date, self.spans.join(", ")].into_iter().find(|text| !text.is_empty())
    }
}
