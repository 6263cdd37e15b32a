//! What does one item state? A tree filled with values, with the gold it stands for.

use rand::RngExt;

use super::tree::{Field, FieldNode, Tree};
use super::values::{self, Source, Value};
use super::vocabulary::Concept;
use crate::canonical::quoted;

/// How often an optional field is absent.
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

/// Draws the values of one item.
pub(crate) fn draw(tree: &Tree, source: &mut Source) -> Group {
    draw_group(&tree.fields, "", tree.nouns, String::new(), source)
}

fn draw_group(fields: &[Field], name: &str, nouns: &'static str, path: String, source: &mut Source) -> Group {
    source.person = None;
    let noun = one_of(nouns, source);
    let mut group = Group { name: name.to_owned(), noun, nodes: Vec::new(), absent: Vec::new() };
    for field in fields {
        let path = format!("{path}/{}", field.name);
        match &field.node {
            FieldNode::Leaf { concept, foreign } => {
                if field.optional && source.rng.random_bool(ABSENT) {
                    group.absent.push(concept);
                    continue;
                }
                let value = source.draw(concept.kind);
                let name = field.name.clone();
                group.nodes.push(Node::Leaf(Leaf { name, path, concept, foreign: *foreign, value }));
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
        for (i, node) in self.nodes.iter().enumerate() {
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
