//! Which numbers stand for a text in a linear classifier: weighted counts of words, pairs of words and runs of letters.
//!
//! As scikit-learn's `TfidfVectorizer` with `sublinear_tf`, once over words (runs of two or more letters, digits or `_`) and
//! pairs of words, once over 2 to 4 letters in a row within words (`char_wb`), side by side, each scaled to length 1.

use std::collections::{BTreeMap, HashMap};

/// A text as (column, weight) by rising column.
pub type Row = Vec<(u32, f32)>;

/// The columns that training texts have, with their weights.
#[derive(Clone, Debug)]
pub struct Features {
    blocks: [Block; 2],
}

/// One way to take a text apart.
#[derive(Clone, Debug)]
struct Block {
    terms: fn(&str) -> Vec<String>,
    columns: HashMap<String, u32>,
    /// Inverse document frequency by column, counted from the block's first.
    idf: Vec<f32>,
    first: u32,
}

impl Features {
    /// Learns columns and weights from training texts.
    pub fn learn(texts: &[&str]) -> Self {
        let words = Block::learn(word_terms, texts, 0);
        let letters = Block::learn(letter_terms, texts, words.idf.len() as u32);
        Self { blocks: [words, letters] }
    }

    /// How many columns there are.
    pub fn columns(&self) -> usize {
        self.blocks.iter().map(|b| b.idf.len()).sum()
    }

    /// The row of a text; terms that training has not are left out.
    pub fn row(&self, text: &str) -> Row {
        self.blocks.iter().flat_map(|block| block.row(text)).collect()
    }
}

impl Block {
    fn learn(terms: fn(&str) -> Vec<String>, texts: &[&str], first: u32) -> Self {
        // Sorted, so that the columns do not depend on the order of hashing.
        let mut documents: BTreeMap<String, usize> = BTreeMap::new();
        for text in texts {
            let mut terms = terms(text);
            terms.sort_unstable();
            terms.dedup();
            for term in terms {
                *documents.entry(term).or_default() += 1;
            }
        }
        let n = texts.len() as f64;
        let idf = documents.values().map(|&df| (((1.0 + n) / (1.0 + df as f64)).ln() + 1.0) as f32).collect();
        let columns = documents.into_keys().enumerate().map(|(i, term)| (term, first + i as u32)).collect();
        Self { terms, columns, idf, first }
    }

    fn row(&self, text: &str) -> Row {
        let mut counts: BTreeMap<u32, u32> = BTreeMap::new();
        for term in (self.terms)(text) {
            if let Some(&column) = self.columns.get(&term) {
                *counts.entry(column).or_default() += 1;
            }
        }
        let weight = |(column, count): (u32, u32)| {
            (column, (1.0 + (count as f32).ln()) * self.idf[(column - self.first) as usize])
        };
        let mut row: Row = counts.into_iter().map(weight).collect();
        let length = row.iter().map(|(_, w)| w * w).sum::<f32>().sqrt();
        row.iter_mut().for_each(|(_, w)| *w /= length);
        row
    }
}

/// Words of two letters or more, and pairs of neighbors.
fn word_terms(text: &str) -> Vec<String> {
    let text = text.to_lowercase();
    let words: Vec<&str> =
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|word| word.chars().nth(1).is_some()).collect();
    let pairs = words.windows(2).map(|pair| pair.join(" "));
    words.iter().map(|w| (*w).to_owned()).chain(pairs).collect()
}

/// Runs of 2 to 4 letters within words, a space at either end of a word; a word too short for a run is one itself, once.
fn letter_terms(text: &str) -> Vec<String> {
    let mut terms = Vec::new();
    for word in text.to_lowercase().split_whitespace() {
        let letters: Vec<char> = [' '].into_iter().chain(word.chars()).chain([' ']).collect();
        for n in 2..=4 {
            if letters.len() <= n {
                terms.push(letters.iter().collect());
                break;
            }
            terms.extend(letters.windows(n).map(|run| run.iter().collect::<String>()));
        }
    }
    terms
}

#[cfg(test)]
mod tests {
    use super::super::metrics::golden;
    use super::*;

    #[test]
    fn columns_and_weights_equal_scikit_learns() {
        let golden = golden::read();
        let texts: Vec<&str> = golden.documents.iter().map(String::as_str).collect();
        let features = Features::learn(&texts);
        assert_eq!(features.columns(), golden.tfidf_columns);
        for (text, (sum, largest, n)) in texts.iter().zip(golden.tfidf) {
            let row = features.row(text);
            let total: f64 = row.iter().map(|(_, w)| f64::from(*w)).sum();
            let top = row.iter().map(|(_, w)| f64::from(*w)).fold(0.0, f64::max);
            assert!((total - sum).abs() < 1e-4 && (top - largest).abs() < 1e-6 && row.len() == n, "{text}: {total}");
            assert!(row.windows(2).all(|pair| pair[0].0 < pair[1].0));
        }
    }

    #[test]
    fn short_words_and_empty_texts_have_their_terms() {
        assert_eq!(letter_terms("I am"), [" i", "i ", " i ", " a", "am", "m ", " am", "am ", " am "]);
        assert_eq!(word_terms("I am, i_am. É2"), ["am", "i_am", "é2", "am i_am", "i_am é2"]);
        let features = Features::learn(&["", "a"]);
        assert!(features.row("").is_empty());
    }
}
