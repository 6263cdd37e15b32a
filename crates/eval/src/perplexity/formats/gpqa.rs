//! How is GPQA read, as published? Rein et al., "GPQA: A Graduate-Level Google-Proof Q&A Benchmark" (2023): CSV with a header. The
//! right answer has a column of its own, so that the choices are shuffled here, by a seed that never changes.

use bantam_core::{Error, Result, seed};
use rand::Rng as _;

use super::{Problem, Task, csv_records};

const COLUMNS: [&str; 5] =
    ["Question", "Correct Answer", "Incorrect Answer 1", "Incorrect Answer 2", "Incorrect Answer 3"];

pub(super) fn parse(place: &str, bytes: &[u8]) -> Result<Vec<Problem>> {
    let mut records = csv_records(place, bytes)?.into_iter();
    let Some((_, header)) = records.next() else {
        return Err(Error::input(place, "no header", "take the file as published"));
    };
    let column = |name: &str| header.iter().position(|column| column.trim() == name);
    let mut places = [0; 5];
    for (at, name) in places.iter_mut().zip(COLUMNS) {
        *at = column(name)
            .ok_or_else(|| Error::input(place, format_args!("no column `{name}`"), "take the file as published"))?;
    }
    let (record_id, subject) = (column("Record ID"), column("Subdomain"));
    let mut rng = seed::rng(0, "gpqa choices");
    let mut problems = Vec::new();
    for (number, (line, fields)) in records.enumerate() {
        let optional =
            |at: Option<usize>| at.and_then(|at| fields.get(at)).filter(|text| !text.trim().is_empty()).cloned();
        let texts: Option<Vec<String>> =
            places.iter().map(|at| fields.get(*at).map(|text| text.trim().to_owned())).collect();
        let texts = texts.filter(|texts| texts.iter().all(|t| !t.is_empty())).ok_or_else(|| {
            Error::input(
                format_args!("{place}:{line}"),
                "a question or an answer is missing",
                "take the file as published",
            )
        })?;
        let mut choices: Vec<(usize, String)> = texts[1..].iter().cloned().enumerate().collect();
        for last in (1..choices.len()).rev() {
            choices.swap(last, ((u128::from(rng.next_u64()) * (last as u128 + 1)) >> 64) as usize);
        }
        let right = choices.iter().position(|(original, _)| *original == 0).unwrap_or(0);
        let choices = choices.into_iter().map(|(_, text)| text).collect();
        let task = Task::Choice { question: texts[0].clone(), choices, right };
        problems.push(Problem {
            id: optional(record_id).unwrap_or_else(|| format!("gpqa/{number}")),
            subject: optional(subject),
            task,
        });
    }
    Ok(problems)
}
