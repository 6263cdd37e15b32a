//! How does a text look when it was typed in haste or misheard? Slot values are never touched: the gold names them.

use bantam_core::seed::Rng;
use rand::RngExt;

use super::grammar::Piece;
use crate::capitalized::capitalized;

/// How a text came about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// As meant.
    Clean,
    /// One or two slips of the fingers.
    Typos,
    /// As a speech recognizer hears it: no punctuation, fillers, lost words, words that sound alike.
    Heard,
}

impl Kind {
    /// The name in files.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Clean => "clean",
            Self::Typos => "typos",
            Self::Heard => "heard",
        }
    }
}

const QUESTIONS: [&str; 20] = [
    "can", "could", "will", "would", "how", "what", "what's", "is", "are", "did", "do", "does", "which", "when",
    "where", "who", "why", "any", "have", "am",
];
const FILLERS: [&str; 6] = ["uh", "um", "er", "like", "you know", "hmm"];
const LOSABLE: [&str; 9] = ["the", "a", "an", "me", "my", "to", "of", "please", "for"];
/// Words and what is heard instead.
const ALIKE: [(&str, &str); 24] = [
    ("to", "two"),
    ("for", "four"),
    ("the", "da"),
    ("there", "their"),
    ("right", "write"),
    ("read", "reed"),
    ("hear", "here"),
    ("new", "knew"),
    ("need", "knead"),
    ("know", "no"),
    ("way", "weigh"),
    ("brake", "break"),
    ("by", "buy"),
    ("our", "hour"),
    ("would", "wood"),
    ("light", "lite"),
    ("lights", "lites"),
    ("route", "root"),
    ("heat", "heed"),
    ("set", "sat"),
    ("start", "star"),
    ("stop", "top"),
    ("please", "pleas"),
    ("and", "an"),
];

/// The text of `pieces`, with the noise of `kind`; written with capitals and punctuation in half of the texts that are not heard.
pub(super) fn text(pieces: &[Piece], kind: Kind, rng: &mut Rng) -> String {
    let mut pieces = pieces.to_vec();
    match kind {
        Kind::Clean => {}
        Kind::Typos => {
            for _ in 0..rng.random_range(1..=2) {
                slip(&mut pieces, rng);
            }
        }
        Kind::Heard => {
            for piece in pieces.iter_mut().filter(|p| p.slot.is_none()) {
                piece.text = misheard(&piece.text, rng);
            }
        }
    }
    if kind != Kind::Heard && rng.random_bool(0.5) {
        return written(&pieces);
    }
    joined(&pieces)
}

fn joined(pieces: &[Piece]) -> String {
    let text: String = pieces.iter().map(|p| p.text.as_str()).collect();
    text.split_whitespace().collect::<Vec<_>>().join(" ").replace(" ,", ",")
}

/// With a capital at the start, `I`, and a mark at the end.
fn written(pieces: &[Piece]) -> String {
    let mut pieces = pieces.to_vec();
    for piece in pieces.iter_mut().filter(|p| p.slot.is_none()) {
        let word = |w: &str| match w.strip_prefix('i') {
            Some(rest) if rest.is_empty() || rest.starts_with('\'') || rest.starts_with(',') => format!("I{rest}"),
            _ => w.to_owned(),
        };
        piece.text = piece.text.split(' ').map(word).collect::<Vec<_>>().join(" ");
    }
    let first = pieces.iter_mut().find(|p| !p.text.trim().is_empty());
    if let Some(piece) = first.filter(|p| p.slot.is_none()) {
        piece.text = capitalized(piece.text.trim_start());
    }
    let text = joined(&pieces);
    let asks = text.split([' ', ',']).next().is_some_and(|w| QUESTIONS.contains(&w.to_lowercase().as_str()));
    text + if asks { "?" } else { "." }
}

/// One slip in a word of at least four letters.
fn slip(pieces: &mut [Piece], rng: &mut Rng) {
    let mut words: Vec<(usize, usize, usize)> = Vec::new(); // piece, from byte, to byte
    for (i, piece) in pieces.iter().enumerate().filter(|(_, p)| p.slot.is_none()) {
        let mut at = 0;
        for word in piece.text.split(' ') {
            if word.len() >= 4 && word.bytes().all(|b| b.is_ascii_alphabetic()) {
                words.push((i, at, at + word.len()));
            }
            at += word.len() + 1;
        }
    }
    if words.is_empty() {
        return;
    }
    let (piece, from, to) = words[rng.random_range(0..words.len())];
    let mut letters: Vec<u8> = pieces[piece].text.as_bytes()[from..to].to_vec();
    // The first letter stays: people seldom miss it, and a swap needs a neighbor.
    let at = rng.random_range(1..letters.len() - 1);
    match rng.random_range(0..4) {
        0 => letters.swap(at, at + 1),
        1 => {
            letters.remove(at);
        }
        2 => letters.insert(at, letters[at]),
        _ => letters[at] = beside(letters[at], rng),
    }
    let word: String = letters.into_iter().map(char::from).collect();
    pieces[piece].text.replace_range(from..to, &word);
}

/// A letter beside another on the keyboard.
fn beside(letter: u8, rng: &mut Rng) -> u8 {
    for row in [&b"qwertyuiop"[..], b"asdfghjkl", b"zxcvbnm"] {
        if let Some(at) = row.iter().position(|&b| b == letter.to_ascii_lowercase()) {
            let left = at > 0 && (at + 1 == row.len() || rng.random_bool(0.5));
            return row[if left { at - 1 } else { at + 1 }];
        }
    }
    letter
}

fn misheard(text: &str, rng: &mut Rng) -> String {
    let mut out: Vec<String> = Vec::new();
    for word in text.split(' ') {
        let word: String = word.to_lowercase().chars().filter(|c| c.is_alphanumeric() || *c == '\'').collect();
        if word.is_empty() {
            out.push(word);
            continue;
        }
        if rng.random_bool(0.06) {
            out.push(FILLERS[rng.random_range(0..FILLERS.len())].to_owned());
        }
        if LOSABLE.contains(&&*word) && rng.random_bool(0.15) {
            continue;
        }
        match ALIKE.iter().find(|(meant, _)| *meant == word) {
            Some((_, heard)) if rng.random_bool(0.2) => out.push((*heard).to_owned()),
            _ if rng.random_bool(0.03) => out.extend([word.clone(), word]),
            _ => out.push(word),
        }
    }
    // A space at either end keeps the words from the slot beside them.
    let text = out.join(" ");
    format!("{}{text}{}", if text.starts_with(' ') { "" } else { " " }, if text.ends_with(' ') { "" } else { " " })
}

#[cfg(test)]
mod tests {
    use super::*;
    use bantam_core::seed;

    fn pieces() -> Vec<Piece> {
        let words = |text: &str| Piece { text: text.to_owned(), slot: None };
        let slot = Piece { text: "warm white".to_owned(), slot: Some("color".to_owned()) };
        vec![words("could you, please "), words("change the lamp to "), slot, words(" i think")]
    }

    #[test]
    fn values_stay_whole_under_every_noise() {
        for (kind, i) in [Kind::Clean, Kind::Typos, Kind::Heard].into_iter().flat_map(|k| (0..100).map(move |i| (k, i)))
        {
            let text = text(&pieces(), kind, &mut seed::rng(1, &i.to_string()));
            assert!(format!(" {text} ").contains(" warm white "), "{text}");
            assert!(!text.contains("  ") && text.trim() == text, "{text}");
            assert!(kind != Kind::Heard || (text.to_lowercase() == text && !text.contains([',', '?'])), "{text}");
        }
    }

    #[test]
    fn a_slip_changes_a_word_and_writing_marks_questions() {
        for i in 0..50 {
            let mut slipped = pieces();
            slip(&mut slipped, &mut seed::rng(2, &i.to_string()));
            let lengths = joined(&slipped).len().abs_diff(joined(&pieces()).len());
            assert!(lengths <= 1);
        }
        assert_eq!(written(&pieces()), "Could you, please change the lamp to warm white I think?");
    }
}
