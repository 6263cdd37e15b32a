//! How the texts of tokens spell bytes: GPT-2's table of printable characters, and SentencePiece's marks.

use std::collections::HashMap;
use std::sync::LazyLock;

/// GPT-2's table: printable Latin-1 stands for itself, the other bytes for the characters from U+0100 on, in order.
pub(super) fn alphabet() -> [char; 256] {
    let mut next = 0x100u32;
    std::array::from_fn(|byte| match byte as u8 {
        b'!'..=b'~' | 0xa1..=0xac | 0xae..=0xff => byte as u8 as char,
        _ => {
            next += 1;
            char::from_u32(next - 1).unwrap_or('\u{fffd}')
        }
    })
}

static BYTE_OF: LazyLock<HashMap<char, u8>> =
    LazyLock::new(|| alphabet().into_iter().enumerate().map(|(byte, c)| (c, byte as u8)).collect());

/// The bytes a byte-level token spells; `None` if it holds a character outside the table.
pub(super) fn bytes(token: &str) -> Option<Vec<u8>> {
    token.chars().map(|c| BYTE_OF.get(&c).copied()).collect()
}

/// The bytes a SentencePiece token spells.
pub(super) fn sentence_piece_bytes(token: &str) -> Vec<u8> {
    let hex = token.strip_prefix("<0x").and_then(|t| t.strip_suffix('>')).filter(|h| h.len() == 2);
    match hex.and_then(|h| u8::from_str_radix(h, 16).ok()) {
        Some(byte) => vec![byte],
        None => token.replace('\u{2581}', " ").into_bytes(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_that_of_the_tokenizers_crate() {
        let ours: std::collections::HashSet<char> = alphabet().into_iter().collect();
        let theirs = tokenizers::pre_tokenizers::byte_level::ByteLevel::alphabet();
        assert_eq!(ours.len(), 256);
        assert!(ours.iter().all(|c| theirs.contains(c)));
        // Space and newline as every GPT-2 vocabulary writes them.
        assert_eq!(bytes("Ġ!Ċ"), Some(b" !\n".to_vec()));
        assert_eq!(bytes("日"), None);
    }

    #[test]
    fn sentence_piece_marks() {
        assert_eq!(sentence_piece_bytes("<0x0A>"), b"\n");
        assert_eq!(sentence_piece_bytes("\u{2581}a"), b" a");
        assert_eq!(sentence_piece_bytes("<0xé>"), "<0xé>".as_bytes());
    }
}
