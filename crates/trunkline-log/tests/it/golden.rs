//! Files that an earlier version of the log wrote, which every later one has to read.
//!
//! `tests/golden/v1` is a log of format 1 as it was first written, and `tests/golden/v1.txt` what it holds. They
//! are never made anew to make a test pass: whoever has such files on disk cannot do that either. Another
//! format gets another folder, made by `TRUNKLINE_MAKE_GOLDEN=folder cargo test -p trunkline-log golden`,
//! which refuses to write into one that is there.

use std::fmt::Write as _;
use std::fs;
use std::hash::Hasher;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use siphasher::sip::SipHasher13;
use trunkline_log::disk::RealDisk;
use trunkline_log::{Expected, Log, Options};

use crate::check::{all, assert_holds, assert_verifies};
use crate::draft::{Draft, New, Stored};
use crate::format::{SEGMENT_HEADER, frames, number};
use crate::reference::Reference;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn options() -> Options {
    // Every frame is a run, so that there are enough of them for a merge.
    Options { segment_bytes: 16 << 10, recent_records: 1, ..Options::default() }
}

/// A record that is an event, as the event store writes it.
fn event(number: u64, kinds: [&str; 2], tags: &[&str], data: &str) -> New {
    let metadata = format!(r#"{{"actor":"clerk-{}"}}"#, number % 3);
    let mut body = Vec::new();
    body.extend_from_slice(&(1_700_000_000_000_000 + number).to_le_bytes());
    body.extend_from_slice(&(1_700_000_100_000_000 + number).to_le_bytes());
    body.extend_from_slice(&(1 + number as u32 % 2).to_le_bytes());
    body.extend_from_slice(&(metadata.len() as u32).to_le_bytes());
    body.extend_from_slice(metadata.as_bytes());
    body.extend_from_slice(data.as_bytes());
    let mut labels = vec![(1, kinds[0].to_owned()), (2, kinds[1].to_owned())];
    labels.extend(tags.iter().map(|tag| (3, (*tag).to_owned())));
    let id = (0x0190_0000_0000_7000_8000_0000_0000_0000_u128 | u128::from(number) << 80).to_be_bytes();
    New { id, labels, body }
}

/// What goes into the log: batches of one frame each.
fn drafts() -> Vec<Draft> {
    let mut drafts = Vec::new();
    let mut add = |writes: Vec<(&str, Expected, Vec<New>)>| {
        let writes = writes.into_iter().map(|(stream, expected, new)| (stream.to_owned(), expected, new));
        drafts.push(Draft { writes: writes.collect(), conditions: Vec::new() });
    };
    let placed = |number| event(number, ["order", "OrderPlaced"], &["customer:7"], r#"{"total":"12.50"}"#);
    let paid = |number| event(number, ["order", "OrderPaid"], &[], r#"{"by":"card"}"#);
    let counted = |number| event(number, ["stock", "StockCounted"], &["sku:ü-1", "sku:2", "bin:Ω"], "");
    add(vec![("order-1", Expected::At(0), vec![placed(1)])]);
    add(vec![("order-1", Expected::At(1), vec![paid(2), paid(3)])]);
    add(vec![("order-2", Expected::At(0), vec![placed(4)]), ("stock-café", Expected::Any, vec![counted(5)])]);
    for first in [6, 9, 12] {
        let stream = format!("order-{first}");
        add(vec![
            (&stream, Expected::At(0), vec![placed(first), paid(first + 1)]),
            ("stock-café", Expected::Exists, vec![counted(first + 2)]),
        ]);
    }
    // It needs a segment of its own, and so does what comes after it.
    let large = format!(r#"{{"scan":"{}"}}"#, "0123456789abcdef".repeat(740));
    add(vec![(
        "order-1",
        Expected::At(3),
        vec![event(15, ["order", "OrderScanned"], &["customer:7"], &large)],
    )]);
    add(vec![("order-2", Expected::At(1), vec![paid(16)])]);
    add(vec![
        ("stock-café", Expected::At(4), vec![counted(17)]),
        ("order-1", Expected::At(4), vec![paid(18)]),
    ]);
    drafts
}

/// A line for each record, in tabs: all that it says.
fn listed(records: &[Stored]) -> String {
    let mut text = String::new();
    for Stored { position, version, stream, new: New { id, labels, body } } in records {
        let labels: Vec<_> = labels.iter().map(|(kind, text)| format!("{kind}={text}")).collect();
        let (header, rest) = body.split_at(24);
        let (metadata, data) = rest.split_at(number::<4>(header, 20) as usize);
        let (occurred, recorded, schema) =
            (number::<8>(header, 0), number::<8>(header, 8), number::<4>(header, 16));
        let [metadata, data] = [metadata, data].map(String::from_utf8_lossy);
        let (id, labels) = (uuid::Uuid::from_bytes(*id), labels.join(" "));
        writeln!(
            text,
            "{position}\t{version}\t{stream}\t{id}\t{labels}\t{occurred}\t{recorded}\t{schema}\t{metadata}\t{data}"
        )
        .expect("a string takes all");
    }
    text
}

/// Fails at the first line that isn't the golden one.
fn assert_listed(found: &str, when: &str) {
    let golden = fs::read_to_string(golden("v1.txt")).expect("the list is there");
    for (number, (found, golden)) in found.lines().zip(golden.lines()).enumerate() {
        assert!(found == golden, "line {} {when}: {found:.200} instead of {golden:.200}", number + 1);
    }
    assert_eq!(found.lines().count(), golden.lines().count(), "lines {when}");
}

fn runs(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder.join("index")).expect("every log has an index");
    let name = |entry: std::io::Result<fs::DirEntry>| entry.expect("it is listed").file_name().into_string();
    let mut names: Vec<String> = entries.map(|entry| name(entry).expect("names are plain")).collect();
    names.sort();
    names
}

/// Makes a log and the list of what it holds.
fn make(folder: &Path) -> String {
    let log = Log::open(Arc::new(RealDisk::new(folder)), options()).expect("a new folder");
    let mut reference = Reference::default();
    for draft in drafts() {
        assert_eq!(log.append_blocking(draft.encode(&log)), reference.append(&draft));
    }
    // Nine frames: eight runs that are merged into one, and one more.
    let (merged, last) = (format!("{:020}-{:020}-1.run", 1, 16), format!("{:020}-{:020}-0.run", 17, 18));
    let began = Instant::now();
    while runs(folder) != [merged.as_str(), last.as_str()] {
        assert!(began.elapsed() < Duration::from_secs(60), "the indexer came to {:?}", runs(folder));
        std::thread::yield_now();
    }
    log.close();
    fs::remove_file(folder.join("lock")).expect("it was there while the log was open");
    listed(&reference.records)
}

/// Today's writer holds to the list too, though its files have other ids and so other bytes.
#[test]
fn a_log_made_today_holds_what_the_golden_one_does() {
    let asked = std::env::var_os("TRUNKLINE_MAKE_GOLDEN").map(PathBuf::from);
    let temporary = tempfile::tempdir().unwrap();
    let folder = asked.clone().unwrap_or_else(|| temporary.path().join("v1"));
    assert!(!folder.exists(), "{} is there already, and golden files stay as they are", folder.display());
    let text = make(&folder);
    if asked.is_some() {
        fs::write(folder.with_extension("txt"), &text).unwrap();
    }
    assert_listed(&text, "made today");
    let log = Log::open_read_only(Arc::new(RealDisk::new(&folder))).unwrap();
    assert_listed(&listed(&all(&log)), "read back");
}

#[test]
fn format_1_is_read_in_place() {
    let log = Log::open_read_only(Arc::new(RealDisk::new(golden("v1")))).unwrap();
    let records = all(&log);
    assert_listed(&listed(&records), "in place");
    let reference = Reference { records };
    assert_holds(&log, &reference, "in place");
    assert_verifies(&log, &reference, "in place");
    let stats = log.stats();
    assert!(stats.segments == 3 && stats.runs == 2, "{stats:?}");
}

#[test]
fn format_1_is_appended_to() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("v1");
    fs::create_dir_all(copy.join("index")).unwrap();
    for inside in ["", "index"] {
        for entry in fs::read_dir(golden("v1").join(inside)).unwrap().map(Result::unwrap) {
            if entry.path().is_file() {
                fs::copy(entry.path(), copy.join(inside).join(entry.file_name())).unwrap();
            }
        }
    }
    let open = || Log::open(Arc::new(RealDisk::new(&copy)), options()).unwrap();
    let log = open();
    let mut reference = Reference { records: all(&log) };
    assert_listed(&listed(&reference.records), "in a copy");
    assert_eq!(log.rolled_back_bytes(), 0);
    for draft in drafts() {
        assert_eq!(log.append_blocking(draft.encode(&log)), reference.append(&draft), "repeated");
    }
    for number in 1..20 {
        let draft = Draft::one("order-1", Expected::Exists, number, &[1; 900]);
        assert_eq!(log.append_blocking(draft.encode(&log)), reference.append(&draft), "appended");
    }
    drop(log);
    let log = open();
    assert_holds(&log, &reference, "appended to");
    assert_verifies(&log, &reference, "appended to");
}

/// The bytes stand where `docs/format/log-v1.md` says, read without the log's own code.
#[test]
fn the_bytes_of_format_1_are_those_that_are_documented() {
    let read = |file: &str| fs::read(golden("v1").join(file)).unwrap();
    let segments: Vec<_> = (1..=3).map(|number| read(&format!("{number:020}.seg"))).collect();
    let mut before: Option<(u64, u64)> = None;
    let mut position = 1;
    for (segment, expected) in segments.iter().zip(1..) {
        assert_eq!(&segment[..8], b"TKLSEG01");
        assert_eq!((number::<4>(segment, 8), number::<4>(segment, 12)), (1, 4096));
        assert_eq!(segment[16..48], segments[0][16..48], "store id and hash key");
        assert_eq!((number::<8>(segment, 64), number::<8>(segment, 72)), (expected, position));
        assert_eq!(number::<8>(segment, 80), segment.len() as u64);
        assert_eq!((number::<8>(segment, 88), number::<4>(segment, 96)), before.unwrap_or_default());
        assert_eq!(number::<4>(segment, 100), u64::from(crc32fast::hash(&segment[..100])));
        let mut chain = number::<4>(segment, 100);
        let mut end = SEGMENT_HEADER;
        for frame in frames(segment) {
            let bytes = &segment[frame.bytes.clone()];
            assert_eq!((frame.chain_before, frame.first_position), (chain, position));
            assert_eq!(frame.confirming, frame.records == 0);
            let mut chained = crc32fast::Hasher::new();
            chained.update(&segment[48..64]);
            chained.update(&bytes[..28]);
            let mut at = 40;
            for _ in 0..frame.records {
                let len = number::<4>(bytes, at + 4) as usize;
                let record = &bytes[at..at + len];
                assert_eq!(number::<4>(record, 0), u64::from(crc32fast::hash(&record[4..])));
                assert_eq!(number::<8>(record, 8), position);
                chained.update(&record[..4]);
                position += 1;
                at += len;
            }
            assert_eq!(at, frame.body_end - frame.bytes.start);
            assert!(bytes[at..].iter().all(|byte| *byte == 0), "a frame ends with zeros");
            assert_eq!(frame.chain, u64::from(chained.finalize()));
            let mut header = crc32fast::Hasher::new();
            header.update(&segment[48..64]);
            header.update(&(frame.bytes.start as u64).to_le_bytes());
            header.update(&bytes[..32]);
            assert_eq!(number::<4>(bytes, 32), u64::from(header.finalize()));
            (chain, end) = (frame.chain, frame.bytes.end);
        }
        assert!(segment[end..].iter().all(|byte| *byte == 0), "zeros follow the last frame");
        before = Some((end as u64, chain));
    }
    let (end, chain) = before.unwrap();
    let last = frames(&segments[2]).pop().unwrap();
    assert!(last.confirming, "a log that was closed ends with a confirming frame");

    let record = &segments[0][SEGMENT_HEADER + 40..];
    assert_eq!((number::<8>(record, 8), number::<8>(record, 16)), (1, 1), "position and version");
    assert_eq!(record[24..40], drafts()[0].writes[0].2[0].id);
    assert_eq!((number::<2>(record, 40), number::<2>(record, 42), number::<4>(record, 44)), (7, 3, 38));
    let labels = b"\x01\0\x05\0order\x02\0\x0b\0OrderPlaced\x03\0\x0a\0customer:7";
    assert_eq!(&record[48..55], b"order-1");
    assert_eq!(record[55..93], labels[..]);
    assert_eq!(number::<8>(record, 93), 1_700_000_000_000_001);

    let head = read("head");
    assert_eq!((&head[..8], head.len()), (&b"TKLHEAD1"[..], 72));
    assert_eq!(head[8..24], segments[0][16..32]);
    let fields = (number::<8>(&head, 40), number::<8>(&head, 48), number::<8>(&head, 56));
    assert_eq!(fields, (3, end, position - 1));
    assert_eq!(number::<4>(&head, 64), chain);
    assert_eq!(number::<4>(&head, 68), u64::from(crc32fast::hash(&head[..68])));
    check_runs(&segments[0]);
}

/// A run finds the first record by its stream's key.
fn check_runs(segment: &[u8]) {
    let merged = &runs(&golden("v1"))[0];
    let bytes = fs::read(golden("v1/index").join(merged)).expect("it can be read");
    let (first, last) = (number::<8>(&bytes, 32), number::<8>(&bytes, 40));
    assert_eq!(*merged, format!("{first:020}-{last:020}-1.run"));
    assert_eq!((&bytes[..8], number::<4>(&bytes, 8), number::<4>(&bytes, 12)), (&b"TKLRUN01"[..], 1, 1));
    assert_eq!(bytes[16..32], segment[16..32], "the store's id");
    assert_eq!(number::<4>(&bytes, 76), u64::from(crc32fast::hash(&bytes[..76])));
    let [keys, postings, blocks] = [48, 56, 64].map(|at| number::<8>(&bytes, at) as usize);
    let keys_at = 128 + 64 * blocks;
    let starts_at = keys_at + 8 * keys;
    let postings_at = starts_at + 4 * (keys + 1);
    let offsets_at = postings_at + 4 * postings;
    let table_at = offsets_at + 4 * (last - first + 1) as usize;
    assert_eq!(bytes.len(), table_at + 4 * (table_at - 128).div_ceil(16384));
    assert_eq!(number::<4>(&bytes, 72), u64::from(crc32fast::hash(&bytes[table_at..])));
    assert_eq!(number::<4>(&bytes, table_at), u64::from(crc32fast::hash(&bytes[128..table_at])));
    let hash_key = segment[32..48].try_into().expect("16 bytes");
    let mut hasher = SipHasher13::new_with_key(hash_key);
    hasher.write(b"\0order-1");
    let key = hasher.finish();
    let all: Vec<u64> = (0..keys).map(|number_of| number::<8>(&bytes, keys_at + 8 * number_of)).collect();
    assert!(all.is_sorted(), "keys ascend");
    let found = all.binary_search(&key).expect("the stream's key is there");
    let start = number::<4>(&bytes, starts_at + 4 * found) as usize;
    let end = number::<4>(&bytes, starts_at + 4 * (found + 1)) as usize;
    let positions: Vec<u64> =
        (start..end).map(|posting| first + number::<4>(&bytes, postings_at + 4 * posting)).collect();
    assert_eq!(positions[..3], [1, 2, 3]);
    assert_eq!(number::<4>(&bytes, offsets_at), SEGMENT_HEADER as u64 + 40, "where the first record begins");
}
