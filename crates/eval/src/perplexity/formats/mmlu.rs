//! How is MMLU read, as published? Hendrycks et al., "Measuring Massive Multitask Language Understanding" (ICLR 2021):
//! `<subject>_test.csv` without a header; a question, four choices, the right letter.

use bantam_core::{Error, Result};

use super::{Problem, Task, csv_records};

pub(super) fn parse(place: &str, stem: &str, bytes: &[u8]) -> Result<Vec<Problem>> {
    let splits = ["_test", "_val", "_dev"];
    let subject = splits.iter().find_map(|split| stem.strip_suffix(split)).unwrap_or(stem).replace('_', " ");
    let mut problems = Vec::new();
    for (number, (line, fields)) in csv_records(place, bytes)?.into_iter().enumerate() {
        let wrong = |what: &str| {
            Error::input(
                format_args!("{place}:{line}"),
                what,
                "a record of MMLU is a question, four choices and the right letter",
            )
        };
        let [question, a, b, c, d, letter] = <[String; 6]>::try_from(fields).map_err(|_| wrong("not six fields"))?;
        let right = ["A", "B", "C", "D"].iter().position(|l| *l == letter.trim());
        let right = right.ok_or_else(|| wrong("the last field is not A, B, C or D"))?;
        let task = Task::Choice { question: question.trim().to_owned(), choices: vec![a, b, c, d], right };
        problems.push(Problem { id: format!("{stem}/{number}"), subject: Some(subject.clone()), task });
    }
    Ok(problems)
}
