//! Sentences, names and labels begin with a capital letter.

/// The text with its first letter in upper case.
pub(crate) fn capitalized(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_letter_alone_changes() {
        assert_eq!(capitalized("due date"), "Due date");
        assert_eq!(capitalized("ökoStrom"), "ÖkoStrom");
        assert_eq!(capitalized("3 km"), "3 km");
        assert_eq!(capitalized(""), "");
    }
}
