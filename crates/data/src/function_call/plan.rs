//! Which functions, templates and sets of tools does each split draw from?

use bantam_core::seed::{self, Rng};
use bantam_core::{Error, Result};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::catalogue::DOMAINS;
use super::catalogue::paraphrases::{MORE_CHATTER, MORE_COMMAND_WRAPPERS, MORE_JOINERS, MORE_WRAPPERS, PARAPHRASES};
use super::config::GenerateConfig;
use super::invented;
use super::template::Template;
use super::tools::{Offer, Parameter, Tool};
use super::words::{CHATTER, COMMAND_WRAPPERS, JOINERS, KINDS, WRAPPERS};

/// A function with all that is known of it.
#[derive(Debug)]
pub(crate) struct Known {
    pub(crate) name: String,
    pub(crate) domain: &'static str,
    pub(crate) group: String,
    pub(crate) parameters: Vec<Parameter>,
    pub(crate) templates: Vec<Template>,
    /// Kept for the test split.
    pub(crate) held_out: bool,
    /// Parameters of which two values may be asked for at once.
    pub(crate) repeats: Vec<usize>,
}

/// A sentence that goes around or between requests, or serves for itself.
#[derive(Clone, Debug)]
pub(crate) struct Phrase {
    pub(crate) id: String,
    pub(crate) text: &'static str,
    pub(crate) held_out: bool,
    /// For the training split alone.
    pub(crate) paraphrase: bool,
}

/// What one item may draw from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cell {
    pub(crate) test: bool,
    pub(crate) seen_functions: bool,
    pub(crate) seen_templates: bool,
    /// Offers hold invented functions.
    pub(crate) invented: bool,
    /// [Paraphrases](super::catalogue::paraphrases) are said too.
    pub(crate) paraphrases: bool,
}

impl Cell {
    pub(crate) const TRAINING: Self =
        Self { test: false, seen_functions: true, seen_templates: true, invented: false, paraphrases: false };
    pub(crate) const INVENTED: Self = Self { invented: true, ..Self::TRAINING };
}

/// What the splits are made from.
pub(crate) struct Plan {
    /// The catalogue's.
    pub(crate) functions: Vec<Known>,
    /// Those that only training's sets have, numbered from the catalogue's end on.
    pub(crate) invented: Vec<Known>,
    pub(crate) wrappers: Vec<Phrase>,
    pub(crate) command_wrappers: Vec<Phrase>,
    pub(crate) joiners: [Vec<Phrase>; 2],
    pub(crate) chatter: Vec<Phrase>,
    pub(crate) training: Vec<Offer>,
    /// With invented functions.
    pub(crate) training_invented: Vec<Offer>,
    /// Of functions that training has.
    pub(crate) test_seen: Vec<Offer>,
    /// With functions that it has not.
    pub(crate) test_unseen: Vec<Offer>,
}

impl Plan {
    pub(crate) fn new(config: &GenerateConfig) -> Result<Self> {
        let mut functions = known()?;
        hold_out_functions(&mut functions, config);
        let mut rng = seed::rng(config.seed, "function-call/templates");
        for function in functions.iter_mut().filter(|f| !f.held_out) {
            let flags = held_out(function.templates.len(), config.held_out_templates, &mut rng);
            function.templates.iter_mut().zip(flags).for_each(|(t, held)| t.held_out = held);
        }
        // No template of a held-out function is in training.
        functions.iter_mut().filter(|f| f.held_out).flat_map(|f| &mut f.templates).for_each(|t| t.held_out = true);
        add_paraphrases(&mut functions)?;
        let mut phrases = |name: &str, list: &'static str, more: &'static str| -> Vec<Phrase> {
            let flags = held_out(list.split('|').count(), config.held_out_templates, &mut rng);
            let own = list.split('|').zip(flags).map(|(text, held_out)| (text, held_out, false));
            let all = own.chain(more.split('|').map(|text| (text, false, true))).enumerate();
            all.map(|(n, (text, held_out, paraphrase))| Phrase {
                id: format!("{name}.{n}"),
                text,
                held_out,
                paraphrase,
            })
            .collect()
        };
        let mut plan = Self {
            wrappers: phrases("around", WRAPPERS, MORE_WRAPPERS),
            command_wrappers: phrases("command", COMMAND_WRAPPERS, MORE_COMMAND_WRAPPERS),
            joiners: [phrases("two", JOINERS[0], MORE_JOINERS[0]), phrases("three", JOINERS[1], MORE_JOINERS[1])],
            chatter: phrases("chatter", CHATTER, MORE_CHATTER),
            invented: Vec::new(),
            training: Vec::new(),
            training_invented: Vec::new(),
            test_seen: Vec::new(),
            test_unseen: Vec::new(),
            functions,
        };
        plan.training = plan.offers(config, "training", config.tool_sets);
        plan.test_seen = plan.offers(config, "test_seen", config.test_tool_sets);
        plan.test_unseen = plan.offers(config, "test_unseen", config.test_tool_sets);
        (plan.invented, plan.training_invented) = invented::offers(config, &plan.functions);
        Ok(plan)
    }

    fn offers(&self, config: &GenerateConfig, split: &str, count: usize) -> Vec<Offer> {
        let (seen, held): (Vec<usize>, Vec<usize>) =
            (0..self.functions.len()).partition(|i| !self.functions[*i].held_out);
        (0..count)
            .map(|number| {
                let mut rng = seed::rng(config.seed, &format!("function-call/tools/{split}/{number}"));
                let size = number % config.most_tools + 1;
                let mut chosen: Vec<usize> = Vec::new();
                // Tools of one device are harder to tell apart than tools of any.
                let domain = rng.random_bool(0.6).then(|| DOMAINS[rng.random_range(0..DOMAINS.len())].0);
                let fits = |i: &usize| domain.is_none_or(|d| self.functions[*i].domain == d);
                let mut of = |from: &[usize], count: usize, rng: &mut Rng| {
                    let mut from: Vec<usize> = from.iter().copied().filter(|i| fits(i)).collect();
                    from.shuffle(rng);
                    chosen.extend(from.into_iter().take(count));
                };
                if split == "test_unseen" {
                    of(&held, size.div_ceil(2), &mut rng);
                    of(&seen, size / 2, &mut rng);
                } else {
                    of(&seen, size, &mut rng);
                }
                chosen.shuffle(&mut rng);
                let vary = split == "training" && rng.random_bool(config.renamed);
                let tool =
                    |i: usize, rng: &mut Rng| Tool::of(i, &self.functions[i], if vary { Some(rng) } else { None });
                let mut tools: Vec<Tool> = chosen.into_iter().map(|i| tool(i, &mut rng)).collect();
                let mut names = std::collections::BTreeSet::new();
                tools.retain(|t| names.insert(t.name.clone()));
                Offer { id: format!("tools_{split}_{number:04}"), tools, decoys: Vec::new() }
            })
            .collect()
    }

    /// The function of this number, of the catalogue or invented.
    pub(crate) fn function(&self, number: usize) -> &Known {
        self.functions.get(number).unwrap_or_else(|| &self.invented[number - self.functions.len()])
    }

    /// The sets that an item of this cell may offer.
    pub(crate) fn offers_of(&self, cell: Cell) -> &[Offer] {
        match (cell.test, cell.seen_functions) {
            (false, _) if cell.invented => &self.training_invented,
            (false, _) => &self.training,
            (true, true) => &self.test_seen,
            (true, false) => &self.test_unseen,
        }
    }

    pub(crate) fn all_offers(&self) -> impl Iterator<Item = &Offer> {
        self.training.iter().chain(&self.training_invented).chain(&self.test_seen).chain(&self.test_unseen)
    }

    /// Ids of everything that is kept for the test split, and how many there are in all, paraphrases aside.
    pub(crate) fn held_out_templates(&self) -> (Vec<String>, usize) {
        let phrases = [&self.wrappers, &self.command_wrappers, &self.joiners[0], &self.joiners[1], &self.chatter];
        let phrases = phrases.into_iter().flatten().filter(|p| !p.paraphrase).map(|p| (&p.id, p.held_out));
        let templates = self.functions.iter().filter(|f| !f.held_out).flat_map(|f| &f.templates);
        let templates = templates.filter(|t| !t.paraphrase).map(|t| (&t.id, t.held_out));
        let all: Vec<_> = templates.chain(phrases).collect();
        (all.iter().filter(|(_, held)| *held).map(|(id, _)| (*id).clone()).collect(), all.len())
    }
}

/// Every function with its templates read.
fn known() -> Result<Vec<Known>> {
    let mut functions = Vec::new();
    for (domain, list) in DOMAINS {
        for function in list {
            let broken = |what: &str| Error::internal(format_args!("function {}", function.name), what);
            let mut parameters = Vec::new();
            for part in function.parameters.split_whitespace() {
                let (name, kind) = part.split_once(':').ok_or_else(|| broken("a parameter has no kind"))?;
                let (_, kind) = KINDS.iter().find(|(k, _)| *k == kind).ok_or_else(|| broken("an unknown kind"))?;
                let (name, required) = name.strip_suffix('?').map_or((name, true), |n| (n, false));
                parameters.push(Parameter { name, kind: *kind, required });
            }
            let names: Vec<&str> = parameters.iter().map(|p| p.name).collect();
            let mut templates = Vec::new();
            for (n, text) in function.says.split('|').enumerate() {
                let template = Template::parse(format!("{}.{n}", function.name), text, &names);
                templates.push(template.ok_or_else(|| broken("a template cannot be read"))?);
            }
            let repeats = (0..parameters.len()).filter(|i| parameters[*i].kind.is_listable()).collect();
            let (name, group) = (function.name.to_owned(), function.group.to_owned());
            functions.push(Known { name, domain, group, parameters, templates, held_out: false, repeats });
        }
    }
    Ok(functions)
}

/// Adds the paraphrases of every function that is not held out.
fn add_paraphrases(functions: &mut [Known]) -> Result<()> {
    for function in functions.iter_mut().filter(|f| !f.held_out) {
        let Some((_, says)) = PARAPHRASES.iter().find(|(name, _)| *name == function.name) else { continue };
        let names: Vec<&str> = function.parameters.iter().map(|p| p.name).collect();
        for (n, text) in says.split('|').enumerate() {
            let mut template =
                Template::parse(format!("{}.more.{n}", function.name), text, &names).ok_or_else(|| {
                    Error::internal(format_args!("paraphrase {n} of {}", function.name), "it cannot be read")
                })?;
            template.paraphrase = true;
            function.templates.push(template);
        }
    }
    Ok(())
}

/// As many of every domain.
fn hold_out_functions(functions: &mut [Known], config: &GenerateConfig) {
    let mut rng = seed::rng(config.seed, "function-call/functions");
    for (i, (domain, _)) in DOMAINS.iter().enumerate() {
        let mut of: Vec<usize> = (0..functions.len()).filter(|f| functions[*f].domain == *domain).collect();
        of.shuffle(&mut rng);
        let share = (config.held_out_functions + i) / DOMAINS.len();
        of.into_iter().take(share).for_each(|f| functions[f].held_out = true);
    }
}

/// Which of `count` are kept for the test split: the share, rounded by chance, never all.
fn held_out(count: usize, share: f64, rng: &mut Rng) -> Vec<bool> {
    let wanted = ((count as f64 * share + rng.random_range(0.0..1.0)) as usize).min(count - 1);
    let mut flags: Vec<bool> = (0..count).map(|i| i < wanted).collect();
    flags.shuffle(rng);
    flags
}
