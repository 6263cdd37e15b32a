//! A word that nobody has said: what it is can only be copied, not remembered.

/// The first half of one word's letters with the second half of another's, `None` where that is not a word of at least three
/// letters.
pub(crate) fn coined_word(first: &str, second: &str) -> Option<String> {
    let coined = format!("{}{}", &first[..middle(first)], &second[middle(second)..]);
    (coined.chars().count() > 2 && coined.chars().all(char::is_alphabetic)).then_some(coined)
}

fn middle(word: &str) -> usize {
    let middle = word.chars().count().div_ceil(2);
    word.char_indices().nth(middle).map_or(word.len(), |(at, _)| at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn halves_make_a_word_of_letters_or_none() {
        assert_eq!(coined_word("kitchen", "garage").as_deref(), Some("kitcage"));
        assert_eq!(coined_word("größe", "über").as_deref(), Some("gröer"));
        assert_eq!(coined_word("V-482", "pump"), None);
        assert_eq!(coined_word("a", "b"), None);
        assert_eq!(coined_word("", ""), None);
    }
}
