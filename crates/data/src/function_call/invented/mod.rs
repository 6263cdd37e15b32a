//! How does a function come about that no device of the catalogue has, and who is offered beside it?
//!
//! A function is something done ([`verbs`]) to a thing ([`things`]), with parameters drawn for it alone: the same name has other parameters
//! in another set, so what is asked for is known by reading the set. Sets hold functions of the same thing and of the same
//! deed; a quarter of the things have names that nobody has said.

#[cfg(test)]
mod tests;
mod things;
mod values;
mod verbs;

use std::collections::BTreeSet;

use bantam_core::seed::{self, Rng};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::config::GenerateConfig;
use super::kinds::pick;
use super::plan::Known;
use super::template::Template;
use super::tools::{Offer, Parameter, Tool, styled};
use super::words::Kind;
use crate::coined_word::coined_word;
use things::{NOUNS, Noun, PROPERTIES, Property, SHARED_NOUNS};
use values::{EXTRAS, Extra, PAIRS, WHICH, Which};
use verbs::{VERBS, Verb};

/// How often a thing has a name put together from two.
const COINED: f64 = 0.25;
/// How often a set of several holds functions of the catalogue too.
const MIXED: f64 = 0.4;
/// Functions that a set could have and has not, to be asked for in vain.
const DECOYS: usize = 2;
/// Names that templates have for parameters.
const SLOTS: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];

/// A thing under the names that one set has for it.
#[derive(Clone)]
struct Thing {
    noun: &'static Noun,
    says: Vec<String>,
}

/// What a function does.
#[derive(Clone)]
struct Deed {
    verb: &'static Verb,
    property: Option<&'static Property>,
    thing: Thing,
}

/// Sets of offered functions, each with one of its own at least, and these functions: they are numbered from the
/// catalogue's end on.
pub(super) fn offers(config: &GenerateConfig, catalogue: &[Known]) -> (Vec<Known>, Vec<Offer>) {
    let most = (config.train as f64 * config.invented).ceil() as usize;
    // As many as items where these are few, but some of every size and category.
    let count = if most == 0 { 0 } else { most.clamp(20 * config.most_tools, 4 * config.tool_sets.max(60)) };
    let mut maker = Maker { config, catalogue, functions: Vec::new() };
    let offers = (0..count).map(|number| maker.offer(number)).filter(|o| !o.tools.is_empty()).collect();
    (maker.functions, offers)
}

struct Maker<'a> {
    config: &'a GenerateConfig,
    catalogue: &'a [Known],
    functions: Vec<Known>,
}

impl Maker<'_> {
    fn offer(&mut self, number: usize) -> Offer {
        let mut rng = seed::rng(self.config.seed, &format!("function-call/tools/invented/{number}"));
        let rng = &mut rng;
        let size = number % self.config.most_tools + 1;
        let mixed = if size > 1 && rng.random_bool(MIXED) { rng.random_range(1..=size / 2) } else { 0 };
        let anchor = self.thing(rng);
        let deeds = self.deeds(&anchor, size - mixed + DECOYS, rng);
        let mut offer = Offer { id: format!("tools_invented_{number:05}"), tools: Vec::new(), decoys: Vec::new() };
        let mut names = BTreeSet::new();
        for deed in deeds {
            let place = self.catalogue.len() + self.functions.len();
            let Some((known, tool)) = self.function(&deed, place, rng) else { continue };
            // Each set has one of its own.
            if offer.tools.len() + mixed == size {
                offer.decoys.push(place);
            } else if names.insert(tool.name.clone()) {
                offer.tools.push(tool);
            } else {
                continue;
            }
            self.functions.push(known);
        }
        let mixed = if offer.tools.is_empty() { 0 } else { mixed };
        let mut beside: Vec<usize> = (0..self.catalogue.len()).filter(|i| !self.catalogue[*i].held_out).collect();
        beside.shuffle(rng);
        // Those of the same device first, then of the same domain.
        let noun = id(&anchor.says[0]);
        beside.sort_by_key(|i| {
            let function = &self.catalogue[*i];
            (!function.name.split('_').any(|w| w == noun), function.domain != anchor.noun.domain)
        });
        for i in beside.into_iter().take(mixed) {
            let vary = rng.random_bool(self.config.renamed);
            let tool = Tool::of(i, &self.catalogue[i], if vary { Some(rng) } else { None });
            if names.insert(tool.name.clone()) {
                offer.tools.push(tool);
            }
        }
        offer.tools.shuffle(rng);
        offer
    }

    /// Things to do that no request confuses with one another: to one thing, the same to others, and whatever else.
    fn deeds(&self, anchor: &Thing, count: usize, rng: &mut Rng) -> Vec<Deed> {
        let mut deeds: Vec<Deed> = Vec::new();
        for _ in 0..20 * count {
            if deeds.len() == count {
                break;
            }
            let roll = rng.random_range(0..10);
            let thing = if deeds.is_empty() || roll < 5 { anchor.clone() } else { self.thing(rng) };
            let mut able = deeds_of(&thing);
            if (5..8).contains(&roll)
                && let Some(first) = deeds.first()
            {
                able.retain(|d| d.verb.meaning == first.verb.meaning);
            }
            if able.is_empty() {
                continue;
            }
            let deed = able.swap_remove(rng.random_range(0..able.len()));
            if !deeds.iter().any(|d| confused(d, &deed)) {
                deeds.push(deed);
            }
        }
        deeds.shuffle(rng);
        deeds
    }

    fn thing(&self, rng: &mut Rng) -> Thing {
        if rng.random_bool(0.1) {
            let held =
                |noun: &str| self.catalogue.iter().any(|f| f.held_out && f.name.split('_').any(|word| word == noun));
            let free: Vec<&'static Noun> = SHARED_NOUNS.iter().filter(|n| !held(n.says)).collect();
            if !free.is_empty() {
                let noun = free[rng.random_range(0..free.len())];
                return Thing { noun, says: vec![noun.says.to_owned()] };
            }
        }
        let noun = &NOUNS[rng.random_range(0..NOUNS.len())];
        let own = || noun.says.split('|').map(str::to_owned).collect();
        let other = pick(NOUNS[rng.random_range(0..NOUNS.len())].says, rng);
        let coined = rng.random_bool(COINED).then(|| {
            let word = pick(noun.says, rng);
            let (start, last) = word.rsplit_once(' ').map_or(("", word), |(start, last)| (start, last));
            let coined = coined_word(last, other.rsplit(' ').next().unwrap_or(other))?;
            Some(vec![if start.is_empty() { coined } else { format!("{start} {coined}") }])
        });
        Thing { noun, says: coined.flatten().unwrap_or_else(own) }
    }

    /// A function for the deed, and how its set offers it; `None` where it would have the name of one of the catalogue.
    fn function(&self, deed: &Deed, place: usize, rng: &mut Rng) -> Option<(Known, Tool)> {
        let mut making = Making::default();
        // A car has one of most things.
        let often = if deed.thing.noun.domain == "vehicle" { 0.4 } else { 0.8 };
        let with_which = deed.verb.of != "record" && rng.random_bool(often);
        let fitting: Vec<&'static Which> =
            WHICH.iter().filter(|w| w.domains.contains(deed.thing.noun.domain)).collect();
        if with_which && !fitting.is_empty() {
            let which = fitting[rng.random_range(0..fitting.len())];
            let required = rng.random_bool(0.6);
            making.which = Some((making.parameter(which.kind, which.names, required, rng)?, which));
        }
        for value in deed.verb.values.split_whitespace() {
            let (name, required) = value.strip_suffix('?').map_or((value, true), |n| (n, false));
            let said = if let ("property", Some(property)) = (name, deed.property) {
                let kind = property.kinds[rng.random_range(0..property.kinds.len())];
                let slot = making.parameter(kind, property.names, required, rng)?;
                Said { slot, phrases: " to {}" }
            } else {
                making.said(extra(name)?, required, rng)?
            };
            making.values.push(said);
        }
        let mut extras: Vec<&str> = deed.verb.extras.split_whitespace().collect();
        extras.shuffle(rng);
        let wanted = [0, 0, 1, 1, 1, 2, 2][rng.random_range(0..7)];
        for name in extras.into_iter().take(wanted) {
            // Two people would be told apart by nothing but the names.
            if name == "person" && deed.thing.noun.domain == "wearable" {
                continue;
            }
            // What happens when is said once.
            let when = |n: &str| ["delay", "time", "span", "minutes"].contains(&n);
            if when(name) && std::mem::replace(&mut making.timed, true) {
                continue;
            }
            let required = rng.random_bool(0.3);
            let parts = PAIRS.iter().find(|(n, _)| *n == name).map_or(vec![name], |(_, pair)| pair.to_vec());
            let mut together = Vec::new();
            for part in parts {
                together.push(making.said(extra(part)?, required, rng)?);
            }
            making.tail.push(together);
        }
        let slots: Vec<&str> = making.parameters.iter().map(|(_, p)| p.name).collect();
        let mut templates = Vec::new();
        for (n, frame) in deed.verb.frames.split('|').enumerate() {
            let text = making.text(deed, frame, rng);
            templates.push(Template::parse(format!("invented/{}.{n}", deed.verb.meaning), &text, &slots)?);
        }
        let noun = id(&deed.thing.says[0]);
        let property = deed.property.map_or(String::new(), |p| id(p.name));
        let name = pick(deed.verb.names, rng).replace("<n>", &noun).replace("<p>", &property);
        let named = if rng.random_bool(self.config.renamed) {
            styled(name.split('_').map(str::to_owned).collect(), deed.thing.noun.domain, &noun, rng)
        } else {
            name.clone()
        };
        if self.catalogue.iter().any(|f| f.name == name || f.name == named) {
            return None;
        }
        let known = Known {
            group: format!("{} {noun} {property}", deed.verb.meaning),
            name,
            domain: deed.thing.noun.domain,
            parameters: making.parameters.iter().map(|(_, p)| *p).collect(),
            templates,
            held_out: false,
            repeats: making.which.iter().filter(|(_, which)| which.kind.is_listable()).map(|(slot, _)| *slot).collect(),
        };
        let mut parameters = making.parameters;
        parameters.shuffle(rng);
        Some((known, Tool { function: place, name: named, parameters }))
    }
}

/// Everything that can be done to a thing.
fn deeds_of(thing: &Thing) -> Vec<Deed> {
    let mut able = Vec::new();
    for verb in VERBS {
        let deed = |property| Deed { verb, property, thing: thing.clone() };
        if verb.of == "property" {
            let properties = thing.noun.properties.split_whitespace();
            let properties = properties.filter_map(|name| PROPERTIES.iter().find(|p| id(p.name) == name));
            // No word is more than another.
            let words = |p: &&Property| p.kinds.iter().any(|kind| matches!(kind, Kind::Closed(_)));
            able.extend(properties.filter(|p| verb.meaning != "watch" || !words(p)).map(|p| deed(Some(p))));
        } else if verb.of.split(' ').any(|of| thing.noun.traits.split(' ').any(|t| t == of)) {
            able.push(deed(None));
        }
    }
    able
}

/// Whether a request for one could be served by the other.
fn confused(a: &Deed, b: &Deed) -> bool {
    const NEAR: [[&str; 2]; 6] = [
        ["status", "get"],
        ["status", "inspect"],
        ["start", "schedule"],
        ["find", "list"],
        ["start", "resume"],
        ["pause", "stop"],
    ];
    let (x, y) = (a.verb.meaning, b.verb.meaning);
    let same = x == y && a.property.map(|p| p.name) == b.property.map(|p| p.name);
    a.thing.says.iter().any(|says| b.thing.says.contains(says))
        && (same || NEAR.contains(&[x, y]) || NEAR.contains(&[y, x]))
}

/// A value and how it is said.
struct Said {
    slot: usize,
    phrases: &'static str,
}

/// A function's parameters and their places in what is said.
#[derive(Default)]
struct Making {
    parameters: Vec<(String, Parameter)>,
    which: Option<(usize, &'static Which)>,
    values: Vec<Said>,
    /// What is said last, in any order, but pairs together.
    tail: Vec<Vec<Said>>,
    timed: bool,
}

impl Making {
    /// The place of a new parameter, under a name that the others have not.
    fn parameter(&mut self, kind: Kind, names: &'static str, required: bool, rng: &mut Rng) -> Option<usize> {
        let free: Vec<&str> =
            names.split('|').filter(|n| self.parameters.iter().all(|(taken, _)| taken != n)).collect();
        if free.is_empty() {
            return None;
        }
        let slot = self.parameters.len();
        let name = free[rng.random_range(0..free.len())].to_owned();
        self.parameters.push((name, Parameter { name: SLOTS.get(slot)?, kind, required }));
        Some(slot)
    }

    fn said(&mut self, extra: &'static Extra, required: bool, rng: &mut Rng) -> Option<Said> {
        let kind = extra.kinds[rng.random_range(0..extra.kinds.len())];
        Some(Said { slot: self.parameter(kind, extra.names, required, rng)?, phrases: extra.phrases })
    }

    /// The frame as a template.
    fn text(&self, deed: &Deed, frame: &str, rng: &mut Rng) -> String {
        let any = |words: &[String]| if words.len() > 1 { format!("({})", words.join("/")) } else { words.concat() };
        let each = |change: fn(&str) -> String| any(&deed.thing.says.iter().map(|s| change(s)).collect::<Vec<_>>());
        let core = each(str::to_owned);
        let part = |phrase: &str, slot: usize| format!("[{}]", phrase.replace("{}", &format!("{{{}}}", SLOTS[slot])));
        let (thing, apart) = match self.which {
            None => (format!("the {core}"), String::new()),
            Some((slot, which)) => {
                let before = which.after.is_empty() || (which.before && rng.random_bool(0.5));
                let thing = if before {
                    format!("the{} {core}", part(" {}", slot))
                } else {
                    let article = if which.after == " {}" && rng.random_bool(0.5) { "" } else { "the " };
                    format!("{article}{core}{}", part(which.after, slot))
                };
                (thing, part(which.apart, slot))
            }
        };
        let mut value =
            |n: usize| self.values.get(n).map_or(String::new(), |said| part(pick(said.phrases, rng), said.slot));
        let (first, second) = (value(0), value(1));
        let value = |phrase: &str| self.values.first().map_or(String::new(), |said| part(phrase, said.slot));
        let mut tail: Vec<String> = self
            .tail
            .iter()
            .map(|together| together.iter().map(|said| part(pick(said.phrases, rng), said.slot)).collect())
            .collect();
        tail.shuffle(rng);
        // Remarks come last.
        tail.sort_by_key(|said| said.starts_with("[,") || said.contains(" note "));
        frame
            .replace("<n>", &thing)
            .replace("<c>", &core)
            .replace("<a>", &each(with_article))
            .replace("<s>", &each(plural))
            .replace("<l>", &apart)
            .replace("<p>", deed.property.map_or("", |p| p.name))
            .replace("<v>", &first)
            .replace("<w>", &second)
            .replace("<x>", &value(" as {}"))
            .replace("<o>", &value(", above {}"))
            .replace("<t>", &tail.concat())
    }
}

/// Every kind of value that invented functions have beside the catalogue's.
#[cfg(test)]
pub(super) fn kinds() -> impl Iterator<Item = Kind> {
    let extras = EXTRAS.iter().flat_map(|e| e.kinds);
    extras.chain(PROPERTIES.iter().flat_map(|p| p.kinds)).copied().chain(WHICH.iter().map(|w| w.kind))
}

fn extra(name: &str) -> Option<&'static Extra> {
    EXTRAS.iter().find(|e| e.name == name)
}

/// Words as a part of a name.
fn id(words: &str) -> String {
    words.replace([' ', '-'], "_")
}

fn with_article(words: &str) -> String {
    format!("{} {words}", if words.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" })
}

fn plural(words: &str) -> String {
    match words.strip_suffix('y') {
        Some(start) if !start.ends_with(['a', 'e', 'o', 'u']) => format!("{start}ies"),
        _ if words.ends_with(['s', 'x', 'h']) => format!("{words}es"),
        _ => format!("{words}s"),
    }
}
