//! How is MATH read? Hendrycks et al., "Measuring Mathematical Problem Solving With the MATH Dataset" (NeurIPS 2021): objects with
//! `problem`, `solution`, `level` and `type` (`subject` in some copies), here one a line.

use bantam_core::{Error, Result};
use bantam_data::jsonl;
use serde::Deserialize;

use super::{Problem, Task};

#[derive(Deserialize)]
struct Line {
    problem: String,
    solution: String,
    #[serde(alias = "subject")]
    r#type: Option<String>,
    unique_id: Option<String>,
}

pub(super) fn parse(place: &str, bytes: &[u8]) -> Result<Vec<Problem>> {
    let lines = jsonl::parse::<Line>(place, bytes, "a problem of MATH", "problem and solution are required")?;
    let problem = |(line, one): (usize, Line)| {
        if one.solution.trim().is_empty() {
            return Err(Error::input(format_args!("{place}:{line}"), "the solution is empty", "take the line out"));
        }
        Ok(Problem {
            id: one.unique_id.unwrap_or_else(|| format!("math/{line}")),
            subject: one.r#type,
            task: Task::Answer {
                given: format!("Problem:\n{}\n\nSolution:", one.problem.trim()),
                answer: format!(" {}", one.solution.trim()),
            },
        })
    };
    lines.into_iter().map(problem).collect()
}
