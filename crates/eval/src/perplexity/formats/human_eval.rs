//! How is HumanEval read, as published? Chen et al., "Evaluating Large Language Models Trained on Code" (2021): lines with
//! `task_id`, `prompt` and `canonical_solution`. Nothing is run: the solution is predicted after the prompt.

use bantam_core::{Error, Result};
use bantam_data::jsonl;
use serde::Deserialize;

use super::{Problem, Task};

#[derive(Deserialize)]
struct Line {
    task_id: String,
    prompt: String,
    canonical_solution: String,
}

pub(super) fn parse(place: &str, bytes: &[u8]) -> Result<Vec<Problem>> {
    let required = "task_id, prompt and canonical_solution are required";
    let lines = jsonl::parse::<Line>(place, bytes, "a problem of HumanEval", required)?;
    let problem = |(line, one): (usize, Line)| {
        if one.prompt.is_empty() || one.canonical_solution.is_empty() {
            return Err(Error::input(
                format_args!("{place}:{line}"),
                "the prompt or the solution is empty",
                "take the line out",
            ));
        }
        let task = Task::Answer { given: one.prompt, answer: one.canonical_solution };
        Ok(Problem { id: one.task_id, subject: None, task })
    };
    lines.into_iter().map(problem).collect()
}
