//! Which sentence templates are there, and which of them are kept for the test split?

use std::collections::{BTreeSet, HashMap};

use bantam_core::seed::{self, Rng};
use rand::RngExt;
use rand::seq::SliceRandom;

use super::vocabulary;

/// Templates that belong to no concept: (group, templates separated by `|`).
///
/// `{v}` value, `{w}` another value that is wrong, `{l}` label, `{a}` and `{b}` a state's thing and what is said of it, `{s}` subject, `{n}` noun, `{p}` a given name, `{f}` a list of phrases, `{o}` an ordinal.
/// `{person}`, `{date}`, `{city}`, `{number}` and `{company}` are drawn for sentences that state nothing of the item.
const GENERAL: &[(&str, &str)] = &[
    (
        "say",
        "The {l} of {s} is {v}|{s} has {v} as its {l}|{v} is the {l} of {s}|For {s}, the {l} is {v}|As the {l} of {s} we have {v}|Under {l}, {s} shows {v}|The {l} given for {s} is {v}|Regarding the {l} of {s}: {v}|We noted {v} as the {l} of {s}|On the {l} of {s}, the file says {v}|Please note the {l} of {s}: {v}|{s} goes with the {l} {v}|The {l} recorded for {s} reads {v}|{s}: the {l} is {v}|Put down {v} as the {l} of {s}|What we have as the {l} of {s} is {v}|Take {v} as the {l} of {s}|The right {l} for {s} would be {v}|{s} comes with {v} as the {l}|In the field {l}, {s} has {v}|{s} was entered with the {l} {v}|The {l} of {s} happens to be {v}|{v} was given to us as the {l} of {s}|If anybody asks for the {l} of {s}: it is {v}|{s} is known to have the {l} {v}|The {l} that belongs to {s} is {v}|According to our records, the {l} of {s} is {v}|I have {v} here as the {l} of {s}|Note for {s}: {l} {v}|Somebody wrote {v} next to the {l} of {s}|To be clear, the {l} of {s} is {v}|The {l} of {s} is now {v}|The {l} of {s} is {v}, not {w}|Not {w} but {v} is the {l} of {s}|The {l} of {s} used to be {w} and is now {v}|We first had {w} as the {l} of {s}, but {v} is right|Correction for {s}: the {l} is {v} instead of {w}|Please change the {l} of {s} from {w} to {v}",
    ),
    (
        "pred",
        "has the {l} {v}|shows the {l} {v}|is listed with the {l} {v}|comes with the {l} {v}|has {v} as its {l}|carries the {l} {v}|goes with the {l} {v}|is entered with {v} as the {l}|is on file with the {l} {v}|was noted with the {l} {v}|comes under the {l} {v}|was given the {l} {v}|keeps {v} as its {l}|is down with {v} as the {l}|has been assigned the {l} {v}|still has the {l} {v}|states {v} as the {l}",
    ),
    (
        "frag",
        "{l} {v}|{l}: {v}|the {l} {v}|{v} as the {l}|{l} is {v}|{v} ({l})|{l} given as {v}|with the {l} {v}|{l} set to {v}|{l} = {v}|{l}, {v}|{l} of {v}|{l} -> {v}|its {l}: {v}|{l} noted as {v}",
    ),
    (
        "say_date",
        "The {l} of {s} falls on {v}|Mark {v} as the {l} of {s}|The {l} of {s} was set to {v}|{v} is the day we have as the {l} of {s}|The calendar shows {v} as the {l} of {s}",
    ),
    (
        "say_money",
        "The {l} of {s} amounts to {v}|For {s} the {l} comes to {v}|The {l} of {s} was settled at {v}|{v} is what {s} shows as the {l}",
    ),
    (
        "say_number",
        "The {l} of {s} stands at {v}|The {l} of {s} came out at {v}|For {s} we get a {l} of {v}|With {s} the {l} reaches {v}",
    ),
    (
        "say_person",
        "{v} is down as the {l} of {s}|The {l} of {s} is a certain {v}|As the {l} of {s}, {v} was named|{v} acts as the {l} of {s}",
    ),
    (
        "say_code",
        "{s} bears the {l} {v}|You can look up {s} by the {l} {v}|{v} is stamped on {s} as the {l}|The {l} printed on {s} is {v}",
    ),
    ("pred_date", "has its {l} on {v}|sees its {l} on {v}|has {v} down for the {l}"),
    ("pred_money", "has a {l} of {v}|comes with a {l} of {v}|lists a {l} of {v}"),
    ("pred_number", "has a {l} of {v}|reaches a {l} of {v}|shows a {l} of {v}"),
    ("pred_person", "has {v} for a {l}|names {v} as the {l}|counts on {v} as the {l}"),
    ("pred_code", "is marked with the {l} {v}|is kept under the {l} {v}|is found by the {l} {v}"),
    (
        "bool_say",
        "The box {l} of {s} is ticked^The box {l} of {s} is left empty|For {s}, {l} is a yes^For {s}, {l} is a no|Is {s} noted as {l}? Yes^Is {s} noted as {l}? No|The answer to {l} for {s} is yes^The answer to {l} for {s} is no|As for {l}, {s} has a yes^As for {l}, {s} has a no",
    ),
    (
        "bool_pred",
        "has a yes for {l}^has a no for {l}|is ticked as {l}^is not ticked as {l}|is down as a yes for {l}^is down as a no for {l}|answers {l} with yes^answers {l} with no|is set to yes for {l}^is set to no for {l}",
    ),
    (
        "bool_frag",
        "{l}: yes^{l}: no|{l} yes^{l} no|{l} ticked^{l} not ticked|yes to {l}^no to {l}|{l} = true^{l} = false",
    ),
    (
        "state_say",
        "The {a} of {s} is {b}^The {a} of {s} is not {b}|For {s}, the {a} is {b}^For {s}, the {a} is not {b}|On {s}: {a} {b}^On {s}: {a} not {b}|With {s} the {a} has been noted as {b}^With {s} the {a} has been noted as not {b}|Yes, the {a} of {s} is {b}^No, the {a} of {s} is not {b}",
    ),
    (
        "state_pred",
        "has the {a} {b}^does not have the {a} {b}|comes with the {a} {b}^comes with the {a} not {b}|has its {a} {b}^has its {a} not {b}",
    ),
    ("state_frag", "{a} {b}^{a} not {b}|{a} {b}: yes^{a} {b}: no|the {a} is {b}^the {a} is not {b}"),
    (
        "many_say",
        "The {l} of {s} are {v}|{s} has the {l} {v}|Among the {l} of {s} we count {v}|As {l} of {s} we have {v}|{v} are the {l} of {s}",
    ),
    ("many_pred", "has the {l} {v}|lists {v} as its {l}|comes with the {l} {v}|names {v} under {l}|shows {v} as {l}"),
    ("many_frag", "{l} {v}|{l}: {v}|the {l} {v}|{v} as {l}|{l} given as {v}"),
    (
        "wrap",
        "{s}: {f}|Details of {s}: {f}|On {s} we have: {f}|Here is what we know about {s}: {f}|For {s} the notes say: {f}|{s} at a glance: {f}|Data for {s}: {f}|About {s}: {f}|{s} in short: {f}|This is on file for {s}: {f}|Facts on {s}: {f}|To sum up {s}: {f}|What we know of {s}: {f}|For the record, {s}: {f}|{s}, quickly: {f}|In a nutshell, {s}: {f}|Entry for {s}: {f}|As to {s}: {f}|More on {s}: {f}|Please enter for {s}: {f}",
    ),
    (
        "entry",
        "The {o} {n}: {f}|{o} {n}: {f}|As the {o} {n}: {f}|The {o} {n} reads: {f}|In the {o} {n} we have: {f}|The {o} {n} goes like this: {f}|Next up, the {o} {n}: {f}|The {o} {n} is made up of: {f}|Here is the {o} {n}: {f}|Now the {o} {n}: {f}|{o} {n} then: {f}|For the {o} {n}, please note: {f}|On to the {o} {n}: {f}|{o} {n} on the list: {f}|The {o} {n} looks like this: {f}|The {o} {n} comes as follows: {f}",
    ),
    (
        "absent",
        "No {l} was given for {s}|The {l} of {s} is not known yet|{s} has no {l} so far|We are still waiting for the {l} of {s}|The {l} of {s} was left blank|Nobody told us the {l} of {s}|The {l} of {s} will follow later|There is no word on the {l} of {s}|The {l} of {s} is still open|Leave the {l} of {s} empty for now|We do not have the {l} of {s}|I could not find the {l} of {s}",
    ),
    (
        "prose_opening",
        "Here is a short note about {s}|This note describes {s}|We would like to record {s}|Below is what came in about {s}|A few lines on {s}|What follows concerns {s}|We have news about {s}|The following was written down about {s}|Some facts about {s} came in|This is about {s}|Let us turn to {s}|{s} has reached our desk|There is a new record about {s}|A colleague passed on what there is about {s}|It is time to write down {s}|Today {s} came up again|These lines are meant to describe {s}|Everything known about {s} follows",
    ),
    (
        "email_subject",
        "About the {n}|{n} details|New {n}|Your question on the {n}|Re: {n}|Information on the {n}|{n} for your files|The {n} we talked about|Update: {n}|Fwd: {n}|Question about the {n}|{n} (please file)|Short note on the {n}|As discussed: {n}|For your records: {n}|{n} again",
    ),
    (
        "email_greeting",
        "Hi {p},|Hello {p},|Dear {p},|Good morning {p},|Hello team,|Dear colleagues,|Hi all,|Good afternoon {p},|Hey {p},|Dear {p} and team,|Dear {p} and colleagues,|Hi there,|Hello {p} and all,|Good evening {p},|Hi {p} (cc all),",
    ),
    (
        "email_opening",
        "I hope you are well|Thanks for your message|Please find the details of {s} below|Here is {s} I mentioned|As promised, here is what I know about {s}|I am writing to you about {s}|Could you please enter {s} for us|Sorry for the late reply about {s}|Just a quick message about {s}|You asked for {s}|Following up on {s}|Good to talk to you earlier|This is about {s} again|Here come the details of {s}|I was asked to send you {s}|Please take down what follows about {s}|It was nice to see you last week|My notes on {s} are below|We talked about {s} on the phone",
    ),
    (
        "email_ending",
        "Let me know if anything is unclear|Thanks for your help|Talk soon|Please confirm that you got this|Many thanks in advance|Feel free to ask if you need more|Have a nice day|I am around all week for questions|Looking forward to your answer|Please pass this on if needed|Call me if something looks odd|That should be all|No need to answer|Sorry for the short note|I will be out of the office tomorrow|Please file this for us",
    ),
    (
        "email_closing",
        "Best regards,|Kind regards,|Best,|Thanks,|Cheers,|All the best,|Sincerely,|Many greetings,|Warm regards,|Yours,|With kind regards,|See you,|Take care,|Regards,|Bye for now,",
    ),
    (
        "chat_opening",
        "hey, can you enter {s}?|got {s} for you|hi, I have {s} here|can you note down {s} please?|quick one about {s}|morning! time for {s}?|are you there? it is about {s}|need your help with {s}|there is {s} to enter|do you have a minute for {s}?|ok here comes {s}|you asked for {s}, right?|sorry, forgot to send {s}|can I give you {s} now?|{s} is ready, shall I start?|one more thing: {s}",
    ),
    (
        "chat_ack",
        "ok|got it|one sec|noted|thanks|sure|alright|go on|perfect|yep|typing it in|fine|cool|great|hang on|ok, next|thank you|makes sense|written down|wait... ok",
    ),
    (
        "chat_question",
        "what's the {l} of {s}?|and the {l} of {s}?|do you have the {l} of {s}?|which {l} does {s} have?|{s}: {l}?|can you tell me the {l} of {s}?|I still need the {l} of {s}|what did they give as the {l} of {s}?|how about the {l} of {s}?|what should I put as the {l} of {s}?|{l} of {s}?|which {l} did they give for {s}?|and as the {l} of {s}?|could you look up the {l} of {s}?|I am missing the {l} of {s}|one more: the {l} of {s}?|do we know the {l} of {s}?",
    ),
    (
        "chat_bool_question",
        "{l} for {s}, yes or no?|what about {l} for {s}: yes or no?|is {l} ticked for {s}?|did they tick {l} for {s}?|should I tick {l} for {s}?|{s}: {l}, yes or no?",
    ),
    (
        "chat_state_question",
        "is the {a} of {s} {b}?|the {a} of {s}: {b} or not?|for {s}, is the {a} {b}?|do I tick {a} {b} for {s}?|about {s}: is the {a} {b}?",
    ),
    (
        "chat_answer",
        "{v}|it's {v}|that's {v}|{v}, as far as I can see|here: {v}|just a moment... {v}|it says {v}|we have {v}|should be {v}|let me look: {v}|{v} I think|sure, {v}|hmm, {v}|{v}, not {w}|not {w}, {v}|one moment... it's {v}|as far as I know {v}|that would be {v}|they gave {v}",
    ),
    (
        "form_closing",
        "please extract the {n} as JSON.|enter the {n} into the system, please.|end of form|page 1 of 1|thank you for filling in this form.|please check the {n} before you save it.|signed and sent|turn this into a record of the {n}.",
    ),
    (
        "notes_heading",
        "Notes on the {n}|{n} - quick notes|Memo: {n}|To enter: {n}|{n}, in brief|My notes ({n})|For the file: {n}|{n} / summary|Scribbled during the call: {n}|Reminder: {n}|{n}: what we have|Quick look at the {n}|{n} (draft)|Today's {n}|From the phone: {n}|{n}, to be typed in",
    ),
    (
        "noise",
        "The coffee machine on the second floor is being repaired|It rained all morning here|The printer by the stairs is out of paper again|Lunch was better than usual today|Somebody left an umbrella at the front desk|The phones were quiet for most of the day|Our new colleague brought a cake|The heating makes odd noises|Traffic was heavy on the way in|The window in the hall is stuck|Everybody is looking forward to the weekend|The parking spots behind the house are being painted|We had to restart the radio twice|The plants in the corridor need water|The office dog slept through the meeting|The elevator music has changed|There was a fire drill, but only a short one|The team photo turned out well|Our cleaning crew starts earlier from now on|The chairs in the small room squeak|The canteen has changed its menu|A pigeon got into the stairwell|The sun is finally out|Nothing else happened worth telling|The street in front of the building is closed|Some of us still have a cold|The old calendar is still on the wall|The radio played the same song all day|We ran out of tea|The lights flickered for a second|Most of the team works from the other office this week|The vending machine swallowed my coins|The carpet will be changed soon|Someone keeps taking my pen|The lift is slow as ever|The new curtains look nice|Nobody has found the missing key yet|The new chairs arrive some day soon|The meeting ran late again|My screen is still flickering|We are short of staff this week|The kitchen smells of coffee|Rain is expected for the rest of the day|The bus was full this morning|Please close the back door|The clock in the hall is wrong|Our guests liked the view|The dentist next door has moved|Everyone passed the first aid course|The archive is being tidied up",
    ),
    (
        "noise_valued",
        "By the way, {person} from the night shift says hello|Our next newsletter goes out on {date}|The team from {city} visited us yesterday|Last week {number} people came to the open day|{company} is still looking for a new office|I met {person} at the bus stop, as always|The summer party is planned for {date}|My train from {city} was late again|The canteen sold {number} sandwiches today|The stickers from {company} have faded|On {date} the lift will be serviced|{person} asked about the parking again|The old files from {city} were shredded|Room {number} is locked at the moment|{company} sent a calendar, which nobody wants|The talk by {person} was moved to {date}|There are {number} cups in the cupboard|{person} and I had lunch with somebody from {company}",
    ),
    (
        "log_noise",
        "heartbeat ok|cache refreshed|worker idle|queue empty|config reloaded|session renewed|gc finished|disk check passed|clock in sync|retrying connection|token refreshed|watchdog fed|3 connections open|snapshot skipped|metrics flushed|lease extended|pool resized to 8|no updates found",
    ),
];

/// A template with its place in the split.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// `<group>.<number>`, for instance `say/email.2` or `noise.7`.
    pub(crate) id: String,
    pub(crate) text: &'static str,
    /// Kept for the test split.
    pub(crate) held_out: bool,
}

/// All templates by group. Concepts have the groups `say/<key>` and `frag/<key>`.
#[derive(Debug)]
pub(crate) struct Templates {
    all: Vec<Template>,
    groups: HashMap<String, Vec<usize>>,
}

impl Templates {
    /// Collects the templates and keeps the share `held_out` of them for the test split, never a whole group.
    pub(crate) fn new(seed: u64, held_out: f64) -> Self {
        let mut templates = Self { all: Vec::new(), groups: HashMap::new() };
        for (group, list) in GENERAL {
            templates.add(group, list);
        }
        for concept in vocabulary::all() {
            templates.add(&format!("say/{}", concept.key), concept.says);
            templates.add(&format!("frag/{}", concept.key), concept.frags);
        }
        // Predicates are joined, whole sentences are not: each kind of a group keeps one for training.
        let mut left: HashMap<String, usize> = HashMap::new();
        let kind = |t: &Template| {
            let group = t.id.rsplit_once('.').map_or("", |(g, _)| g);
            format!("{group}/{}", t.text.contains("{s}"))
        };
        for t in &templates.all {
            *left.entry(kind(t)).or_default() += 1;
        }
        let mut order: Vec<usize> = (0..templates.all.len()).collect();
        order.shuffle(&mut seed::rng(seed, "edge-json/templates"));
        let mut wanted = (held_out * order.len() as f64).round() as usize;
        for i in order {
            let left = left.entry(kind(&templates.all[i])).or_default();
            if wanted > 0 && *left > 1 {
                *left -= 1;
                wanted -= 1;
                templates.all[i].held_out = true;
            }
        }
        templates
    }

    fn add(&mut self, group: &str, list: &'static str) {
        for (n, text) in list.split('|').enumerate() {
            self.groups.entry(group.to_owned()).or_default().push(self.all.len());
            self.all.push(Template { id: format!("{group}.{n}"), text, held_out: false });
        }
    }

    pub(crate) fn all(&self) -> &[Template] {
        &self.all
    }
}

/// Picks templates for one item and remembers which.
pub(crate) struct Chooser<'a> {
    templates: &'a Templates,
    /// Whether templates kept for the test split may be used.
    unseen: bool,
    used: BTreeSet<usize>,
}

impl<'a> Chooser<'a> {
    pub(crate) fn new(templates: &'a Templates, unseen: bool) -> Self {
        Self { templates, unseen, used: BTreeSet::new() }
    }

    /// One template of the groups that `fits`. Where test templates are allowed they are preferred.
    pub(crate) fn pick(&mut self, rng: &mut Rng, groups: &[&str], fits: impl Fn(&str) -> bool) -> Option<&'static str> {
        let all = &self.templates.all;
        let mut found: Vec<usize> = groups
            .iter()
            .filter_map(|g| self.templates.groups.get(*g))
            .flatten()
            .copied()
            .filter(|&i| (self.unseen || !all[i].held_out) && fits(all[i].text))
            .collect();
        if self.unseen && found.iter().any(|&i| all[i].held_out) && rng.random_bool(0.6) {
            found.retain(|&i| all[i].held_out);
        }
        if found.is_empty() {
            return None;
        }
        let chosen = found[rng.random_range(0..found.len())];
        self.used.insert(chosen);
        Some(all[chosen].text)
    }

    /// Ids of the templates used, in alphabetical order, and whether all of them may occur in training.
    pub(crate) fn finish(self) -> (Vec<String>, bool) {
        let seen = self.used.iter().all(|&i| !self.templates.all[i].held_out);
        let mut ids: Vec<_> = self.used.iter().map(|&i| self.templates.all[i].id.clone()).collect();
        ids.sort();
        (ids, seen)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_is_held_out_and_every_group_keeps_some() {
        let t = Templates::new(1, 0.2);
        let held = t.all.iter().filter(|t| t.held_out).count();
        assert_eq!(held, (t.all.len() as f64 * 0.2).round() as usize);
        assert!(t.groups.values().all(|g| g.iter().any(|&i| !t.all[i].held_out)));
        let again = Templates::new(1, 0.2);
        assert!(t.all.iter().zip(&again.all).all(|(a, b)| a.held_out == b.held_out));
        let other = Templates::new(2, 0.2);
        assert!(t.all.iter().zip(&other.all).any(|(a, b)| a.held_out != b.held_out));
        let ids: BTreeSet<_> = t.all.iter().map(|t| &t.id).collect();
        assert_eq!(ids.len(), t.all.len());
    }
}
