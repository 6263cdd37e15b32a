//! Which text do tokens make as they come, and where does a stop string end it?

use bantam_formats::Tokenizer;

/// Text of tokens given one by one, in pieces of whole characters. Special tokens make none.
///
/// All pieces together are what [`Tokenizer::decode`] makes of all tokens, bytes that are not UTF-8 as U+FFFD.
pub(crate) struct TextStream<'t> {
    tokenizer: &'t Tokenizer,
    /// Bytes that are not yet whole characters.
    held: Vec<u8>,
    /// Whether a token has made text.
    begun: bool,
}

impl<'t> TextStream<'t> {
    /// A text before its first token.
    pub fn new(tokenizer: &'t Tokenizer) -> Self {
        Self { tokenizer, held: Vec::new(), begun: false }
    }

    /// Appends to `text` what is certain now that `token` has come.
    pub fn push(&mut self, token: u32, text: &mut String) {
        if self.tokenizer.is_special(token) {
            return;
        }
        let bytes = self.tokenizer.token_bytes(token);
        // SentencePiece writes the space before the first word, and its decoders take it away.
        let space =
            !self.begun && bytes.first() == Some(&b' ') && !self.tokenizer.decode(&[token], true).starts_with(' ');
        self.begun |= !bytes.is_empty();
        self.held.extend_from_slice(&bytes[usize::from(space)..]);
        loop {
            let (valid, broken) = match std::str::from_utf8(&self.held) {
                Ok(whole) => (whole.len(), None),
                Err(error) => (error.valid_up_to(), error.error_len()),
            };
            text.extend(std::str::from_utf8(&self.held[..valid]));
            self.held.drain(..valid);
            let Some(broken) = broken else { return };
            text.push(char::REPLACEMENT_CHARACTER);
            self.held.drain(..broken);
        }
    }

    /// Appends what was held back, now that nothing follows.
    pub fn finish(&mut self, text: &mut String) {
        text.push_str(&String::from_utf8_lossy(&self.held));
        self.held.clear();
    }
}

/// Looks for stop strings in a text that comes in pieces.
pub(crate) struct StopScanner {
    stops: Vec<String>,
    /// Text that may be the beginning of a stop string.
    held: String,
}

impl StopScanner {
    /// A scanner for `stops`, none of which is empty.
    pub fn new(stops: &[String]) -> Self {
        Self { stops: stops.to_vec(), held: String::new() }
    }

    /// Takes the next piece, appends to `text` what is no part of a stop string, and returns the stop string that ended the text:
    /// the first to be complete, whatever the pieces; of several that end together, the longest.
    pub fn push(&mut self, piece: &str, text: &mut String) -> Option<&str> {
        if self.stops.is_empty() {
            text.push_str(piece);
            return None;
        }
        for character in piece.chars() {
            self.held.push(character);
            let ended =
                self.stops.iter().filter(|stop| self.held.ends_with(stop.as_str())).max_by_key(|stop| stop.len());
            if let Some(stop) = ended {
                self.held.truncate(self.held.len() - stop.len());
                text.push_str(&std::mem::take(&mut self.held));
                return Some(stop);
            }
            let possible = |tail: &str| self.stops.iter().any(|stop| stop.starts_with(tail));
            let starts = self.held.char_indices().map(|(at, _)| at);
            let kept = starts.into_iter().find(|at| possible(&self.held[*at..])).unwrap_or(self.held.len());
            text.push_str(&self.held[..kept]);
            self.held.drain(..kept);
        }
        None
    }

    /// Appends what was held back, now that nothing follows.
    pub fn finish(&mut self, text: &mut String) {
        text.push_str(&std::mem::take(&mut self.held));
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn scan(stops: &[&str], pieces: &[&str]) -> (Vec<String>, Option<String>) {
        let mut scanner = StopScanner::new(&stops.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>());
        let mut out = Vec::new();
        for piece in pieces {
            let mut text = String::new();
            let stop = scanner.push(piece, &mut text).map(str::to_owned);
            out.push(text);
            if stop.is_some() {
                return (out, stop);
            }
        }
        let mut rest = String::new();
        scanner.finish(&mut rest);
        out.push(rest);
        (out, None)
    }

    #[test]
    fn what_may_become_a_stop_string_is_held_back() {
        let (pieces, stop) = scan(&["\n\nUser:"], &["one\n", "\ntwo\n\nUs", "er", ": three"]);
        assert_eq!((pieces.concat().as_str(), stop.as_deref()), ("one\n\ntwo", Some("\n\nUser:")));
        assert_eq!(pieces[..2], ["one", "\n\ntwo"]);
        let (pieces, stop) = scan(&["abc"], &["xab", "ab"]);
        assert_eq!((pieces, stop), (vec!["x".into(), "ab".into(), "ab".into()], None));
    }

    #[test]
    fn the_first_complete_stop_wins_and_of_two_the_longer() {
        assert_eq!(scan(&["abcd", "bc"], &["zabcd"]).0.concat(), "za");
        assert_eq!(scan(&["c", "abc"], &["zabc"]).0.concat(), "z");
    }

    proptest! {
        #[test]
        fn pieces_do_not_matter_and_a_stop_never_shows(
            text in "[abé]{0,30}",
            stops in prop::collection::vec("[abé]{1,4}", 1..3),
            cut in 1usize..5,
        ) {
            let stops: Vec<&str> = stops.iter().map(String::as_str).collect();
            let chars: Vec<char> = text.chars().collect();
            let pieces: Vec<String> = chars.chunks(cut).map(|c| c.iter().collect()).collect();
            let pieces: Vec<&str> = pieces.iter().map(String::as_str).collect();
            let (many, stop) = scan(&stops, &pieces);
            let (one, same) = scan(&stops, &[&text]);
            let shown = many.concat();
            prop_assert_eq!(&shown, &one.concat());
            prop_assert_eq!(&stop, &same);
            prop_assert!(stops.iter().all(|s| !shown.contains(s)));
            prop_assert_eq!(stop.is_some(), stops.iter().any(|s| text.contains(s)));
            prop_assert!(text.starts_with(&shown));
        }
    }
}
