//! Opening: what the files of a log say, before anything is done with it.

use std::io;
use std::sync::Arc;

use crate::OpenError;
use crate::disk::{Disk, OpenMode};
use crate::head::{self, Head};
use crate::index::{self, Part, Run, RunName};
use crate::recover::{Recovered, Verdict, recover};
use crate::segment::{self, BadHeader, Segment};
use crate::tail::zero;

/// How often the index runs are listed again when one went away meanwhile, because it was merged.
const LISTINGS_MAX: usize = 8;

/// Opens all segments, whose numbers and positions must follow on.
pub(crate) fn segments(disk: &dyn Disk, access: OpenMode) -> Result<Vec<Arc<Segment>>, OpenError> {
    let names = disk.list("").map_err(OpenError::io(format!("list the files of {}", disk.name())))?;
    let mut numbers: Vec<u64> = names.iter().filter_map(|name| segment::number_of(name)).collect();
    numbers.sort_unstable();
    if numbers.is_empty() && names.iter().any(|name| name == head::FILE) {
        let what = format!("it is missing, though there is the file {}", head::FILE);
        return Err(OpenError::Corrupt { file: segment::file_name(1), offset: 0, what });
    }
    let mut segments: Vec<Arc<Segment>> = Vec::with_capacity(numbers.len());
    for (expected, number) in (1..).zip(&numbers) {
        let corrupt =
            |what: String| OpenError::Corrupt { file: segment::file_name(*number), offset: 0, what };
        if *number != expected {
            return Err(corrupt(format!("{} is missing", segment::file_name(expected))));
        }
        let last = *number == numbers.len() as u64;
        let segment = open_segment(disk, *number, if last { access } else { OpenMode::Read })?;
        if let Some(before) = segments.last() {
            let (before, this) = (&before.header, &segment.header);
            let follows = this.store_id == before.store_id
                && this.hash_key == before.hash_key
                && this.first_position >= before.first_position;
            if !follows {
                return Err(corrupt("it doesn't belong to the segment before it".to_owned()));
            }
        }
        segments.push(Arc::new(segment));
    }
    Ok(segments)
}

fn open_segment(disk: &dyn Disk, number: u64, access: OpenMode) -> Result<Segment, OpenError> {
    let name = segment::file_name(number);
    let corrupt = |what: &str| OpenError::Corrupt { file: name.clone(), offset: 0, what: what.to_owned() };
    let file = disk.open(&name, access).map_err(OpenError::io(format!("open {name}")))?;
    let mut bytes = vec![0; segment::HEADER_LEN];
    let count = file.read_at(0, &mut bytes).map_err(OpenError::io(format!("read {name}")))?;
    let header = match segment::Header::parse(&bytes[..count]) {
        Ok(header) => header,
        Err(BadHeader::Damaged) => return Err(corrupt("its header is damaged")),
        Err(BadHeader::Version(version)) => return Err(OpenError::Version { file: name, version }),
    };
    if header.number != number {
        return Err(corrupt("its header has another number than its name"));
    }
    let len = file.len().map_err(OpenError::io(format!("measure {name}")))?;
    if len != header.capacity {
        let what = format!("it has {len} bytes, not {}; it was cut off", header.capacity);
        return Err(OpenError::Corrupt { file: name, offset: len.min(header.capacity), what });
    }
    Ok(Segment { header, file })
}

/// The published head.
pub(crate) fn published(disk: &dyn Disk) -> Result<Option<Head>, OpenError> {
    Head::of(disk).map_err(OpenError::io("read the published head"))
}

/// Says so when there is a published head that is not whole: it is published again.
pub(crate) fn tell_of_damaged_head(disk: &dyn Disk) -> Result<(), OpenError> {
    let files = disk.list("").map_err(OpenError::io(format!("list the files of {}", disk.name())))?;
    if files.iter().any(|file| file == head::FILE) {
        tracing::warn!(
            target: index::MADE_ANEW,
            file = head::FILE,
            "the published head is damaged; it is made anew from the segments"
        );
    }
    Ok(())
}

/// Refuses a published head that doesn't belong to these segments.
pub(crate) fn check_head(head: &Head, last: &Segment) -> Result<(), OpenError> {
    let corrupt = |what: String| OpenError::Corrupt { file: head::FILE.to_owned(), offset: 0, what };
    if head.store_id != last.header.store_id {
        return Err(corrupt(format!(
            "it belongs to another store than {}; remove it if the segments are the right ones",
            last.name()
        )));
    }
    if head.segment > last.header.number {
        let missing = segment::file_name(head.segment);
        return Err(corrupt(format!("it says that the log reaches into {missing}, which is missing")));
    }
    Ok(())
}

/// Follows the frames of the last segment.
pub(crate) fn recover_last(last: &Segment, head: Option<&Head>) -> Result<Recovered, OpenError> {
    let synced_end = match head {
        Some(head) if head.segment == last.header.number => head.end,
        _ => 0,
    };
    let bytes = last.used_bytes().map_err(OpenError::io(format!("read {}", last.name())))?;
    Ok(recover(&bytes, &last.header, synced_end))
}

/// Makes the last segment what recovery found: what may not have been synced is written again, what was cut off
/// is zeroed, and all of it is synced.
pub(crate) fn mend(last: &Segment, head: Option<&Head>, recovered: &Recovered) -> Result<(), OpenError> {
    let failed = || OpenError::io(format!("write the end of {} again", last.name()));
    let synced_end = match head {
        Some(head) if head.segment == last.header.number => head.end,
        _ => segment::HEADER_LEN as u64,
    };
    let cut_off = match recovered.verdict {
        Verdict::RolledBack { bytes } => bytes,
        Verdict::Clean | Verdict::Corrupt { .. } => 0,
    };
    if synced_end == recovered.end && cut_off == 0 {
        return Ok(());
    }
    let len = (recovered.end - synced_end) as usize;
    let mut bytes = vec![0; len];
    last.file.read_at(synced_end, &mut bytes).map_err(failed())?;
    last.file.write_at(synced_end, &bytes).map_err(failed())?;
    zero(&*last.file, recovered.end, recovered.end + cut_off).map_err(failed())?;
    last.file.sync().map_err(failed())
}

/// Opens the runs that cover the log up to `head`; what none covers is a gap, also at the end.
///
/// Runs that are not needed are removed if `tidy`.
pub(crate) fn index_parts(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    head: u64,
    tidy: bool,
) -> Result<Vec<Part>, OpenError> {
    for _ in 1..LISTINGS_MAX {
        if let Some(parts) = try_index_parts(disk, store_id, head, tidy, false)? {
            return Ok(parts);
        }
    }
    let parts = try_index_parts(disk, store_id, head, tidy, true)?;
    Ok(parts.expect("missing runs were allowed"))
}

/// `None` when a run went away after it was listed, unless `allow_missing`.
fn try_index_parts(
    disk: &dyn Disk,
    store_id: &[u8; 16],
    head: u64,
    tidy: bool,
    allow_missing: bool,
) -> Result<Option<Vec<Part>>, OpenError> {
    let failed = || OpenError::io("open the index");
    let files = disk.list(index::FOLDER).map_err(failed())?;
    let mut names: Vec<RunName> = files.iter().filter_map(|file| RunName::parse(file)).collect();
    // At each place, the run that covers most comes first.
    names.sort_unstable_by_key(|name| (name.first, std::cmp::Reverse(name.last)));
    let mut parts = Vec::new();
    let mut next = 1;
    for name in names {
        let mut unused = name.first < next || name.last > head;
        if !unused {
            match Run::open(disk, name, store_id) {
                Ok(Some(run)) => {
                    if next < name.first {
                        parts.push(Part::Gap { first: next, last: name.first - 1 });
                    }
                    next = name.last + 1;
                    parts.push(Part::Run(Arc::new(run)));
                }
                Ok(None) => {
                    tracing::warn!(
                        target: index::MADE_ANEW,
                        file = name.path(),
                        "an index file is damaged; its events are indexed again"
                    );
                    unused = true;
                }
                Err(error) if error.kind() == io::ErrorKind::NotFound && !allow_missing => return Ok(None),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(failed()(error)),
            }
        }
        if unused && tidy {
            disk.remove(&name.path()).map_err(failed())?;
        }
    }
    if next <= head {
        parts.push(Part::Gap { first: next, last: head });
    }
    Ok(Some(parts))
}

/// Removes what was being made when its process ended.
pub(crate) fn remove_temporary(disk: &dyn Disk) -> Result<(), OpenError> {
    for folder in ["", index::FOLDER] {
        let files = disk.list(folder).map_err(OpenError::io("list the store's files"))?;
        for file in files.iter().filter(|file| file.strip_suffix(".tmp").is_some()) {
            let path = if folder.is_empty() { file.clone() } else { format!("{folder}/{file}") };
            disk.remove(&path).map_err(OpenError::io(format!("remove {path}")))?;
        }
    }
    Ok(())
}
