//! TensorBoard's event files: TFRecords of protobuf `Event` messages with scalar summaries.
//!
//! A record is a length (u64), its checksum, the message, its checksum; all little-endian. The checksum is CRC-32C,
//! rotated and shifted by a constant. Field numbers are those of tensorflow's `event.proto` and `summary.proto`.

/// The first record of every event file.
pub fn header(wall_time: f64) -> Vec<u8> {
    let mut event = Vec::new();
    put_double(&mut event, 1, wall_time);
    put_bytes(&mut event, 3, b"brain.Event:2");
    record(&event)
}

/// A record of scalars at `step`. `wall_time` is in seconds since 1970.
pub fn scalars(wall_time: f64, step: u64, values: &[(&str, f32)]) -> Vec<u8> {
    let mut summary = Vec::new();
    for (tag, value) in values {
        let mut message = Vec::new();
        put_bytes(&mut message, 1, tag.as_bytes());
        put_key(&mut message, 2, 5);
        message.extend(value.to_le_bytes());
        put_bytes(&mut summary, 1, &message);
    }
    let mut event = Vec::new();
    put_double(&mut event, 1, wall_time);
    // Protobuf leaves out what is zero.
    if step > 0 {
        put_key(&mut event, 2, 0);
        put_varint(&mut event, step);
    }
    put_bytes(&mut event, 5, &summary);
    record(&event)
}

/// The bytes of the whole records in `file` whose step is at most `last_step`, up to the first broken one (a kill cuts
/// the last).
pub fn up_to(file: &[u8], last_step: u64) -> Vec<u8> {
    let mut kept = Vec::new();
    let mut rest = file;
    while let Some((event, length)) = first_record(rest) {
        if step_of(event).is_some_and(|step| step <= last_step) {
            kept.extend_from_slice(&rest[..length]);
        }
        rest = &rest[length..];
    }
    kept
}

/// The message of the first record and the record's length; `None` if it is cut or its checksums are wrong.
fn first_record(bytes: &[u8]) -> Option<(&[u8], usize)> {
    let length_bytes = bytes.get(..8)?;
    let length = usize::try_from(u64::from_le_bytes(length_bytes.try_into().ok()?)).ok()?;
    let end = length.checked_add(16)?;
    let record = bytes.get(..end)?;
    let (message, check) = (&record[12..end - 4], &record[end - 4..]);
    (record[8..12] == masked_crc(length_bytes).to_le_bytes() && *check == masked_crc(message).to_le_bytes())
        .then_some((message, end))
}

/// The `step` field of an event; 0 where it is left out, `None` if the message is broken.
fn step_of(mut event: &[u8]) -> Option<u64> {
    while !event.is_empty() {
        let key = take_varint(&mut event)?;
        let skip = match key & 7 {
            0 => {
                let value = take_varint(&mut event)?;
                if key >> 3 == 2 {
                    return Some(value);
                }
                0
            }
            1 => 8,
            2 => usize::try_from(take_varint(&mut event)?).ok()?,
            5 => 4,
            _ => return None,
        };
        event = event.get(skip..)?;
    }
    Some(0)
}

fn record(message: &[u8]) -> Vec<u8> {
    let length = (message.len() as u64).to_le_bytes();
    let mut out = Vec::with_capacity(message.len() + 16);
    out.extend(length);
    out.extend(masked_crc(&length).to_le_bytes());
    out.extend(message);
    out.extend(masked_crc(message).to_le_bytes());
    out
}

fn put_key(out: &mut Vec<u8>, field: u64, wire_type: u64) {
    put_varint(out, field << 3 | wire_type);
}

fn put_double(out: &mut Vec<u8>, field: u64, value: f64) {
    put_key(out, field, 1);
    out.extend(value.to_le_bytes());
}

fn put_bytes(out: &mut Vec<u8>, field: u64, bytes: &[u8]) {
    put_key(out, field, 2);
    put_varint(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
fn put_varint(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0u64;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

/// CRC-32C (Castagnoli), masked so that checksums of data that holds checksums stay meaningful.
fn masked_crc(bytes: &[u8]) -> u32 {
    const POLYNOMIAL: u32 = 0x82f6_3b78;
    let mut crc = !0u32;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            crc = crc >> 1 ^ if crc & 1 == 1 { POLYNOMIAL } else { 0 };
        }
    }
    (!crc).rotate_right(15).wrapping_add(0xa282_ead8)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Written by TensorBoard itself: tests/reference/event_file.py.
    const GOLDEN: &[u8] = include_bytes!("../tests/data/events.tfevents");

    fn ours() -> Vec<u8> {
        [
            header(1.5),
            scalars(2.25, 1, &[("loss", 6.25), ("learning_rate", 0.001), ("memory_bytes", 3e9)]),
            scalars(1.7e9, 300, &[("validation/loss", f32::INFINITY), ("zero", 0.0)]),
            scalars(1.7e9, 1 << 40, &[("ä", -1.0)]),
        ]
        .concat()
    }

    #[test]
    fn the_bytes_are_those_that_tensorboard_writes() {
        assert_eq!(ours(), GOLDEN);
    }

    #[test]
    fn later_steps_and_cut_or_broken_records_are_dropped() {
        let first = header(1.5).len();
        assert_eq!(up_to(GOLDEN, u64::MAX), GOLDEN);
        assert_eq!(up_to(GOLDEN, 0), GOLDEN[..first]);
        let two = up_to(GOLDEN, 299);
        assert_eq!(two, GOLDEN[..two.len()]);
        assert!(two.len() > first && up_to(GOLDEN, 300).len() > two.len());
        assert_eq!(up_to(&GOLDEN[..GOLDEN.len() - 1], u64::MAX), up_to(GOLDEN, 300));
        for at in 0..GOLDEN.len() {
            let mut broken = GOLDEN.to_vec();
            broken[at] ^= 0x10;
            let kept = up_to(&broken, u64::MAX);
            assert!(kept.len() < GOLDEN.len() && GOLDEN.starts_with(&kept), "byte {at}");
        }
        assert_eq!(up_to(&[0xff; 40], 9), b"");
    }
}
