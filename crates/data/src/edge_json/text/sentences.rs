//! How do sentences state a group of values? Single sentences, joined predicates, lists of phrases; always shuffled.

use super::super::instance::{Group, Leaf, Node};
use super::super::values::{Kind, Value};
use super::super::vocabulary::{Concept, Family};
use super::Teller;

const ORDINALS: &[&str] = &["first", "second", "third", "fourth", "fifth"];

impl Teller<'_, '_> {
    /// The sentences about a group in blocks that may be put in any order. Sentences of a nested object stay together.
    /// Objects of the whole are `the customer`, objects of objects `the customer's address`.
    pub(super) fn blocks(&mut self, group: &Group, subject: &str, is_whole: bool) -> Vec<Vec<String>> {
        let leaves = self.shuffled(group.nodes.iter());
        let leaves: Vec<&Leaf> = leaves.into_iter().filter_map(as_leaf).collect();
        let mut blocks: Vec<Vec<String>> =
            self.chunks(&leaves).into_iter().map(|chunk| vec![self.sentence(&chunk, subject)]).collect();
        blocks.extend(self.absences(group, subject).into_iter().map(|s| vec![s]));
        for node in &group.nodes {
            match node {
                Node::Leaf(_) => {}
                Node::Object(inner) => {
                    let inner_subject =
                        if is_whole { format!("the {}", inner.noun) } else { format!("{subject}'s {}", inner.noun) };
                    let mut parts = self.blocks(inner, &inner_subject, false);
                    self.shuffle(&mut parts);
                    let mut sentences = parts.concat();
                    self.shorten(inner, &inner_subject, &mut sentences);
                    blocks.push(sentences);
                }
                Node::List(_, entries) => blocks.push(self.entries(entries)),
            }
        }
        blocks
    }

    /// A thing that the sentence before was about is `it`.
    fn shorten(&mut self, group: &Group, subject: &str, sentences: &mut [String]) {
        let is_person = |n: &Node| matches!(n, Node::Leaf(l) if l.concept.kind == Kind::Person);
        let has_parts = group.nodes.iter().any(|n| !matches!(n, Node::Leaf(_)));
        if has_parts || group.nodes.iter().any(is_person) {
            return;
        }
        let (start, it) = (self.sentence_case(subject) + " ", self.sentence_case("it "));
        for i in 1..sentences.len() {
            if sentences[i - 1].to_lowercase().contains(&subject.to_lowercase())
                && sentences[i].starts_with(&start)
                && self.chance(0.4)
            {
                sentences[i].replace_range(..start.len(), &it);
            }
        }
    }

    /// What a text calls the whole.
    pub(super) fn root_subject(&mut self, group: &Group) -> String {
        let determiner = self.one_of(&["the", "the", "this", "our"]);
        format!("{determiner} {}", group.noun)
    }

    /// The objects of an array, in order, their fields in any order.
    fn entries(&mut self, entries: &[Group]) -> Vec<String> {
        let mut out = Vec::new();
        let same_order = self.chance(0.5);
        let mut order: Vec<String> = Vec::new();
        for (i, entry) in entries.iter().enumerate() {
            let ordinal = ordinal(i, entries.len());
            let mut leaves = self.shuffled(entry.nodes.iter()).into_iter().filter_map(as_leaf).collect::<Vec<_>>();
            if same_order {
                if order.is_empty() {
                    order = leaves.iter().map(|l| l.name.clone()).collect();
                }
                leaves.sort_by_key(|l| order.iter().position(|n| *n == l.name));
            }
            let subject = format!("the {ordinal} {}", entry.noun);
            if self.chance(0.65) {
                let phrases = self.phrases(&leaves);
                let template = self.template(&["entry"]);
                let text = template.replace("{o}", ordinal).replace("{n}", entry.noun);
                out.push(self.sentence_case(&text).replace("{f}", &listed(&phrases)));
            } else {
                let (front, back) = leaves.split_at(leaves.len().min(2));
                for chunk in [front, back].into_iter().filter(|c| !c.is_empty()) {
                    out.push(self.sentence(chunk, &subject));
                }
            }
            for node in &entry.nodes {
                if let Node::Object(inner) = node {
                    let mut parts = self.blocks(inner, &format!("{subject}'s {}", inner.noun), false);
                    self.shuffle(&mut parts);
                    out.extend(parts.concat());
                }
            }
        }
        out
    }

    /// Sometimes a text says that something is not known; the gold has nothing there.
    fn absences(&mut self, group: &Group, subject: &str) -> Vec<String> {
        let mut out = Vec::new();
        for concept in &group.absent {
            let sayable = !matches!(concept.kind, Kind::Bool | Kind::Many(_) | Kind::Enum(_));
            if sayable && self.chance(0.12) {
                let label = self.label(concept.labels);
                let template = self.template(&["absent"]);
                out.push(self.filled(template, "", label, subject));
            }
        }
        out
    }

    fn chunks<'g>(&mut self, leaves: &[&'g Leaf]) -> Vec<Vec<&'g Leaf>> {
        let mut chunks = Vec::new();
        let mut rest = leaves;
        while !rest.is_empty() {
            let size = self.one_of(&[1, 1, 1, 1, 2, 2, 2, 3]).min(rest.len());
            chunks.push(rest[..size].to_vec());
            rest = &rest[size..];
        }
        chunks
    }

    /// One sentence about one to four values of the subject, without its full stop.
    pub(super) fn sentence(&mut self, leaves: &[&Leaf], subject: &str) -> String {
        if let [leaf] = leaves
            && self.chance(0.75)
        {
            return self.single(leaf, subject);
        }
        if self.chance(0.6) {
            let predicates: Vec<_> = leaves.iter().map(|l| self.phrase(l, "say", "pred")).collect();
            return format!("{} {}", self.sentence_case(subject), listed(&predicates));
        }
        let phrases = self.phrases(leaves);
        let template = self.template(&["wrap"]);
        self.filled(template, "", "", subject).replace("{f}", &listed(&phrases))
    }

    fn single(&mut self, leaf: &Leaf, subject: &str) -> String {
        let template = self.pick_for(leaf, "say", "say", false);
        let label = self.label(leaf.concept.labels);
        let (template, shown) = self.stated(leaf, template, label);
        if template.contains("{s}") {
            self.filled(&template, &shown, label, subject)
        } else {
            let predicate = with_label(&template, label).replace("{v}", &shown);
            format!("{} {predicate}", self.sentence_case(subject))
        }
    }

    /// Phrases for a list of facts.
    pub(super) fn phrases(&mut self, leaves: &[&Leaf]) -> Vec<String> {
        leaves.iter().map(|l| self.phrase(l, "frag", "frag")).collect()
    }

    /// A predicate or phrase without subject.
    fn phrase(&mut self, leaf: &Leaf, own: &str, general: &str) -> String {
        let template = self.pick_for(leaf, own, general, true);
        let label = self.label(leaf.concept.labels);
        let (template, shown) = self.stated(leaf, template, label);
        with_label(&template, label).replace("{v}", &shown)
    }

    /// A template of the concept's own group or of the general group of its kind.
    fn pick_for(&mut self, leaf: &Leaf, own: &str, general: &str, without_subject: bool) -> &'static str {
        let general = match (leaf.concept.family, leaf.concept.kind) {
            (Family::State, _) => format!("state_{general}"),
            (_, Kind::Bool) => format!("bool_{general}"),
            (_, Kind::Many(_) | Kind::Series(..)) => format!("many_{general}"),
            _ => general.to_owned(),
        };
        let own = format!("{own}/{}", leaf.concept.key);
        let of_kind = of_kind(leaf.concept.kind).map(|kind| format!("{general}_{kind}")).unwrap_or_default();
        let fits = |text: &str| {
            let tells = text.contains("{l}") || text.contains("{a}") || tells_apart(text, leaf);
            tells && (!without_subject || !text.contains("{s}"))
        };
        let own_first = self.chance(0.6);
        let (own, general) = ([own.as_str()], [general.as_str(), of_kind.as_str()]);
        let groups: [&[&str]; 2] = if own_first { [&own, &general] } else { [&general, &own] };
        groups.iter().find_map(|g| self.chooser.pick(self.source.rng, g, fits)).unwrap_or("{l} {v}")
    }

    /// The template's side with its state filled in, and the shown value; for booleans the side is the value.
    fn stated(&mut self, leaf: &Leaf, template: &'static str, label: &str) -> (String, String) {
        match (&leaf.value, template.split_once('^')) {
            (Value::Bool(b), Some((yes, no))) => {
                let side = with_state(if *b { yes } else { no }, label);
                // What stands for the value is the wording after (or else before) what is filled in.
                let wording = match side.rsplit_once('}') {
                    Some((_, rest)) if !rest.is_empty() => rest,
                    _ => side.split('{').next().unwrap_or(&side),
                };
                self.mention(leaf, wording.trim().to_owned());
                (side, String::new())
            }
            _ => {
                let shown = self.show(leaf);
                (self.with_wrong(template, leaf, &shown), shown)
            }
        }
    }

    /// Another value where the template says what is wrong.
    pub(super) fn with_wrong(&mut self, template: &str, leaf: &Leaf, shown: &str) -> String {
        if !template.contains("{w}") {
            return template.to_owned();
        }
        let mut wrong = shown.to_owned();
        for _ in 0..20 {
            if wrong != shown {
                break;
            }
            let value = self.source.draw(leaf.concept.kind);
            wrong = self.manner.show(leaf.concept.kind, &value, self.source.rng);
        }
        template.replace("{w}", &wrong)
    }

    /// A template with everything filled in, its first letter as this author starts sentences unless a value is first.
    pub(super) fn filled(&self, template: &str, value: &str, label: &str, subject: &str) -> String {
        if template.starts_with("{v}") {
            return with_label(template, label).replace("{s}", subject).replace("{v}", value);
        }
        let text = with_label(template, label).replace("{s}", subject);
        self.sentence_case(&text).replace("{v}", value)
    }
}

/// The general templates that only some kinds of values have.
fn of_kind(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::Date(..) => Some("date"),
        Kind::Money(..) => Some("money"),
        Kind::Int(..) | Kind::Decimal(..) => Some("number"),
        Kind::Person => Some("person"),
        Kind::Code(_) | Kind::Uuid => Some("code"),
        _ => None,
    }
}

/// Whether a template of the concept's own leaves no doubt which field of the object it states.
fn tells_apart(template: &str, leaf: &Leaf) -> bool {
    let shared = |c: &Concept| [c.says, c.frags].iter().any(|list| list.split('|').any(|t| t == template));
    if leaf.rivals.is_empty() {
        return true;
    }
    let named = leaf.concept.is_named_by(template);
    let own_words =
        !leaf.foreign && template.split(' ').any(|w| w.len() > 4 && w.bytes().all(|b| b.is_ascii_lowercase()));
    (named || own_words) && !leaf.rivals.iter().any(|c| shared(c) || (!named && c.is_named_by(template)))
}

fn as_leaf(node: &Node) -> Option<&Leaf> {
    if let Node::Leaf(leaf) = node { Some(leaf) } else { None }
}

/// The label filled in, with the article that it wants.
fn with_label(template: &str, label: &str) -> String {
    let article = if label.starts_with(['a', 'e', 'i', 'o', 'u', 'A', 'E', 'I', 'O']) { " an {l}" } else { " a {l}" };
    template.replace(" a {l}", article).replace("{l}", label)
}

/// A state's thing and what is said of it.
pub(super) fn with_state(template: &str, label: &str) -> String {
    let (thing, said) = label.split_once(' ').unwrap_or((label, ""));
    template.replace("{a}", thing).replace("{b}", said)
}

/// Which of how many.
pub(super) fn ordinal(index: usize, count: usize) -> &'static str {
    if index + 1 == count && count > 1 && index >= 2 { "last" } else { ORDINALS.get(index).copied().unwrap_or("next") }
}

/// `a, b and c`; with semicolons where a part holds a comma.
pub(super) fn listed(parts: &[String]) -> String {
    let separator = if parts.iter().any(|p| p.contains(',')) { "; " } else { ", " };
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(separator)),
        Some((last, _)) => last.clone(),
        None => String::new(),
    }
}
