//! Which problems does a published file hold? A file for each format; the user supplies the data.

use std::io::Read;
use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};

mod drop;
mod gpqa;
mod human_eval;
mod math;
mod mmlu;

/// The formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Format {
    /// Any UTF-8 text.
    Text,
    /// MMLU: CSV without a header: question, four choices, the right letter.
    Mmlu,
    /// GPQA: CSV with a header.
    Gpqa,
    /// DROP: JSON, passages with questions.
    Drop,
    /// MATH: JSONL with `problem` and `solution`.
    Math,
    /// HumanEval: JSONL, plain or gzipped.
    HumanEval,
}

impl Format {
    /// The name used in files: `text`, `mmlu`, `gpqa`, `drop`, `math` or `humaneval`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Mmlu => "mmlu",
            Self::Gpqa => "gpqa",
            Self::Drop => "drop",
            Self::Math => "math",
            Self::HumanEval => "humaneval",
        }
    }
}

/// What one problem asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Task {
    /// One of several choices.
    Choice {
        /// The question.
        question: String,
        /// The choices, in the order they are shown.
        choices: Vec<String>,
        /// Place of the right one.
        right: usize,
    },
    /// One answer, which is predicted.
    Answer {
        /// What comes before it.
        given: String,
        /// The answer as it is predicted, with the space before it.
        answer: String,
    },
}

/// One problem.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// Unique within its file.
    pub id: String,
    /// Its subject, where the file names one.
    pub subject: Option<String>,
    /// What it asks for.
    pub task: Task,
}

/// Bytes that a packed file may unpack to.
const MOST_UNPACKED: u64 = 1 << 30;

/// Reads the problems of a file.
///
/// # Errors
/// An input error naming the file and place that is not as published, or when there is no problem. Internal for [`Format::Text`].
pub fn read(path: &Path, format: Format) -> Result<Vec<Problem>> {
    let place = path.display().to_string();
    let mut bytes = files::read(path)?;
    if bytes.starts_with(&[0x1f, 0x8b]) {
        bytes = unpacked(&place, &bytes)?;
    }
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    let stem = path.file_stem().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
    let problems = match format {
        Format::Text => return Err(Error::internal("perplexity", "a text has no problems")),
        Format::Mmlu => mmlu::parse(&place, &stem, bytes)?,
        Format::Gpqa => gpqa::parse(&place, bytes)?,
        Format::Drop => drop::parse(&place, bytes)?,
        Format::Math => math::parse(&place, bytes)?,
        Format::HumanEval => human_eval::parse(&place, bytes)?,
    };
    if problems.is_empty() {
        return Err(Error::input(place, "no problems", "choose a file with problems, and its format"));
    }
    let mut ids = std::collections::HashSet::new();
    if let Some(twice) = problems.iter().find(|p| !ids.insert(p.id.as_str())) {
        return Err(Error::input(place, format_args!("id `{}` is used twice", twice.id), "make the ids unique"));
    }
    Ok(problems)
}

fn unpacked(place: &str, bytes: &[u8]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    let read = flate2::read::MultiGzDecoder::new(bytes).take(MOST_UNPACKED + 1).read_to_end(&mut out);
    match read {
        Err(e) => Err(Error::input(place, format_args!("damaged gzip file: {e}"), "download it again")),
        Ok(n) if n as u64 > MOST_UNPACKED => {
            Err(Error::input(place, "unpacks to more than 1 GiB", "give a smaller file"))
        }
        Ok(_) => Ok(out),
    }
}

/// The records of a CSV file by RFC 4180, each with the line it starts on.
fn csv_records(place: &str, bytes: &[u8]) -> Result<Vec<(u64, Vec<String>)>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bytes);
    let mut record = csv::StringRecord::new();
    let mut records = Vec::new();
    loop {
        let line = reader.position().line();
        match reader.read_record(&mut record) {
            Ok(true) => records.push((line, record.iter().map(str::to_owned).collect())),
            Ok(false) => return Ok(records),
            Err(e) => {
                let what = format!("not CSV in UTF-8: {}", e.to_string().chars().take(160).collect::<String>());
                return Err(Error::input(format_args!("{place}:{line}"), what, "save the file as published"));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    fn parsed(name: &str, text: &[u8], format: Format) -> Result<Vec<Problem>> {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(name);
        std::fs::write(&path, text).unwrap();
        read(&path, format)
    }

    fn choice(problem: &Problem) -> (&str, Vec<&str>, usize) {
        let Task::Choice { question, choices, right } = &problem.task else { panic!("{problem:?}") };
        (question, choices.iter().map(String::as_str).collect(), *right)
    }

    fn answer(problem: &Problem) -> (&str, &str) {
        let Task::Answer { given, answer } = &problem.task else { panic!("{problem:?}") };
        (given, answer)
    }

    #[test]
    fn mmlu_is_read_as_published() {
        let text = "\"What, \"\"now\"\"?\nTell.\",a,\"b, c\",d,e,B\r\nTwo?,1,2,3,4,D\n";
        let found = parsed("high_school_physics_test.csv", text.as_bytes(), Format::Mmlu).unwrap();
        assert_eq!(choice(&found[0]), ("What, \"now\"?\nTell.", vec!["a", "b, c", "d", "e"], 1));
        assert_eq!((found[1].subject.as_deref(), choice(&found[1]).2), (Some("high school physics"), 3));
        assert_eq!(found[1].id, "high_school_physics_test/1");
    }

    #[test]
    fn gpqa_choices_are_shuffled_by_a_fixed_seed() {
        let header =
            "Record ID,Question,Correct Answer,Incorrect Answer 1,Incorrect Answer 2,Incorrect Answer 3,Subdomain\n";
        let rows: String =
            (0..40).map(|i| format!("rec{i},Q{i}?,right {i},wrong a,wrong b,\"wrong\nc\",Optics\n")).collect();
        let text = format!("{header}{rows}");
        let found = parsed("gpqa.csv", text.as_bytes(), Format::Gpqa).unwrap();
        let places: Vec<usize> = found.iter().map(|p| choice(p).2).collect();
        assert!((0..4).all(|place| places.iter().filter(|p| **p == place).count() >= 4), "{places:?}");
        for (i, problem) in found.iter().enumerate() {
            let (_, choices, right) = choice(problem);
            assert_eq!(choices[right], format!("right {i}"));
            assert_eq!(
                (choices.len(), problem.subject.as_deref(), problem.id.as_str()),
                (4, Some("Optics"), format!("rec{i}").as_str())
            );
        }
        assert_eq!(parsed("gpqa.csv", text.as_bytes(), Format::Gpqa).unwrap(), found);
    }

    #[test]
    fn drop_has_numbers_dates_and_spans() {
        let text = r#"{"nfl_1":{"passage":"P.","qa_pairs":[
            {"question":"How many?","answer":{"number":"3","date":{"day":"","month":"","year":""},"spans":[]},"query_id":"q1"},
            {"question":"When?","answer":{"number":"","date":{"day":"7","month":"May","year":"1901"},"spans":[]},"query_id":"q2"},
            {"question":"Who?","answer":{"number":"","date":{},"spans":["Ann","Bo"]},"query_id":"q3"}]}}"#;
        let found = parsed("drop.json", text.as_bytes(), Format::Drop).unwrap();
        let answers: Vec<&str> = found.iter().map(|p| answer(p).1).collect();
        assert_eq!(answers, [" 3", " 7 May 1901", " Ann, Bo"]);
        assert_eq!(answer(&found[0]).0, "Passage: P.\nQuestion: How many?\nAnswer:");
        assert_eq!((found[2].id.as_str(), found[2].subject.as_deref()), ("q3", Some("nfl_1")));
    }

    #[test]
    fn math_and_packed_human_eval_are_lines() {
        let math = r#"{"problem":"1+1?","level":"Level 1","type":"Algebra","solution":"$2$"}"#;
        let found = parsed("math.jsonl", math.as_bytes(), Format::Math).unwrap();
        assert_eq!(
            (answer(&found[0]), found[0].subject.as_deref()),
            (("Problem:\n1+1?\n\nSolution:", " $2$"), Some("Algebra"))
        );
        let code = r#"{"task_id":"HumanEval/0","prompt":"def f():\n","entry_point":"f","canonical_solution":"    return 1\n","test":""}"#;
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(code.as_bytes()).unwrap();
        let packed = packed.finish().unwrap();
        let found = parsed("h.jsonl.gz", &packed, Format::HumanEval).unwrap();
        assert_eq!((found[0].id.as_str(), answer(&found[0])), ("HumanEval/0", ("def f():\n", "    return 1\n")));
        assert!(
            parsed("h.jsonl.gz", &packed[..20], Format::HumanEval).unwrap_err().to_string().contains("damaged gzip")
        );
    }

    #[test]
    fn what_is_not_as_published_names_its_place() {
        for (name, text, format, told) in [
            ("a.csv", "q,a,b,c,d,E\n", Format::Mmlu, "a.csv:1"),
            ("a.csv", "q,a,b,c,d,A\nq,a,b\n", Format::Mmlu, "a.csv:2"),
            ("a.csv", "", Format::Mmlu, "no problems"),
            ("a.csv", "Question,Correct Answer\nq,a\n", Format::Gpqa, "Incorrect Answer 1"),
            ("a.csv", "", Format::Gpqa, "no header"),
            ("a.json", "[]", Format::Drop, "not DROP"),
            (
                "a.json",
                "{\"p\":{\"passage\":\"x\",\"qa_pairs\":[{\"question\":\"q\",\"answer\":{}}]}}",
                Format::Drop,
                "p: question 0",
            ),
            ("a.jsonl", "{\"problem\":\"x\"}", Format::Math, "a.jsonl:1"),
            ("a.jsonl", "{\"task_id\":\"x\",\"prompt\":\"\",\"canonical_solution\":\"y\"}", Format::HumanEval, "empty"),
        ] {
            let error = parsed(name, text.as_bytes(), format).unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(told), "{told}: {error}");
        }
    }
}
