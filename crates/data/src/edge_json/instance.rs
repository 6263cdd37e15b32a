//! What does one item state? A tree filled with values, with the gold it stands for.

use rand::RngExt;
use rand::seq::IndexedRandom;

use super::tree::{Field, FieldNode, Tree};
use super::values::{self, Kind, Source, Value};
use super::vocabulary::{self, Concept};
use crate::canonical::quoted;

/// How often what is optional is absent.
const ABSENT: f64 = 0.35;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Leaf {
    pub(crate) name: String,
    /// JSON pointer into the gold.
    pub(crate) path: String,
    pub(crate) concept: &'static Concept,
    /// See [`FieldNode::Leaf`].
    pub(crate) foreign: bool,
    pub(crate) value: Value,
    /// Whether the schema asks for it; what it does not ask for, the text states nevertheless.
    pub(crate) asked: bool,
    /// Fields of the same object that the bare value might be taken for, stated or not.
    pub(crate) rivals: Vec<&'static Concept>,
}

/// An object, in the schema's order.
#[derive(Clone, Debug)]
pub(crate) struct Group {
    pub(crate) name: String,
    /// What the text calls it.
    pub(crate) noun: &'static str,
    pub(crate) nodes: Vec<Node>,
    /// Optional leaves without a value.
    pub(crate) absent: Vec<&'static Concept>,
}

#[derive(Clone, Debug)]
pub(crate) enum Node {
    Leaf(Leaf),
    Object(Group),
    /// The property's name and the objects, in order; their names are the property's.
    List(String, Vec<Group>),
}

/// Draws the values of one item. With `distraction`, a probability, the text also states what the schema does not ask for.
pub(crate) fn draw(tree: &Tree, distraction: f64, source: &mut Source) -> Group {
    let mut group = draw_group(&tree.fields, "", tree.nouns, String::new(), source);
    let mut asked = Vec::new();
    tree.each_concept(&mut |c| asked.push(c));
    distract(&mut group, &asked, distraction, source);
    for node in &mut group.nodes {
        if let Node::Object(part) = node {
            distract(part, &asked, distraction / 3.0, source);
        }
    }
    find_rivals(&mut group);
    group
}

/// Adds one or two leaves that the schema does not ask for and nobody can take for those it does.
fn distract(group: &mut Group, asked: &[&'static Concept], probability: f64, source: &mut Source) {
    if !source.rng.random_bool(probability) {
        return;
    }
    for _ in 0..source.rng.random_range(1..=2) {
        let Some(concept) = vocabulary::compounds().choose(source.rng) else { return };
        let head = |c: &'static Concept| c.names().filter_map(|n| n.rsplit([' ', '_']).next());
        let likely = |c: &'static Concept| head(c).any(|h| head(concept).any(|o| o.eq_ignore_ascii_case(h)));
        let taken = asked.iter().any(|c| likely(c))
            || group.leaves().any(|l| l.concept.conflicts(concept))
            || group.absent.iter().any(|c| c.kind.rivals(concept.kind));
        if taken || matches!(concept.kind, Kind::Bool | Kind::Many(_) | Kind::Series(..)) {
            continue;
        }
        let value = source.draw(concept.kind);
        group.nodes.push(Node::Leaf(Leaf {
            name: concept.key.to_owned(),
            path: format!("!{}/{}", group.name, concept.key),
            concept,
            foreign: true,
            value,
            asked: false,
            rivals: Vec::new(),
        }));
    }
}

fn find_rivals(group: &mut Group) {
    let all: Vec<&'static Concept> = group.leaves().map(|l| l.concept).chain(group.absent.iter().copied()).collect();
    for node in &mut group.nodes {
        match node {
            Node::Leaf(leaf) => {
                let rival = |c: &&&'static Concept| c.key != leaf.concept.key && c.kind.rivals(leaf.concept.kind);
                leaf.rivals = all.iter().filter(rival).copied().collect();
            }
            Node::Object(inner) => find_rivals(inner),
            Node::List(_, entries) => entries.iter_mut().for_each(find_rivals),
        }
    }
}

fn draw_group(fields: &[Field], name: &str, nouns: &'static str, path: String, source: &mut Source) -> Group {
    source.person = None;
    let noun = one_of(nouns, source);
    let mut group = Group { name: name.to_owned(), noun, nodes: Vec::new(), absent: Vec::new() };
    for field in fields {
        let path = format!("{path}/{}", field.name);
        if field.optional && source.rng.random_bool(ABSENT) {
            if let FieldNode::Leaf { concept, .. } = &field.node {
                group.absent.push(concept);
            }
            continue;
        }
        match &field.node {
            FieldNode::Leaf { concept, foreign, choices } => {
                let value = source.choose(choices).unwrap_or_else(|| source.draw(concept.kind));
                let (name, rivals) = (field.name.clone(), Vec::new());
                let leaf = Leaf { name, path, concept, foreign: *foreign, value, asked: true, rivals };
                group.nodes.push(Node::Leaf(leaf));
            }
            FieldNode::Object { nouns, fields } => {
                group.nodes.push(Node::Object(draw_group(fields, &field.name, nouns, path, source)));
            }
            FieldNode::List { nouns, fields } => {
                let count = [1, 2, 2, 2, 2, 2, 3, 3, 3, 3][source.rng.random_range(0..10)];
                // One list, one word for what it holds.
                let noun = one_of(nouns, source);
                let draw = |i| draw_group(fields, &field.name, noun, format!("{path}/{i}"), source);
                group.nodes.push(Node::List(field.name.clone(), (0..count).map(draw).collect()));
            }
        }
    }
    group
}

fn one_of(nouns: &'static str, source: &mut Source) -> &'static str {
    nouns.split('|').nth(source.rng.random_range(0..nouns.split('|').count())).unwrap_or(nouns)
}

impl Group {
    /// The gold as compact JSON in the schema's order.
    pub(crate) fn gold(&self) -> String {
        let mut out = String::from("{");
        let asked = |n: &&Node| if let Node::Leaf(leaf) = n { leaf.asked } else { true };
        for (i, node) in self.nodes.iter().filter(asked).enumerate() {
            if i > 0 {
                out.push(',');
            }
            let (name, value) = match node {
                Node::Leaf(leaf) => (&leaf.name, values::gold(leaf.concept.kind, &leaf.value)),
                Node::Object(group) => (&group.name, group.gold()),
                Node::List(name, groups) => {
                    (name, format!("[{}]", groups.iter().map(Group::gold).collect::<Vec<_>>().join(",")))
                }
            };
            out.push_str(&quoted(name));
            out.push(':');
            out.push_str(&value);
        }
        out.push('}');
        out
    }

    /// The leaves directly in this object.
    pub(crate) fn leaves(&self) -> impl Iterator<Item = &Leaf> {
        self.nodes.iter().filter_map(|n| if let Node::Leaf(leaf) = n { Some(leaf) } else { None })
    }
}
