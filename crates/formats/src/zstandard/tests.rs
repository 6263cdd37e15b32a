//! What is written reads back with another implementation, whatever the content; sizes against the library's, by golden files.

use std::io::Read as _;

use proptest::prelude::*;

use super::{WINDOW, compress};

/// Content of a frame by ruzstd, which also checks the sizes; the checksum is compared here.
fn decompress(frame: &[u8]) -> Vec<u8> {
    let mut rest = frame;
    let mut decoder = ruzstd::decoding::StreamingDecoder::new(&mut rest).unwrap();
    let mut out = Vec::new();
    decoder.read_to_end(&mut out).unwrap();
    let inner = &decoder.decoder;
    assert_eq!(inner.content_size(), out.len() as u64);
    assert!(inner.get_checksum_from_data().is_some());
    assert_eq!(inner.get_checksum_from_data(), inner.get_calculated_checksum());
    drop(decoder);
    assert!(rest.is_empty());
    out
}

#[track_caller]
fn size_of(content: &[u8]) -> usize {
    let frame = compress(content);
    assert!(decompress(&frame) == content, "{} bytes do not read back", content.len());
    frame.len()
}

fn noise(seed: u64) -> impl FnMut() -> u8 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 56) as u8
    }
}

#[test]
fn sizes_at_every_border_read_back() {
    for size in [
        0, 1, 2, 3, 4, 7, 31, 32, 255, 256, 257, 1023, 1024, 4095, 4096, 4097, 65_535, 65_536, 65_791, 65_792, 131_072,
        131_073,
    ] {
        let mut byte = noise(size);
        let of = |f: &mut dyn FnMut(usize) -> u8| (0..size as usize).map(f).collect::<Vec<u8>>();
        assert!(size_of(&of(&mut |_| byte())) <= size as usize + 32);
        size_of(&of(&mut |_| 7));
        size_of(&of(&mut |i| (i % 3) as u8));
        size_of(&of(&mut |_| byte() & 3));
        size_of(&of(&mut |_| byte().leading_zeros() as u8));
        size_of(&of(&mut |i| if i % 1000 < 990 { 0 } else { byte() }));
        size_of(&of(&mut |_| 255 - (byte() >> 7)));
    }
}

#[test]
fn content_beyond_the_window_reads_back() {
    let mut byte = noise(1);
    let block: Vec<u8> = (0..200_000).map(|_| byte()).collect();
    // Again just within the window, then from beyond it.
    let mut content = block.clone();
    content.resize(WINDOW - 70_000, 1);
    content.extend(&block);
    content.extend((0..WINDOW).map(|i| (i >> 16) as u8));
    content.extend(&block);
    let size = size_of(&content);
    assert!((2 * block.len() + 100..3 * block.len()).contains(&size), "{size}");
}

#[test]
fn uneven_bytes_come_near_their_entropy() {
    // Sums of four bytes: 7.03 bits. Huffman's code is within 0.06 of that.
    let mut byte = noise(2);
    let content: Vec<u8> = (0..1 << 20).map(|_| ((0..4).map(|_| u32::from(byte())).sum::<u32>() / 4) as u8).collect();
    let counts = super::huffman::histogram(&content);
    let bits: f64 =
        counts.iter().filter(|c| **c > 0).map(|&c| f64::from(c) * (f64::from(1 << 20) / f64::from(c)).log2()).sum();
    let size = size_of(&content) as f64;
    assert!((bits / 8.0..bits / 8.0 * 1.01).contains(&size), "{size} for {}", bits / 8.0);
}

#[test]
fn parts_of_another_kind_get_blocks_of_their_own() {
    let mut byte = noise(3);
    let mut low: Vec<u8> = (0..60_000).map(|_| byte() & 15).collect();
    let high: Vec<u8> = (0..60_000).map(|_| byte() | 0xf0).collect();
    let apart = size_of(&low) + size_of(&high);
    low.extend(&high);
    // At most one step of the border, four bits a byte, is coded with the wrong code.
    assert!(size_of(&low) < apart + 3000, "{} of {apart}", size_of(&low));
}

/// Pieces of content that reach every way to write a block.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let length = prop_oneof![0usize..40, 0usize..3000, Just(4096), 100_000usize..140_000];
    (length, 0u8..8, any::<u64>()).prop_map(|(length, kind, seed)| {
        let mut byte = noise(seed);
        let words: Vec<Vec<u8>> = (0..40).map(|_| (0..1 + byte() % 20).map(|_| byte() % 26 + b'a').collect()).collect();
        let mut out = Vec::with_capacity(length);
        while out.len() < length {
            match kind {
                0 => out.push(byte()),
                1 => out.push(seed as u8),
                2 => out.push(byte().leading_zeros() as u8),
                3 => out.extend(&words[usize::from(byte()) % words.len()]),
                4 => out.extend([0, 0, 0, byte() & 3]),
                5 => out.extend(vec![byte(); usize::from(byte())]),
                6 => out.push((byte() & byte()) ^ 0x80),
                _ => {
                    let from = usize::from(byte()).min(out.len());
                    let to = (from + usize::from(byte())).min(out.len());
                    out.extend_from_within(from..to);
                    out.push(byte());
                }
            }
        }
        out.truncate(length);
        out
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn whatever_is_written_reads_back(pieces in proptest::collection::vec(piece(), 0..6)) {
        size_of(&pieces.concat());
    }

    #[test]
    fn small_alphabets_read_back(bytes in proptest::collection::vec(prop_oneof![9 => 0u8..3, 1 => any::<u8>()], 0..2000)) {
        size_of(&bytes);
    }
}
