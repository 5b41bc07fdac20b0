//! TensorBoard event files: scalars in a run's folder, for `tensorboard --logdir runs`.
//!
//! A file is a sequence of TFRecords, each with its length and two checksums. A
//! record holds one `Event` message; three kinds are written here. This program
//! never reads the files.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

/// TensorBoard requires this in a file name and reads files in alphabetical order.
const PREFIX: &str = "events.out.tfevents.";

/// Writes one event file.
pub struct EventWriter {
    file: File,
}

impl EventWriter {
    /// Creates a new file in `folder` that sorts after the existing ones. It tells
    /// TensorBoard to drop what those say about steps from `first_step` on.
    ///
    /// # Errors
    /// If the folder cannot be read or the file cannot be written.
    pub fn create(folder: &Path, first_step: usize) -> io::Result<Self> {
        let (mut seconds, mut number) = (now() as u64, 0);
        for entry in fs::read_dir(folder)? {
            if let Some((at, _)) = place(&entry?.file_name().to_string_lossy()) {
                // The order must not change if the clock was set back.
                seconds = seconds.max(at);
                number += 1;
            }
        }
        let path = folder.join(format!("{PREFIX}{seconds:010}.{number:06}.trm-native"));
        let file = OpenOptions::new().append(true).create_new(true).open(path)?;
        let mut events = Self { file };
        events.write(&version(now()))?;
        if first_step > 1 {
            events.write(&session_start(now(), first_step))?;
        }
        Ok(events)
    }

    /// Writes the values of `step` by tag.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn scalars(&mut self, step: usize, values: &[(&str, f64)]) -> io::Result<()> {
        self.write(&scalars(now(), step, values))
    }

    fn write(&mut self, event: &[u8]) -> io::Result<()> {
        // One system call per record: a kill can cut only the last record.
        self.file.write_all(&record(event))
    }
}

/// Second and number in the name of an event file.
fn place(name: &str) -> Option<(u64, u64)> {
    let mut parts = name.strip_prefix(PREFIX)?.split('.');
    Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
}

/// Seconds since 1970.
fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |time| time.as_secs_f64())
}

/// Length and checksum, content and checksum (TFRecord).
fn record(data: &[u8]) -> Vec<u8> {
    let length = (data.len() as u64).to_le_bytes();
    [&length[..], &checksum(&length), data, &checksum(data)].concat()
}

/// CRC-32C, masked as TFRecord requires.
fn checksum(data: &[u8]) -> [u8; 4] {
    crc32c::crc32c(data).rotate_right(15).wrapping_add(0xa282_ead8).to_le_bytes()
}

/// The first event of every file.
fn version(time: f64) -> Vec<u8> {
    [wall_time(time), bytes(3, b"brain.Event:2")].concat()
}

/// `session_log { status: START }`: steps from `step` on are logged again.
fn session_start(time: f64, step: usize) -> Vec<u8> {
    [wall_time(time), number(2, step as u64), bytes(7, &number(1, 1))].concat()
}

/// `summary { value { tag, simple_value } … }`.
fn scalars(time: f64, step: usize, values: &[(&str, f64)]) -> Vec<u8> {
    let summary: Vec<u8> = values
        .iter()
        .flat_map(|(tag, value)| {
            let value = [&[key(2, FOUR_BYTES)][..], &(*value as f32).to_le_bytes()].concat();
            bytes(1, &[bytes(1, tag.as_bytes()), value].concat())
        })
        .collect();
    [wall_time(time), number(2, step as u64), bytes(5, &summary)].concat()
}

fn wall_time(time: f64) -> Vec<u8> {
    [&[key(1, EIGHT_BYTES)][..], &time.to_le_bytes()].concat()
}

// Protocol buffers: wire types.
const VARINT: u8 = 0;
const EIGHT_BYTES: u8 = 1;
const LENGTH_AND_BYTES: u8 = 2;
const FOUR_BYTES: u8 = 5;

/// A field's number and wire type; for field numbers below 16.
fn key(field: u8, wire_type: u8) -> u8 {
    field << 3 | wire_type
}

fn number(field: u8, value: u64) -> Vec<u8> {
    [vec![key(field, VARINT)], varint(value)].concat()
}

fn bytes(field: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![key(field, LENGTH_AND_BYTES)];
    out.extend(varint(content.len() as u64));
    out.extend(content);
    out
}

/// Base-128 varint: seven bits per byte, lowest first.
fn varint(mut value: u64) -> Vec<u8> {
    let mut out = Vec::new();
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The expected bytes come from TensorBoard's own writer (2.21.0).
    #[test]
    fn records_equal_those_of_tensorboard() {
        assert_eq!(
            hex(&record(&version(1.5))),
            "1800000000000000a37f4b2209000000000000f83f1a0d627261696e2e4576656e743a322a28646c"
        );
        assert_eq!(
            hex(&record(&scalars(2.5, 300, &[("val/loss", 1.25)]))),
            "1f00000000000000514b441809000000000000044010ac022a110a0f0a0876616c2f6c6f7373150000a03fd3e76f20"
        );
        assert_eq!(
            hex(&record(&session_start(3.5, 8))),
            "0f000000000000006d532b09090000000000000c4010083a0208016e85a1d0"
        );
    }

    #[test]
    fn files_of_one_run_sort_in_the_order_of_writing() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        // Written while the clock was ahead.
        fs::write(folder.path().join(format!("{PREFIX}9999999999.000000.trm-native")), b"")
            .expect("written");
        for first_step in [1, 5, 9] {
            EventWriter::create(folder.path(), first_step).expect("created");
        }
        let mut names: Vec<String> = fs::read_dir(folder.path())
            .expect("a folder")
            .map(|entry| entry.expect("readable").file_name().into_string().expect("UTF-8"))
            .collect();
        names.sort();
        let places: Vec<_> = names.iter().map(|name| place(name).expect("a place").1).collect();
        assert_eq!(places, [0, 1, 2, 3]);
        // Only a resumed run has steps to drop.
        let size = |name: &str| fs::metadata(folder.path().join(name)).expect("there").len();
        assert!(size(&names[1]) < size(&names[2]) && size(&names[2]) == size(&names[3]));
    }
}
