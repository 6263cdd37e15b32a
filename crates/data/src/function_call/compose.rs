//! How does one item come about: which functions are offered, what is said, and what is the right answer?

use bantam_core::seed::Rng;
use rand::RngExt;
use serde::{Deserialize, Serialize};

use super::config::GenerateConfig;
use super::plan::{Cell, Phrase, Plan};
use super::template::{Template, Told};
use super::tools::{Offer, Tool};
use crate::canonical::quoted;

/// What an item asks of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Category {
    /// One function is offered and wanted.
    Simple,
    /// Several are offered, one is wanted.
    Multiple,
    /// Two or three calls are wanted, in any order.
    Parallel,
    /// A required parameter is not stated: the answer says which, `{"missing":["room"]}`.
    Missing,
    /// No function offered serves: the answer is `[]`.
    Irrelevant,
}

impl Category {
    /// All categories.
    pub const ALL: [Self; 5] = [Self::Simple, Self::Multiple, Self::Parallel, Self::Missing, Self::Irrelevant];

    /// The name used in files, as an item's style.
    pub fn name(self) -> &'static str {
        match self {
            Self::Simple => "simple",
            Self::Multiple => "multiple",
            Self::Parallel => "parallel",
            Self::Missing => "missing",
            Self::Irrelevant => "irrelevant",
        }
    }

    /// The category of a place in a round of twenty.
    pub(crate) fn at(place: usize) -> Self {
        match place % 20 {
            0..=4 => Self::Simple,
            5..=10 => Self::Multiple,
            11..=13 => Self::Parallel,
            14..=16 => Self::Missing,
            _ => Self::Irrelevant,
        }
    }
}

/// Groups whose requests a person could take for one another.
const ALIKE: [&[&str]; 9] = [
    &["light", "ambient"],
    &["climate", "cabin_climate", "climate_query", "sensor"],
    &["alarm", "timer", "reminder", "sleep"],
    &["message", "broadcast", "share", "phone"],
    &["navigation", "stop", "charging_search"],
    &["media", "radio"],
    &["camera", "security"],
    &["charging", "charging_search", "range"],
    &["find", "phone"],
];

fn alike(a: &str, b: &str) -> bool {
    a == b || ALIKE.iter().any(|set| set.contains(&a) && set.contains(&b))
}

/// An item before it has a number.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    pub(crate) offer: &'a Offer,
    pub(crate) text: String,
    pub(crate) gold: String,
    pub(crate) templates: Vec<String>,
    pub(crate) templates_seen: bool,
}

/// One request: what is said, the calls it makes, or what it leaves out.
struct Clause {
    told: Told,
    command: bool,
    calls: Vec<String>,
    missing: Vec<String>,
}

/// Draws one item; `None` where this offer and this chance make none.
pub(crate) fn draw<'a>(
    plan: &'a Plan,
    config: &GenerateConfig,
    cell: Cell,
    category: Category,
    rng: &mut Rng,
) -> Option<Draft<'a>> {
    let offers = plan.offers_of(cell);
    let offer = &offers[rng.random_range(0..offers.len())];
    let mut drawing = Drawing { plan, cell, used: Vec::new(), rng };
    let (mut told, gold) = drawing.request(offer, category)?;
    let (typos, used) = (drawing.rng.random_bool(config.typos), drawing.used);
    if typos {
        told.mistype(rng);
    }
    let text = told.written(rng);
    let templates_seen = used.iter().all(|(_, held_out)| !held_out);
    let mut templates: Vec<String> = used.into_iter().map(|(id, _)| id).collect();
    templates.sort();
    templates.dedup();
    Some(Draft { offer, text, gold, templates, templates_seen })
}

struct Drawing<'a, 'r> {
    plan: &'a Plan,
    cell: Cell,
    /// Ids of templates, and whether training has them not.
    used: Vec<(String, bool)>,
    rng: &'r mut Rng,
}

impl<'a> Drawing<'a, '_> {
    fn request(&mut self, offer: &Offer, category: Category) -> Option<(Told, String)> {
        let tools = &offer.tools;
        let tool = &tools[self.rng.random_range(0..tools.len())];
        let plan = self.plan;
        let group = |tool: &Tool| plan.function(tool.function).group.as_str();
        let wanted_is_seen = !plan.function(tool.function).held_out;
        if category != Category::Irrelevant && wanted_is_seen != self.cell.seen_functions {
            return None;
        }
        let fits = match category {
            Category::Simple => tools.len() == 1,
            Category::Multiple => tools.len() > 1,
            Category::Missing => tools.iter().filter(|t| alike(group(t), group(tool))).count() == 1,
            _ => true,
        };
        if !fits {
            return None;
        }
        match category {
            Category::Simple | Category::Multiple => {
                let clause = self.clause(tool, false, false)?;
                Some((self.wrapped(clause.told, clause.command), list(&clause.calls)))
            }
            Category::Missing => {
                let clause = self.clause(tool, true, false)?;
                let names: Vec<String> = clause.missing.iter().map(|n| quoted(n)).collect();
                Some((self.wrapped(clause.told, clause.command), format!("{{\"missing\":[{}]}}", names.join(","))))
            }
            Category::Parallel => self.several(tool, tools),
            Category::Irrelevant => {
                let told = if self.rng.random_bool(0.35) {
                    let phrases = &self.plan.chatter;
                    let mut told = Told::default();
                    told.text(self.phrase(phrases)?);
                    told
                } else if !offer.decoys.is_empty() && self.rng.random_bool(0.6) {
                    let place = offer.decoys[self.rng.random_range(0..offer.decoys.len())];
                    let clause = self.clause(&Tool::of(place, plan.function(place), None), false, false)?;
                    self.wrapped(clause.told, clause.command)
                } else {
                    let other = &self.plan.functions[self.rng.random_range(0..self.plan.functions.len())];
                    let place = self.plan.functions.iter().position(|f| f.name == other.name)?;
                    let hidden = other.held_out && self.cell.seen_functions;
                    if hidden || tools.iter().any(|t| alike(group(t), &other.group)) {
                        return None;
                    }
                    let clause = self.clause(&Tool::of(place, other, None), false, false)?;
                    self.wrapped(clause.told, clause.command)
                };
                Some((told, "[]".to_owned()))
            }
        }
    }

    /// Two or three requests in one, or one request of two values.
    fn several(&mut self, first: &Tool, tools: &[Tool]) -> Option<(Told, String)> {
        if self.rng.random_bool(0.35) {
            let clause = self.clause(first, false, true)?;
            return Some((self.wrapped(clause.told, clause.command), list(&clause.calls)));
        }
        let count = if self.rng.random_bool(0.75) { 2 } else { 3 };
        let mut clauses = vec![self.clause(first, false, false)?];
        while clauses.len() < count {
            let next = if self.rng.random_bool(0.3) { first } else { &tools[self.rng.random_range(0..tools.len())] };
            let clause = self.clause(next, false, false)?;
            // The same request twice is one request said twice.
            if clauses.iter().any(|c| c.calls == clause.calls) {
                return None;
            }
            clauses.push(clause);
        }
        let calls: Vec<String> = clauses.iter().flat_map(|c| c.calls.clone()).collect();
        let command = clauses[0].command;
        let told: Vec<Told> = clauses.into_iter().map(|c| c.told).collect();
        let joiners = &self.plan.joiners[count - 2];
        let joined = Told::combined(self.phrase(joiners)?, &told);
        let told = if self.rng.random_bool(0.3) { self.wrapped(joined, command) } else { joined };
        Some((told, list(&calls)))
    }

    /// A request for one function: complete, with a required parameter missing, or for two values of one parameter.
    fn clause(&mut self, tool: &Tool, missing: bool, twice: bool) -> Option<Clause> {
        let known = self.plan.function(tool.function);
        let unseen_only = !self.cell.seen_templates && !known.held_out;
        let fits = |t: &&Template| {
            let split = if self.cell.test { !unseen_only || t.held_out } else { !t.held_out };
            let split = split && !(self.cell.seen_templates && t.held_out && !known.held_out);
            let split = split && (!t.paraphrase || self.cell.paraphrases);
            split && (!missing || t.droppable().any(|p| known.parameters[p].required))
        };
        let templates: Vec<&Template> = known.templates.iter().filter(fits).collect();
        if templates.is_empty() {
            return None;
        }
        let template = templates[self.rng.random_range(0..templates.len())];
        let droppable: Vec<usize> = template.droppable().collect();
        let required: Vec<usize> = droppable.iter().copied().filter(|p| known.parameters[*p].required).collect();
        let mut dropped: Vec<usize> = Vec::new();
        if missing {
            dropped.push(required[self.rng.random_range(0..required.len())]);
            if self.rng.random_bool(0.25) {
                dropped.clone_from(&required);
            }
        }
        let mut drawn = vec![None; known.parameters.len()];
        for slot in template.slots() {
            let parameter = known.parameters[slot];
            let stated = if parameter.required { !dropped.contains(&slot) } else { self.rng.random_bool(0.45) };
            if stated || !droppable.contains(&slot) {
                drawn[slot] = Some(parameter.kind.draw(self.rng, self.cell.test));
            }
        }
        let mut second = None;
        if twice {
            let listable: Vec<usize> =
                (0..drawn.len()).filter(|i| drawn[*i].is_some() && known.repeats.contains(i)).collect();
            if listable.is_empty() {
                return None;
            }
            let at = listable[self.rng.random_range(0..listable.len())];
            let other = known.parameters[at].kind.draw(self.rng, self.cell.test);
            if drawn[at].as_ref().is_some_and(|d| d.gold == other.gold) {
                return None;
            }
            second = Some((at, other));
        }
        self.used.push((template.id.clone(), template.held_out));
        let shown: Vec<Option<String>> = drawn
            .iter()
            .enumerate()
            .map(|(i, value)| {
                let first = &value.as_ref()?.shown;
                Some(match &second {
                    Some((at, other)) if *at == i => format!("{first} and {}", other.shown),
                    _ => first.clone(),
                })
            })
            .collect();
        let shown: Vec<Option<&str>> = shown.iter().map(Option::as_deref).collect();
        let told = template.tell(&shown, self.rng);
        let place = |name: &str| known.parameters.iter().position(|p| p.name == name);
        let call = |swap: Option<&(usize, super::kinds::Drawn)>| {
            let argument = |(name, parameter): &(String, super::tools::Parameter)| {
                let at = place(parameter.name)?;
                let value = swap.filter(|(s, _)| *s == at).map(|(_, v)| v).or(drawn[at].as_ref())?;
                Some(format!("{}:{}", quoted(name), value.gold))
            };
            let arguments: Vec<String> = tool.parameters.iter().filter_map(argument).collect();
            format!("{{\"name\":{},\"arguments\":{{{}}}}}", quoted(&tool.name), arguments.join(","))
        };
        let mut calls = vec![call(None)];
        calls.extend(second.iter().map(|s| call(Some(s))));
        let is_missing = |(_, p): &&(String, super::tools::Parameter)| {
            p.required && place(p.name).is_some_and(|at| drawn[at].is_none())
        };
        let missing = tool.parameters.iter().filter(is_missing).map(|(name, _)| name.clone()).collect();
        Some(Clause { told, command: template.command, calls, missing })
    }

    /// With or without words of politeness around it.
    fn wrapped(&mut self, told: Told, command: bool) -> Told {
        if self.rng.random_bool(0.4) {
            return told;
        }
        let phrases =
            if command && self.rng.random_bool(0.6) { &self.plan.command_wrappers } else { &self.plan.wrappers };
        match self.phrase(phrases) {
            Some(pattern) => Told::combined(pattern, &[told]),
            None => told,
        }
    }

    /// A phrase that this cell may use; one kept for the test split as often as not where it may.
    fn phrase(&mut self, phrases: &'a [Phrase]) -> Option<&'static str> {
        let held_out = !self.cell.seen_templates && self.rng.random_bool(0.5);
        let of: Vec<&Phrase> =
            phrases.iter().filter(|p| p.held_out == held_out && (!p.paraphrase || self.cell.paraphrases)).collect();
        if of.is_empty() {
            return None;
        }
        let phrase = of[self.rng.random_range(0..of.len())];
        self.used.push((phrase.id.clone(), phrase.held_out));
        Some(phrase.text)
    }
}

fn list(calls: &[String]) -> String {
    format!("[{}]", calls.join(","))
}
