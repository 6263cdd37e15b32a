//! Which schema does a `schema_id` name?

use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::item::{shortened, without_position};
use crate::jsonl;

/// A folder tree nested deeper than this is taken for a cycle of links.
const MAX_FOLDER_DEPTH: usize = 32;
/// The file name of a set that has one schema only, whatever its items call it (SNIPS, E2E).
const SOLE_SCHEMA: &str = "schema";

/// How the name of a file with many schemas ends.
const MANY: &str = "schemas.jsonl";

/// The schemas of a folder by name.
#[derive(Clone, Debug, Default)]
pub struct SchemaSet {
    schemas: BTreeMap<String, (PathBuf, Value)>,
}

impl SchemaSet {
    /// Loads every `<schema_id>.json` anywhere under `dir` (or the one file that `dir` names), and every line
    /// `{"id", "schema"}` of files named `*schemas.jsonl`. Hidden files are left out.
    ///
    /// # Errors
    /// An input error naming the file that cannot be read, is not JSON, is not a schema (an object or a boolean), or
    /// has the name of another.
    pub fn load(dir: &Path) -> Result<Self> {
        let mut paths = Vec::new();
        if dir.is_file() {
            paths.push(dir.to_path_buf());
        } else {
            collect(dir, 0, &mut paths)?;
        }
        paths.sort();
        let mut set = Self::default();
        for path in paths {
            let place = path.display().to_string();
            let bytes = files::read(&path)?;
            if path.to_string_lossy().ends_with(MANY) {
                for (line, Named { id, schema }) in jsonl::parse::<Named>(&place, &bytes, "a schema", NAMED)? {
                    set.add(id, &path, checked(&format!("{place}:{line}"), schema)?)?;
                }
                continue;
            }
            let id = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
            set.add(id, &path, parse(&place, &bytes)?)?;
        }
        if set.schemas.is_empty() {
            return Err(Error::input(
                dir.display(),
                "no schema found",
                "point to a folder with <schema_id>.json files",
            ));
        }
        Ok(set)
    }

    fn add(&mut self, id: String, path: &Path, schema: Value) -> Result<()> {
        if let Some((other, _)) = self.schemas.get(&id) {
            let what = format!("schema `{}` is also in {}", shortened(&id), other.display());
            return Err(Error::input(path.display(), what, "rename one of the two"));
        }
        self.schemas.insert(id, (path.to_path_buf(), schema));
        Ok(())
    }

    /// Adds a schema made in memory, replacing one of the same name.
    pub fn insert(&mut self, id: impl Into<String>, schema: Value) {
        let id = id.into();
        let path = PathBuf::from(format!("{id}.json"));
        self.schemas.insert(id, (path, schema));
    }

    /// The schema of this name. A set whose only file is `schema.json` answers to every name.
    ///
    /// # Errors
    /// An input error when there is none.
    pub fn get(&self, schema_id: &str) -> Result<&Value> {
        self.find(schema_id).map(|(_, schema)| schema).ok_or_else(|| {
            let what = format!("no schema file `{}.json`", shortened(schema_id));
            Error::input(format_args!("schema_id `{}`", shortened(schema_id)), what, "add it to the schema folder")
        })
    }

    /// The file a schema came from, for messages about it.
    pub fn path(&self, schema_id: &str) -> Option<&Path> {
        self.find(schema_id).map(|(path, _)| path.as_path())
    }

    fn find(&self, schema_id: &str) -> Option<&(PathBuf, Value)> {
        let sole = || self.schemas.get(SOLE_SCHEMA).filter(|_| self.schemas.len() == 1);
        self.schemas.get(schema_id).or_else(sole)
    }

    /// Names and schemas in alphabetical order.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.schemas.iter().map(|(id, (_, schema))| (id.as_str(), schema))
    }

    /// How many schemas there are.
    pub fn len(&self) -> usize {
        self.schemas.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.schemas.is_empty()
    }
}

/// Reads one schema; `place` names it in errors.
///
/// # Errors
/// An input error when the bytes are not JSON or neither an object nor a boolean.
pub fn parse(place: &str, bytes: &[u8]) -> Result<Value> {
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
    let schema: Value = serde_json::from_slice(bytes).map_err(|e| {
        let here = format!("{place}:{}:{}", e.line(), e.column());
        Error::input(here, format_args!("not JSON: {}", without_position(&e)), "mend the schema file")
    })?;
    checked(place, schema)
}

fn checked(place: &str, schema: Value) -> Result<Value> {
    if schema.is_object() || schema.is_boolean() {
        return Ok(schema);
    }
    Err(Error::input(place, "a JSON Schema is an object or a boolean", "mend the schema file"))
}

/// A line of a file with many schemas.
#[derive(Serialize, Deserialize)]
struct Named {
    id: String,
    schema: Value,
}

const NAMED: &str = "id and schema are required";

/// Writes many schemas as lines `{"id", "schema"}`, whole or not at all.
///
/// # Errors
/// An input error when the file cannot be written.
pub fn write_jsonl(path: &Path, schemas: &BTreeMap<String, Value>) -> Result<()> {
    files::write_with(path, |out| {
        for (id, schema) in schemas {
            serde_json::to_writer(&mut *out, &json!({"id": id, "schema": schema}))?;
            out.write_all(b"\n")?;
        }
        Ok(())
    })
}

fn collect(dir: &Path, depth: usize, into: &mut Vec<PathBuf>) -> Result<()> {
    let failed = |e| Error::io(dir, "read the folder", &e);
    if depth > MAX_FOLDER_DEPTH {
        return Err(Error::input(dir.display(), "folders nest too deep", "check for links that form a cycle"));
    }
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.file_name().is_some_and(|n| n.to_string_lossy().starts_with('.')) {
            continue;
        }
        if path.is_dir() {
            collect(&path, depth + 1, into)?;
        } else if path.extension().is_some_and(|e| e == "json") || path.to_string_lossy().ends_with(MANY) {
            into.push(path);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn schemas_are_found_at_any_depth_by_name() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("a/b")).unwrap();
        fs::write(dir.path().join("a/b/order.json"), "{\"type\":\"object\"}").unwrap();
        fs::write(dir.path().join("any.json"), "true").unwrap();
        fs::write(dir.path().join("notes.txt"), "x").unwrap();
        let set = SchemaSet::load(dir.path()).unwrap();
        assert_eq!(set.iter().map(|(id, _)| id).collect::<Vec<_>>(), ["any", "order"]);
        assert!(set.get("order").unwrap().is_object());
        assert_eq!(set.get("invoice").unwrap_err().exit_code(), 2);
        fs::write(dir.path().join("order.json"), "{}").unwrap();
        assert!(SchemaSet::load(dir.path()).unwrap_err().to_string().contains("schema `order` is also in"));
    }

    #[test]
    fn a_file_may_hold_many_schemas_and_items_beside_are_no_schemas() {
        let dir = tempfile::tempdir().unwrap();
        let many = [("a".to_owned(), json!({"properties": {"z": {}, "b": {}}})), ("b".to_owned(), json!(true))].into();
        write_jsonl(&dir.path().join("composed.schemas.jsonl"), &many).unwrap();
        fs::write(dir.path().join("train.jsonl"), "{\"id\":1}").unwrap();
        let set = SchemaSet::load(dir.path()).unwrap();
        assert_eq!(set.iter().map(|(id, s)| (id.to_owned(), s.clone())).collect::<BTreeMap<_, _>>(), many);
        assert_eq!(crate::signature::schema_signature(set.get("a").unwrap()), "{z?:any,b?:any}");
        fs::write(dir.path().join("a.json"), "{}").unwrap();
        assert!(SchemaSet::load(dir.path()).unwrap_err().to_string().contains("schema `a` is also in"));
        fs::write(dir.path().join("schemas.jsonl"), "\n{\"id\":\"c\",\"schema\":3}\n").unwrap();
        fs::remove_file(dir.path().join("a.json")).unwrap();
        assert!(SchemaSet::load(dir.path()).unwrap_err().to_string().contains("schemas.jsonl:2"));
    }

    #[test]
    fn a_sole_schema_json_serves_every_id() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("schema.json"), "{}").unwrap();
        let set = SchemaSet::load(dir.path()).unwrap();
        assert!(set.get("snips").is_ok());
        assert!(set.path("snips").unwrap().ends_with("schema.json"));
        fs::write(dir.path().join("other.json"), "{}").unwrap();
        assert!(SchemaSet::load(dir.path()).unwrap().get("snips").is_err());
    }

    #[test]
    fn broken_folders_and_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        assert!(SchemaSet::load(dir.path()).unwrap_err().to_string().contains("no schema found"));
        assert!(SchemaSet::load(&dir.path().join("none")).unwrap_err().to_string().contains("none"));
        fs::write(dir.path().join("x.json"), "{\n\"a\": }").unwrap();
        assert!(SchemaSet::load(dir.path()).unwrap_err().to_string().contains("x.json:2:"));
        fs::write(dir.path().join("x.json"), "3").unwrap();
        assert_eq!(SchemaSet::load(dir.path()).unwrap_err().exit_code(), 2);
        fs::write(dir.path().join("x.json"), "[".repeat(100_000)).unwrap();
        assert_eq!(SchemaSet::load(dir.path()).unwrap_err().exit_code(), 2);
    }
}
