//! What does a schema look like as a tree of fields, as a JSON Schema and as a training variant of itself?

use std::collections::BTreeSet;

use bantam_core::seed::Rng;
use rand::RngExt;
use rand::seq::{IndexedRandom, SliceRandom};
use serde_json::{Map, Value, json};

use super::catalogue::{Domain, Member, Shape};
use super::values;
use super::vocabulary::{self, Concept};
use crate::item::Level;

/// A schema: published or a variant of a published one.
#[derive(Clone, Debug)]
pub(crate) struct Tree {
    pub(crate) id: String,
    pub(crate) level: Level,
    pub(crate) title: &'static str,
    pub(crate) nouns: &'static str,
    pub(crate) fields: Vec<Field>,
}

#[derive(Clone, Debug)]
pub(crate) struct Field {
    pub(crate) name: String,
    pub(crate) optional: bool,
    pub(crate) node: FieldNode,
}

#[derive(Clone, Debug)]
pub(crate) enum FieldNode {
    /// `foreign`: its own sentences may not suit the subject. `choices`: which of an enum's values there are; empty for
    /// all.
    Leaf {
        concept: &'static Concept,
        foreign: bool,
        choices: Vec<usize>,
    },
    Object {
        nouns: &'static str,
        fields: Vec<Field>,
    },
    List {
        nouns: &'static str,
        fields: Vec<Field>,
    },
}

impl Field {
    /// Whether a schema or a text may call it that.
    fn is_called(&self, name: &str) -> bool {
        let concept = if let FieldNode::Leaf { concept, .. } = &self.node { Some(concept) } else { None };
        vocabulary::is_same_name(&self.name, name) || concept.is_some_and(|c| c.is_called(name))
    }
}

impl Tree {
    pub(crate) fn of(domain: &'static Domain) -> Option<Self> {
        Some(Self {
            id: domain.id.to_owned(),
            level: domain.level,
            title: domain.title,
            nouns: domain.nouns,
            fields: fields_of(domain.members)?,
        })
    }

    /// The schema's JSON Schema, draft 2020-12.
    pub(crate) fn json_schema(&self) -> Value {
        let mut schema = Map::new();
        schema.insert("$schema".into(), json!("https://json-schema.org/draft/2020-12/schema"));
        schema.insert("title".into(), json!(self.title));
        schema.append(&mut object_schema(&self.fields));
        Value::Object(schema)
    }

    /// How many leaves the schema has.
    pub(crate) fn leaves(&self) -> usize {
        let mut count = 0;
        visit(&self.fields, &mut |_| count += 1);
        count
    }

    /// The concepts of all leaves, in the schema's order.
    pub(crate) fn each_concept(&self, each: &mut impl FnMut(&'static Concept)) {
        visit(&self.fields, each);
    }

    /// Whether some leaf has this concept key.
    pub(crate) fn has(&self, key: &str) -> bool {
        let mut found = false;
        visit(&self.fields, &mut |c| found |= c.key == key);
        found
    }

    /// Concept keys of all leaves.
    pub(crate) fn keys(&self) -> BTreeSet<&'static str> {
        let mut keys = BTreeSet::new();
        visit(&self.fields, &mut |c| {
            keys.insert(c.key);
        });
        keys
    }

    /// Shared concepts over all concepts of two schemas, 0 to 1 (Jaccard).
    pub(crate) fn likeness(&self, other: &Tree) -> f64 {
        let (a, b) = (self.keys(), other.keys());
        a.intersection(&b).count() as f64 / a.union(&b).count().max(1) as f64
    }

    /// A training variant: fewer fields, other names, another order, other requirements, sometimes a field of
    /// another domain. The level's bounds and the nesting stay.
    pub(crate) fn variant(&self, number: usize, rng: &mut Rng) -> Tree {
        let mut tree = self.clone();
        tree.id = format!("{}_v{number:02}", self.id);
        let (least, most) = match self.level {
            Level::Simple => (3, 5),
            Level::Medium => (8, 12),
            Level::Complex => (15, 22),
        };
        let mut spare = self.leaves() - least.min(self.leaves());
        drop_fields(&mut tree.fields, &mut spare, rng);
        if tree.leaves() < most && rng.random_bool(0.35) {
            add_foreign(&mut tree, rng);
        }
        change(&mut tree.fields, rng);
        tree
    }
}

fn fields_of(members: &'static [Member]) -> Option<Vec<Field>> {
    let field = |m: &Member| {
        let node = match m.shape {
            Shape::Leaf(key) => {
                FieldNode::Leaf { concept: vocabulary::find(key)?, foreign: false, choices: Vec::new() }
            }
            Shape::Object { nouns, members } => FieldNode::Object { nouns, fields: fields_of(members)? },
            Shape::List { nouns, members } => FieldNode::List { nouns, fields: fields_of(members)? },
        };
        Some(Field { name: m.name.to_owned(), optional: m.optional, node })
    };
    members.iter().map(field).collect()
}

fn visit(fields: &[Field], each: &mut impl FnMut(&'static Concept)) {
    for field in fields {
        match &field.node {
            FieldNode::Leaf { concept, .. } => each(concept),
            FieldNode::Object { fields, .. } | FieldNode::List { fields, .. } => visit(fields, each),
        }
    }
}

fn object_schema(fields: &[Field]) -> Map<String, Value> {
    let mut properties = Map::new();
    for field in fields {
        let schema = match &field.node {
            FieldNode::Leaf { concept, choices, .. } => values::schema(concept.kind, choices),
            FieldNode::Object { fields, .. } => Value::Object(object_schema(fields)),
            FieldNode::List { fields, .. } => json!({"type": "array", "items": object_schema(fields), "minItems": 1}),
        };
        properties.insert(field.name.clone(), schema);
    }
    let required: Vec<_> = fields.iter().filter(|f| !f.optional).map(|f| f.name.as_str()).collect();
    let mut schema = Map::new();
    schema.insert("type".into(), json!("object"));
    schema.insert("properties".into(), Value::Object(properties));
    schema.insert("required".into(), json!(required));
    schema.insert("additionalProperties".into(), json!(false));
    schema
}

/// Drops up to `spare` leaves, but never the last two of an object.
fn drop_fields(fields: &mut Vec<Field>, spare: &mut usize, rng: &mut Rng) {
    let mut i = 0;
    while i < fields.len() {
        let is_leaf = matches!(fields[i].node, FieldNode::Leaf { .. });
        if is_leaf && *spare > 0 && fields.len() > 2 && rng.random_bool(0.25) {
            fields.remove(i);
            *spare -= 1;
            continue;
        }
        if let FieldNode::Object { fields, .. } | FieldNode::List { fields, .. } = &mut fields[i].node {
            drop_fields(fields, spare, rng);
        }
        i += 1;
    }
}

fn add_foreign(tree: &mut Tree, rng: &mut Rng) {
    let present = tree.keys();
    let all: Vec<_> = vocabulary::all().collect();
    for _ in 0..8 {
        let Some(concept) = all.choose(rng) else { return };
        // A text must tell the fields of one object apart by what it calls them.
        let called_the_same = |f: &Field| match &f.node {
            FieldNode::Leaf { concept: other, .. } => concept.conflicts(other),
            FieldNode::Object { .. } | FieldNode::List { .. } => false,
        };
        let taken = present.contains(concept.key) || tree.fields.iter().any(|f| f.name == concept.key);
        if taken || tree.fields.iter().any(called_the_same) {
            continue;
        }
        let node = FieldNode::Leaf { concept, foreign: true, choices: Vec::new() };
        tree.fields.push(Field { name: concept.key.to_owned(), optional: rng.random_bool(0.5), node });
        return;
    }
}

/// Writes every property name in another case.
pub(crate) fn recase(fields: &mut [Field], write: fn(&str) -> String) {
    for field in fields {
        field.name = write(&field.name);
        if let FieldNode::Object { fields, .. } | FieldNode::List { fields, .. } = &mut field.node {
            recase(fields, write);
        }
    }
}

/// Whether a field may be called by one word: `date` says too little beside another date unless people call it that.
fn says_enough(fields: &[Field], at: usize, name: &str) -> bool {
    let FieldNode::Leaf { concept, .. } = &fields[at].node else { return true };
    let rival = |(j, f): (usize, &Field)| {
        j != at && matches!(&f.node, FieldNode::Leaf { concept: other, .. } if other.kind.rivals(concept.kind))
    };
    name.contains('_') || concept.labels.split('|').any(|l| l == name) || !fields.iter().enumerate().any(rival)
}

fn plural(noun: &str) -> String {
    match noun.strip_suffix('y') {
        Some(stem) if !stem.ends_with(['a', 'e', 'o', 'u']) => format!("{stem}ies"),
        _ if noun.ends_with(['s', 'x']) || noun.ends_with("ch") || noun.ends_with("sh") => format!("{noun}es"),
        _ => format!("{noun}s"),
    }
}

/// Other names, order and requirements, at every depth.
pub(crate) fn change(fields: &mut [Field], rng: &mut Rng) {
    for i in 0..fields.len() {
        if rng.random_bool(0.5) {
            let other = match &fields[i].node {
                FieldNode::Leaf { concept, .. } => concept.also,
                FieldNode::Object { nouns, .. } | FieldNode::List { nouns, .. } => nouns,
            };
            let names: Vec<_> = other.split('|').filter(|n| !n.is_empty()).collect();
            if let Some(name) = names.choose(rng) {
                let is_list = matches!(fields[i].node, FieldNode::List { .. });
                let name = if is_list { plural(name) } else { (*name).to_owned() }.replace([' ', '-'], "_");
                let is_free = fields.iter().enumerate().all(|(j, f)| j == i || !f.is_called(&name));
                if is_free && says_enough(fields, i, &name) {
                    fields[i].name = name;
                }
            }
        }
        if rng.random_bool(0.25) && matches!(fields[i].node, FieldNode::Leaf { .. }) {
            fields[i].optional = !fields[i].optional;
        }
        if let FieldNode::Object { fields, .. } | FieldNode::List { fields, .. } = &mut fields[i].node {
            change(fields, rng);
        }
    }
    // Every object keeps something that a text must state.
    if fields.iter().all(|f| f.optional)
        && let Some(first) = fields.first_mut()
    {
        first.optional = false;
    }
    fields.shuffle(rng);
}

#[cfg(test)]
mod tests {
    use super::super::catalogue;
    use super::*;
    use bantam_core::seed;

    fn depth(fields: &[Field]) -> usize {
        1 + fields
            .iter()
            .map(|f| match &f.node {
                FieldNode::Leaf { .. } => 0,
                FieldNode::Object { fields, .. } | FieldNode::List { fields, .. } => depth(fields),
            })
            .max()
            .unwrap_or(0)
    }

    fn check_level(tree: &Tree) {
        let n = tree.leaves();
        let has_list = tree.fields.iter().any(|f| matches!(f.node, FieldNode::List { .. }));
        match tree.level {
            Level::Simple => assert!((3..=5).contains(&n) && depth(&tree.fields) == 1, "{}: {n}", tree.id),
            Level::Medium => assert!((8..=12).contains(&n) && depth(&tree.fields) == 2, "{}: {n}", tree.id),
            Level::Complex => {
                assert!((15..=22).contains(&n) && depth(&tree.fields) >= 3 && has_list, "{}: {n}", tree.id)
            }
        }
    }

    fn check_labels(tree: &str, fields: &[Field]) {
        let mut seen = BTreeSet::new();
        for field in fields {
            match &field.node {
                FieldNode::Leaf { concept, .. } => {
                    concept
                        .labels
                        .split('|')
                        .for_each(|l| assert!(seen.insert(l), "{tree}: two fields are called {l}"));
                }
                FieldNode::Object { fields, .. } | FieldNode::List { fields, .. } => check_labels(tree, fields),
            }
        }
    }

    #[test]
    fn every_domain_and_its_variants_keep_the_levels_bounds() {
        let mut rng = seed::rng(3, "variants");
        let mut per_level = [0; 3];
        for domain in catalogue::all() {
            let tree = Tree::of(domain).unwrap_or_else(|| panic!("{} names an unknown concept", domain.id));
            check_level(&tree);
            check_labels(&tree.id, &tree.fields);
            per_level[tree.level as usize] += 1;
            for n in 0..20 {
                let variant = tree.variant(n, &mut rng);
                check_level(&variant);
                check_labels(&variant.id, &variant.fields);
                assert!(jsonschema::draft202012::meta::is_valid(&variant.json_schema()));
            }
        }
        assert!(per_level.iter().all(|&n| n >= 20), "{per_level:?}");
    }
}
