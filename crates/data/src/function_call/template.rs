//! How does an utterance come out of a template?

use bantam_core::seed::Rng;
use rand::RngExt;

/// A piece of text, or the place of a parameter's value.
#[derive(Clone, Debug)]
enum Piece {
    /// Words to choose from.
    Text(Vec<String>),
    Slot(usize),
}

/// Pieces that are left out together when their parameter is not stated.
#[derive(Clone, Debug)]
struct Segment {
    pieces: Vec<Piece>,
    optional: bool,
}

/// One way to ask for a function.
#[derive(Clone, Debug)]
pub(crate) struct Template {
    /// `<function>.<number>`.
    pub(crate) id: String,
    /// Kept for the test split.
    pub(crate) held_out: bool,
    /// For the training split alone.
    pub(crate) paraphrase: bool,
    /// Begins with a verb, so that "could you" may stand before it.
    pub(crate) command: bool,
    segments: Vec<Segment>,
}

/// Text in parts, of which some are values and stay as they are.
#[derive(Clone, Debug, Default)]
pub(crate) struct Told {
    /// Text and whether it is a value.
    pub(crate) parts: Vec<(String, bool)>,
}

/// First words of requests that are no commands.
const NOT_COMMANDS: &str = " i what how where is it lights brightness no alarm oven washing timer air climate seat window fog radio interior \
    number good sleep watch mood workout focus my that pump line valve threshold furnace machine downtime new robot axis e-stop label stock fan tank \
    nobody color water the blinds cruise adaptive wipers trunk breathing will system time hold checkout ";

impl Template {
    /// Reads a template; `parameters` are the function's, by name.
    pub(crate) fn parse(id: String, text: &str, parameters: &[&str]) -> Option<Self> {
        let (text, marked) = text.strip_prefix('!').map_or((text, false), |t| (t, true));
        let mut segments = vec![Segment { pieces: Vec::new(), optional: false }];
        let mut rest = text;
        while let Some(c) = rest.chars().next() {
            let segment = segments.last_mut()?;
            match c {
                '[' | ']' => {
                    if (c == '[') == segment.optional {
                        return None;
                    }
                    segments.push(Segment { pieces: Vec::new(), optional: c == '[' });
                    rest = &rest[1..];
                }
                '(' => {
                    let end = rest.find(')')?;
                    segment.pieces.push(Piece::Text(rest[1..end].split('/').map(str::to_owned).collect()));
                    rest = &rest[end + 1..];
                }
                '{' => {
                    let end = rest.find('}')?;
                    segment.pieces.push(Piece::Slot(parameters.iter().position(|p| *p == &rest[1..end])?));
                    rest = &rest[end + 1..];
                }
                _ => {
                    let end = rest.find(['[', ']', '(', '{']).unwrap_or(rest.len());
                    segment.pieces.push(Piece::Text(vec![rest[..end].to_owned()]));
                    rest = &rest[end..];
                }
            }
        }
        let first = text.trim_start_matches(['(', '[']);
        let first = first.split([' ', '/', ')', '[', ',']).next()?.to_lowercase();
        let command = !marked && !first.starts_with('{') && !NOT_COMMANDS.contains(&format!(" {first} "));
        Some(Self { id, held_out: false, paraphrase: false, command, segments })
    }

    /// Which parameters it can state.
    pub(crate) fn slots(&self) -> impl Iterator<Item = usize> {
        self.segments.iter().flat_map(slots_of)
    }

    /// Which parameters it can leave out.
    pub(crate) fn droppable(&self) -> impl Iterator<Item = usize> {
        self.segments.iter().filter(|s| s.optional).flat_map(slots_of)
    }

    /// The text with the values shown; a part whose parameter has none is left out.
    pub(crate) fn tell(&self, shown: &[Option<&str>], rng: &mut Rng) -> Told {
        let mut told = Told::default();
        for segment in &self.segments {
            if segment.optional && slots_of(segment).any(|slot| shown[slot].is_none()) {
                continue;
            }
            for piece in &segment.pieces {
                match piece {
                    Piece::Text(choices) => told.text(&choices[rng.random_range(0..choices.len())]),
                    Piece::Slot(slot) => told.value(shown[*slot].unwrap_or("")),
                }
            }
        }
        told
    }
}

fn slots_of(segment: &Segment) -> impl Iterator<Item = usize> {
    segment.pieces.iter().filter_map(|piece| if let Piece::Slot(slot) = piece { Some(*slot) } else { None })
}

impl Told {
    pub(crate) fn text(&mut self, text: &str) {
        // Parts left out leave spaces and commas behind.
        let text = match self.parts.last() {
            None => text.trim_start_matches([' ', ',', ':']),
            Some((before, _)) if before.ends_with(' ') => text.trim_start(),
            Some(_) => text,
        };
        if text.is_empty() {
            return;
        }
        match self.parts.last_mut() {
            Some((before, false)) => {
                if text.starts_with([',', ':', '.', '?', '!']) {
                    before.truncate(before.trim_end().len());
                }
                before.push_str(text);
            }
            _ => self.parts.push((text.to_owned(), false)),
        }
    }

    pub(crate) fn value(&mut self, value: &str) {
        self.parts.push((value.to_owned(), true));
    }

    /// Puts texts in the places `{u}`, `{a}`, `{b}`, `{c}` of a pattern.
    pub(crate) fn combined(pattern: &str, inner: &[Told]) -> Self {
        let mut told = Self::default();
        let mut rest = pattern;
        while let Some(at) = rest.find('{') {
            told.text(&rest[..at]);
            let which = match rest.as_bytes().get(at + 1) {
                Some(b'b') => 1,
                Some(b'c') => 2,
                _ => 0,
            };
            for (text, value) in inner.get(which).map_or(&[][..], |t| &t.parts) {
                if *value { told.value(text) } else { told.text(text) }
            }
            rest = rest.get(at + 3..).unwrap_or("");
        }
        told.text(rest);
        told
    }

    /// One mistake of a hurried finger in a longer word that is no value.
    pub(crate) fn mistype(&mut self, rng: &mut Rng) {
        let places: Vec<(usize, usize, usize)> = self
            .parts
            .iter()
            .enumerate()
            .filter(|(_, (_, value))| !value)
            .flat_map(|(part, (text, _))| {
                words(text).into_iter().filter(|(a, b)| b - a > 4).map(move |(a, b)| (part, a, b)).collect::<Vec<_>>()
            })
            .collect();
        if places.is_empty() {
            return;
        }
        let (part, start, end) = places[rng.random_range(0..places.len())];
        let text = &mut self.parts[part].0;
        // The templates are ASCII; what is not is left alone.
        if !text.is_ascii() {
            return;
        }
        let at = rng.random_range(start + 1..end - 1);
        match rng.random_range(0..3) {
            0 => {
                text.remove(at);
            }
            1 => {
                let c = text.remove(at);
                text.insert(at + 1, c);
            }
            _ => {
                let c = text.as_bytes()[at];
                text.insert(at, char::from(c));
            }
        }
    }

    /// The whole text in one of the ways people write: lower case, or a sentence.
    pub(crate) fn written(mut self, rng: &mut Rng) -> String {
        let manner = rng.random_range(0..10);
        if let Some((last, false)) = self.parts.last_mut() {
            last.truncate(last.trim_end().len());
        }
        match manner {
            0..=2 => {
                if let Some((first, false)) = self.parts.first_mut()
                    && let Some(c) = first.chars().next()
                {
                    first.replace_range(..c.len_utf8(), &c.to_uppercase().to_string());
                }
            }
            3 | 4 => self.parts.iter_mut().filter(|(_, value)| !value).for_each(|(t, _)| *t = t.to_lowercase()),
            _ => {}
        }
        let mut text: String = self.parts.iter().map(|(text, _)| text.as_str()).collect();
        if manner <= 3 && !text.ends_with(['.', '?', '!', '"']) {
            let lower = text.to_lowercase();
            let asks =
                ["what", "how", "where", "is ", "could", "can ", "would", "will", "who", "which", "why", "do ", "are "];
            text.push(if asks.iter().any(|w| lower.starts_with(w)) { '?' } else { '.' });
        }
        text
    }
}

/// Where words of letters begin and end.
fn words(text: &str) -> Vec<(usize, usize)> {
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain([(text.len(), ' ')]) {
        match (c.is_ascii_alphabetic(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                found.push((from, at));
                start = None;
            }
            _ => {}
        }
    }
    found
}
