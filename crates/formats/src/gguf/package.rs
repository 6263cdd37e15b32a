//! `.gguf.zst`: a GGUF compressed as one Zstandard frame, for shipping. It is read into memory as it is decompressed; no second file is
//! made. Weights repeat nothing; what is gained is that their bytes are unevenly distributed, and in the vocabulary.

use std::io::Read;
use std::path::Path;

use bantam_core::{Error, Result, files};
use ruzstd::decoding::StreamingDecoder;

use crate::zstandard;

/// A package may become this many times as large as it is, and this many bytes larger at least: more is a trap, not a model.
const LARGEST_RATIO: u64 = 64;
const ALWAYS_ALLOWED: u64 = 16 << 20;
/// Bytes decompressed at a time.
const STEP: usize = 1 << 20;

/// Whether a path asks for compression: it ends in `.zst`.
pub fn is_package(path: &Path) -> bool {
    path.extension().is_some_and(|e| e.eq_ignore_ascii_case("zst"))
}

/// Whether a file's bytes are a Zstandard frame.
pub(crate) fn is_compressed(file: &[u8]) -> bool {
    file.starts_with(&zstandard::MAGIC)
}

/// Compresses a whole GGUF; the file appears whole or not at all, and only once another implementation has read it back.
pub fn write(path: &Path, gguf: &[u8]) -> Result<()> {
    let package = zstandard::compress(gguf);
    let place = path.display().to_string();
    if read(&package, &place)? != gguf {
        return Err(Error::internal(place, "the compressed file does not read back"));
    }
    files::write(path, &package)
}

/// The GGUF in a package. An input error, before much memory is taken, for a damaged frame or one that claims or gives absurdly much.
pub(crate) fn read(file: &[u8], place: &str) -> Result<Vec<u8>> {
    let damaged = |what: String| Error::input(place, what, "the package is damaged: restore it from its origin");
    let limit = (file.len() as u64).saturating_mul(LARGEST_RATIO).max(ALWAYS_ALLOWED);
    let too_large = || damaged(format!("it becomes larger than {limit} bytes"));
    let mut rest = file;
    let mut decoder = StreamingDecoder::new(&mut rest).map_err(|e| damaged(format!("not a Zstandard frame: {e}")))?;
    let claimed = decoder.decoder.content_size();
    if claimed > limit {
        return Err(too_large());
    }
    let mut gguf = Vec::with_capacity(claimed as usize);
    loop {
        let before = gguf.len();
        let read = decoder.by_ref().take(STEP as u64).read_to_end(&mut gguf);
        read.map_err(|e| damaged(format!("Zstandard: {e}")))?;
        if gguf.len() as u64 > limit {
            return Err(too_large());
        }
        if gguf.len() == before {
            break;
        }
    }
    let frame = decoder.decoder.get_checksum_from_data();
    if frame.is_some() && frame != decoder.decoder.get_calculated_checksum() {
        return Err(damaged("the checksum is not that of the content".into()));
    }
    drop(decoder);
    if !rest.is_empty() {
        return Err(damaged(format!("{} bytes follow the frame", rest.len())));
    }
    Ok(gguf)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GGUF: &[u8] = include_bytes!("../../tests/data/sentence_piece/vocabulary.gguf");
    /// By the zstd command (`tests/reference/sentence_piece_gguf.py`).
    const PACKAGE: &[u8] = include_bytes!("../../tests/data/sentence_piece/vocabulary.gguf.zst");
    /// By Bantam; the zstd command 1.5.4 reads it. Where the encoder changes on purpose, see that `zstd -t` still does.
    const OWN: &[u8] = include_bytes!("../../tests/data/sentence_piece/vocabulary.bantam.gguf.zst");

    #[test]
    fn packages_of_the_zstd_command_and_our_own_hold_the_file() {
        assert_eq!(read(PACKAGE, "x").unwrap(), GGUF);
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.gguf.zst");
        write(&path, GGUF).unwrap();
        assert!(std::fs::read(path).unwrap() == OWN);
        assert_eq!(read(OWN, "x").unwrap(), GGUF);
        // `zstd -19` is by 3 % better on a vocabulary, where all is copies, and by nothing on weights (docs/compress.md).
        assert!(OWN.len() < PACKAGE.len() * 26 / 25, "{} {}", OWN.len(), PACKAGE.len());
    }

    #[test]
    fn damage_and_traps_are_refused() {
        let refused = |bytes: &[u8], says: &str| {
            let error = read(bytes, "x.gguf.zst").unwrap_err();
            assert!(error.exit_code() == 2 && error.to_string().contains(says), "{error}");
        };
        refused(&PACKAGE[..PACKAGE.len() / 2], "damaged");
        refused(&PACKAGE[..7], "damaged");
        refused(&[PACKAGE, b"more"].concat(), "4 bytes follow");
        let mut flipped = PACKAGE.to_vec();
        *flipped.last_mut().unwrap() ^= 1;
        refused(&flipped, "checksum");
        // 17 MiB of zeros in a few hundred bytes.
        let bomb = zstandard::compress(&vec![0u8; 17 << 20]);
        assert!(bomb.len() < 100_000, "{}", bomb.len());
        refused(&bomb, "larger than");
    }
}
