//! Which intents can a text have, and which slots can an intent fill?
//!
//! A taxonomy is a TOML or JSON file: `name`, `out_of_scope` (the label of texts that mean none of the intents; optional)
//! and `intents`, each with `name` and optionally `domain`, `description`, `examples` and `slots` (`name`, `values`).

use std::collections::BTreeMap;
use std::path::Path;

use bantam_core::{Error, Result, files};
use serde::{Deserialize, Serialize};

use crate::item::{shortened, without_position};

/// More intents than this are no list that one chooses from.
const MOST_INTENTS: usize = 1_000;

/// A list of intents to choose from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Taxonomy {
    /// What it is called; a file name too.
    pub name: String,
    /// The label of a text that means none of the intents. Without one, every text means one of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub out_of_scope: Option<String>,
    /// The intents, in the order of their label numbers.
    pub intents: Vec<Intent>,
}

/// What somebody may want.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Intent {
    /// The label.
    pub name: String,
    /// What it belongs to (`home`, `vehicle`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// What it means, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// Texts that mean it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub examples: Vec<String>,
    /// What a text of this intent may state besides.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub slots: Vec<Slot>,
}

/// A value that a text may state.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Slot {
    /// Its name; the same name in several intents is the same slot.
    pub name: String,
    /// The only values it can have; empty when any text can be one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}

impl Taxonomy {
    /// A taxonomy of bare names, sorted, for sets that publish nothing else.
    ///
    /// # Errors
    /// As [`Taxonomy::validate`].
    pub fn of_names(name: &str, names: impl IntoIterator<Item = String>, out_of_scope: Option<&str>) -> Result<Self> {
        let mut names: Vec<String> = names.into_iter().filter(|n| Some(n.as_str()) != out_of_scope).collect();
        names.sort();
        names.dedup();
        let intents = names.into_iter().map(|name| Intent {
            name,
            domain: None,
            description: None,
            examples: Vec::new(),
            slots: Vec::new(),
        });
        let taxonomy =
            Self { name: name.to_owned(), out_of_scope: out_of_scope.map(str::to_owned), intents: intents.collect() };
        taxonomy.validate()?;
        Ok(taxonomy)
    }

    /// Reads a `.toml` or `.json` file.
    ///
    /// # Errors
    /// An input error naming the file (line and column) that cannot be read, or what [`Taxonomy::validate`] finds.
    pub fn load(path: &Path) -> Result<Self> {
        let place = path.display().to_string();
        let text = files::read_text(path)?;
        match path.extension().and_then(|e| e.to_str()) {
            Some("toml") => Self::parse_toml(&place, &text),
            Some("json") => Self::parse_json(&place, &text),
            _ => Err(Error::input(place, "neither .toml nor .json", "name the taxonomy file by its format")),
        }
    }

    /// Reads JSON; `place` names it in errors.
    ///
    /// # Errors
    /// As [`Taxonomy::load`].
    pub fn parse_json(place: &str, text: &str) -> Result<Self> {
        let taxonomy: Self = serde_json::from_str(text.trim_start_matches('\u{feff}')).map_err(|e| {
            let here = format!("{place}:{}:{}", e.line(), e.column());
            Error::input(here, format_args!("not a taxonomy: {}", without_position(&e)), REMEDY)
        })?;
        taxonomy.validate().map_err(|e| e.within(place))?;
        Ok(taxonomy)
    }

    /// Reads TOML; `place` names it in errors.
    ///
    /// # Errors
    /// As [`Taxonomy::load`].
    pub fn parse_toml(place: &str, text: &str) -> Result<Self> {
        let taxonomy: Self = toml::from_str(text).map_err(|e| {
            let line = e.span().map(|s| text.get(..s.start).unwrap_or("").matches('\n').count() + 1);
            let here = line.map_or_else(|| place.to_owned(), |line| format!("{place}:{line}"));
            Error::input(here, format_args!("not a taxonomy: {}", shortened(e.message())), REMEDY)
        })?;
        taxonomy.validate().map_err(|e| e.within(place))?;
        Ok(taxonomy)
    }

    /// Checks names and numbers.
    ///
    /// # Errors
    /// An input error when there are under two intents or over 1,000, a name is empty or used twice (also by the
    /// out-of-scope label), the taxonomy's name is no file name, or one slot has two lists of values.
    pub fn validate(&self) -> Result<()> {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        if self.name.is_empty() || !self.name.chars().all(plain) || self.name.starts_with('.') {
            let what = format!("`{}` is no file name", shortened(&self.name));
            return Err(Error::input("name", what, "use letters, digits, `-` and `_`"));
        }
        if !(2..=MOST_INTENTS).contains(&self.intents.len()) {
            let what = format!("{} intents", self.intents.len());
            return Err(Error::input("intents", what, format_args!("give 2 to {MOST_INTENTS}")));
        }
        let mut seen = BTreeMap::new();
        for label in self.labels() {
            if label.trim().is_empty() {
                return Err(Error::input("intents", "an intent's name is empty", "give every intent a name"));
            }
            if seen.insert(label, ()).is_some() {
                let what = format!("`{}` is there twice", shortened(label));
                return Err(Error::input("intents", what, "give every intent, and out_of_scope, a name of its own"));
            }
        }
        let mut values: BTreeMap<&str, &[String]> = BTreeMap::new();
        for intent in &self.intents {
            for slot in &intent.slots {
                let here = format!("intent `{}`", shortened(&intent.name));
                if slot.name.trim().is_empty() {
                    return Err(Error::input(here, "a slot's name is empty", "give every slot a name"));
                }
                if values.insert(&slot.name, &slot.values).is_some_and(|other| other != slot.values) {
                    let what = format!("slot `{}` has other values elsewhere", shortened(&slot.name));
                    return Err(Error::input(here, what, "one name is one slot: give it the same values everywhere"));
                }
            }
        }
        Ok(())
    }

    /// Every label: the intents in order, then the out-of-scope label if there is one.
    pub fn labels(&self) -> impl Iterator<Item = &str> {
        self.intents.iter().map(|i| i.name.as_str()).chain(self.out_of_scope.as_deref())
    }

    /// The number of a label in the order of [`Taxonomy::labels`].
    pub fn label_index(&self, label: &str) -> Option<usize> {
        self.labels().position(|l| l == label)
    }

    /// Every slot of any intent, in the order of first use.
    pub fn slots(&self) -> Vec<&Slot> {
        let mut slots: Vec<&Slot> = Vec::new();
        for slot in self.intents.iter().flat_map(|i| &i.slots) {
            if !slots.iter().any(|s| s.name == slot.name) {
                slots.push(slot);
            }
        }
        slots
    }
}

const REMEDY: &str = "a taxonomy has `name`, `intents` (each with `name`; `domain`, `description`, `examples`, `slots` as \
    you like) and perhaps `out_of_scope`";

#[cfg(test)]
mod tests {
    use super::*;

    const TOML: &str = r#"
name = "lamp"
out_of_scope = "none"
[[intents]]
name = "on"
description = "Light a lamp."
examples = ["light on"]
[[intents.slots]]
name = "room"
values = ["kitchen"]
[[intents]]
name = "off"
[[intents.slots]]
name = "room"
values = ["kitchen"]
"#;

    #[test]
    fn toml_and_json_say_the_same() {
        let taxonomy = Taxonomy::parse_toml("t", TOML).unwrap();
        assert_eq!(taxonomy.labels().collect::<Vec<_>>(), ["on", "off", "none"]);
        assert_eq!((taxonomy.label_index("none"), taxonomy.label_index("x")), (Some(2), None));
        assert_eq!(taxonomy.slots().len(), 1);
        let json = serde_json::to_string(&taxonomy).unwrap();
        assert_eq!(Taxonomy::parse_json("t", &format!("\u{feff}{json}")).unwrap(), taxonomy);
        let dir = tempfile::tempdir().unwrap();
        std::fs::write(dir.path().join("lamp.toml"), TOML).unwrap();
        assert_eq!(Taxonomy::load(&dir.path().join("lamp.toml")).unwrap(), taxonomy);
    }

    #[test]
    fn what_is_wrong_is_named() {
        let told = |text: &str, part: &str| {
            let e = Taxonomy::parse_toml("t.toml", text).unwrap_err();
            assert!(e.exit_code() == 2 && e.to_string().contains(part), "{e}");
        };
        told("", "missing field `name`");
        told("name = 3", "t.toml:1");
        told(&TOML.replace("\"off\"", "\"on\""), "`on` is there twice");
        told(&TOML.replace("\"none\"", "\"on\""), "`on` is there twice");
        told(&TOML.replace("\"off\"", "\" \""), "an intent's name is empty");
        told(&TOML.replace("\"lamp\"", "\"../lamp\""), "is no file name");
        told(&TOML.replacen("[\"kitchen\"]", "[]", 1), "other values elsewhere");
        told("name = \"x\"\nintents = [{name = \"a\"}]", "1 intents");
        told(&TOML.replace("description", "describe"), "t.toml:6");
        let e = Taxonomy::parse_json("t.json", "{\"name\":").unwrap_err();
        assert!(e.to_string().starts_with("t.json:1:8: not a taxonomy"), "{e}");
        let deep = "[".repeat(100_000);
        assert_eq!(Taxonomy::parse_json("t", &deep).unwrap_err().exit_code(), 2);
        let e = Taxonomy::load(Path::new("lamp.yaml")).unwrap_err();
        assert_eq!(e.exit_code(), 2);
    }
}
