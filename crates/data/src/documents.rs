//! What are the documents of a plain text? A folder's files, the lines of a JSONL file, or the articles of a WikiText file: what
//! is held out, and what no window of tokens may cross the border of.

use std::collections::HashSet;
use std::path::Path;

use bantam_core::{Error, Result, files, seed};
use rand::seq::SliceRandom as _;
use serde::Deserialize;

use crate::holdout::normalized;
use crate::jsonl;

/// A text that stands for itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Its file's path under the folder, its line, or its heading.
    pub name: String,
    /// The text.
    pub text: String,
}

/// What was found at a path.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Documents {
    /// By name where they are files, otherwise in the file's order. None is empty, no two differ in case and spacing alone.
    pub documents: Vec<Document>,
    /// Files of a folder that are not UTF-8.
    pub not_utf8: usize,
    /// Documents that were there already.
    pub repeated: usize,
}

/// A line of a JSONL file; other keys are let be.
#[derive(Deserialize)]
struct Line {
    text: String,
}

/// Reads the documents at `path`: of a folder, every file that ends in `.extension` (or every file) as one; of a `.jsonl` file,
/// the `text` of each line; of any other file, the parts that WikiText's headings (` = Title = `) begin, or the whole of it
/// where there is none.
///
/// # Errors
/// What cannot be read; a file that is not UTF-8 (in a folder such files are left out and counted); nothing found.
pub fn read(path: &Path, extension: Option<&str>) -> Result<Documents> {
    let place = path.display().to_string();
    let mut found = Documents::default();
    let documents = if path.is_dir() {
        let mut documents = Vec::new();
        for file in files::under(path)? {
            if extension.is_some_and(|e| file.extension().is_none_or(|of| of != e)) {
                continue;
            }
            let name = file.strip_prefix(path).unwrap_or(&file).to_string_lossy().replace('\\', "/");
            match String::from_utf8(files::read(&file)?) {
                Ok(text) => documents.push(Document { name, text }),
                Err(_) => found.not_utf8 += 1,
            }
        }
        documents
    } else if path.extension().is_some_and(|e| e == "jsonl") {
        let lines = jsonl::parse::<Line>(&place, &files::read(path)?, "a document", "an object with a string `text`")?;
        lines.into_iter().map(|(at, line)| Document { name: format!("line {at}"), text: line.text }).collect()
    } else {
        articles(&files::read_text(path)?)
    };
    let mut seen = HashSet::new();
    for document in documents.into_iter().filter(|d| !d.text.trim().is_empty()) {
        match seen.insert(normalized(&document.text)) {
            true => found.documents.push(document),
            false => found.repeated += 1,
        }
    }
    if found.documents.is_empty() {
        let what = match (found.not_utf8, extension) {
            (0, Some(e)) => format!("no text in files that end in .{e}"),
            (0, None) => "no text".to_owned(),
            (n, _) => format!("no text, and {n} files that are not UTF-8"),
        };
        return Err(Error::input(place, what, "give a folder of texts, a JSONL file with `text`, or a text"));
    }
    Ok(found)
}

/// A text cut before each heading of WikiText; what stands before the first is dropped only if it is blank.
fn articles(text: &str) -> Vec<Document> {
    let mut out: Vec<Document> = Vec::new();
    for line in text.split_inclusive('\n') {
        match (title(line), out.last_mut()) {
            (None, Some(document)) => document.text.push_str(line),
            (heading, _) => {
                out.push(Document { name: heading.unwrap_or("beginning").to_owned(), text: line.to_owned() });
            }
        }
    }
    out
}

/// The title in ` = Title = `; sections have more signs.
fn title(line: &str) -> Option<&str> {
    let inside = line.trim_end().strip_prefix(" = ")?.strip_suffix(" =")?;
    (!inside.starts_with('=') && !inside.ends_with('=')).then_some(inside)
}

/// Documents in three parts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Parts {
    /// To train on.
    pub train: Vec<Document>,
    /// To choose by.
    pub valid: Vec<Document>,
    /// To be scored on.
    pub test: Vec<Document>,
}

impl Documents {
    /// Draws whole documents by `seed`: `valid` and `test` of a thousand, one of each at least.
    ///
    /// # Errors
    /// `place` when nothing would be left to train on.
    pub fn split(self, [valid, test]: [usize; 2], seed: u64, place: &str) -> Result<Parts> {
        let n = self.documents.len();
        let count = |share: usize| (n * share).div_ceil(1000).max(1);
        let (valid, test) = (count(valid), count(test));
        if valid + test >= n {
            let what = format!("{n} documents, of which {} would be held out", valid + test);
            return Err(Error::input(place, what, "give more documents: a text is split by whole ones"));
        }
        let mut order: Vec<usize> = (0..n).collect();
        order.shuffle(&mut seed::rng(seed, "documents"));
        let mut place_of = vec![0; n];
        order.iter().take(valid).for_each(|&at| place_of[at] = 1);
        order.iter().skip(valid).take(test).for_each(|&at| place_of[at] = 2);
        let mut parts = [Vec::new(), Vec::new(), Vec::new()];
        for (document, place) in self.documents.into_iter().zip(place_of) {
            parts[place].push(document);
        }
        let [train, valid, test] = parts;
        Ok(Parts { train, valid, test })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(documents: &[Document]) -> Vec<&str> {
        documents.iter().map(|d| d.name.as_str()).collect()
    }

    #[test]
    fn wikitext_is_cut_at_headings_and_nothing_is_lost() {
        let text = " \n = Robert = \n \n He .\n = = Career = = \n x = y = z\n = Du Fu = \n Poet\n";
        let found = articles(text);
        assert_eq!(names(&found), ["beginning", "Robert", "Du Fu"]);
        assert!(found[1].text.contains("Career"));
        assert_eq!(found.iter().map(|d| d.text.as_str()).collect::<String>(), text);
        assert_eq!(names(&articles("no heading")), ["beginning"]);
    }

    #[test]
    fn folders_and_lines_are_documents_and_what_is_left_out_is_counted() {
        let dir = tempfile::tempdir().unwrap();
        let write = |name: &str, bytes: &[u8]| files::write(&dir.path().join(name), bytes).unwrap();
        files::create_dir(&dir.path().join("b")).unwrap();
        write("b/z.py", b"import os\n");
        write("a.py", b"x = 1\n");
        write("c.py", b"X  = 1");
        write("latin.py", b"# \xe9\n");
        write("empty.py", b" \n");
        write("readme.md", b"read me");
        let found = read(dir.path(), Some("py")).unwrap();
        assert_eq!((names(&found.documents), found.not_utf8, found.repeated), (vec!["a.py", "b/z.py"], 1, 1));
        assert_eq!(read(dir.path(), None).unwrap().documents.len(), 3);
        let e = read(dir.path(), Some("rs")).unwrap_err();
        assert!(e.exit_code() == 2 && e.to_string().contains(".rs"), "{e}");

        let lines = dir.path().join("lines.jsonl");
        files::write(&lines, b"{\"text\": \"one\", \"id\": 4}\n\n{\"text\": \"two\"}\n").unwrap();
        assert_eq!(names(&read(&lines, None).unwrap().documents), ["line 1", "line 3"]);
        files::write(&lines, b"{\"text\": 3}\n").unwrap();
        assert!(read(&lines, None).unwrap_err().to_string().contains("lines.jsonl:1"));
        files::write(&dir.path().join("x.txt"), b"\xff").unwrap();
        assert_eq!(read(&dir.path().join("x.txt"), None).unwrap_err().exit_code(), 2);
        assert_eq!(read(&dir.path().join("none"), None).unwrap_err().exit_code(), 2);
    }

    #[test]
    fn a_split_takes_whole_documents_by_seed_and_leaves_some_to_train_on() {
        let document = |i: usize| Document { name: i.to_string(), text: format!("text {i}") };
        let documents = |n| Documents { documents: (0..n).map(document).collect(), ..Documents::default() };
        let parts = documents(40).split([50, 100], 1, "x").unwrap();
        assert_eq!((parts.train.len(), parts.valid.len(), parts.test.len()), (34, 2, 4));
        let mut all = [names(&parts.train), names(&parts.valid), names(&parts.test)].concat();
        all.sort_by_key(|n| n.parse::<usize>().unwrap());
        assert_eq!(all, names(&documents(40).documents));
        assert_eq!(documents(40).split([50, 100], 1, "x").unwrap(), parts);
        assert_ne!(documents(40).split([50, 100], 2, "x").unwrap().test, parts.test);
        assert_eq!(documents(2).split([1, 1], 1, "x").unwrap_err().exit_code(), 2);
    }
}
