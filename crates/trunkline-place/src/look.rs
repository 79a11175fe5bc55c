//! What lives at a path.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{Held, file, folder};

/// What lives at a path, links followed: in the folder or file itself, or in a folder that it lies in.
///
/// Nothing lives where there is nothing, in an empty folder, and in a device; but a path in the folder of a store, a
/// queue, a backup or checkpoints belongs to that, and so does a name that one of these keeps for itself.
///
/// ```
/// use trunkline_place::{Kind, look};
///
/// let folder = tempfile::tempdir()?;
/// assert_eq!(look(folder.path())?, None);
/// std::fs::write(folder.path().join("00000000000000000001.seg"), b"TKLSEG01")?;
/// let inside = look(&folder.path().join("deep/er.jsonl"))?;
/// assert_eq!(inside.map(|held| held.kind), Some(Kind::EventStore));
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn look(path: &Path) -> io::Result<Option<Held>> {
    let path = resolved(path)?;
    if let Some(held) = folder::beside_store(&path) {
        return Ok(Some(held));
    }
    let itself = match fs::metadata(&path) {
        Ok(metadata) if metadata.is_dir() => folder::held(&path)?,
        Ok(metadata) if metadata.is_file() => Some(Held { kind: file::kind(&path), path: path.clone() }),
        // A device or a pipe takes what it is given.
        Ok(_) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::NotFound => None,
        Err(error) => return Err(error),
    };
    if let Some(held) = itself.as_ref().filter(|held| held.kind.is_ours()) {
        return Ok(Some(held.clone()));
    }
    if let Some(database) = file::database_of(&path) {
        let kind = file::kind(&database);
        return Ok(Some(Held { kind, path: database }));
    }
    let around = path.ancestors().skip(1).find_map(|folder| {
        folder::own_of(folder)
            .filter(|held| held.kind != crate::Kind::Lock)
            .or_else(|| folder::beside_store(folder))
    });
    Ok(around.or(itself))
}

/// How many links in a row are followed that point to what isn't there yet, as systems do.
const LINKS_MAX: u32 = 40;

/// The path without links and relative parts, as far as it exists; the rest of it as it stands.
pub fn resolved(path: &Path) -> io::Result<PathBuf> {
    let mut path = std::path::absolute(path)?;
    for _ in 0..LINKS_MAX {
        let Some((found, rest)) = existing(&path) else { return Ok(path) };
        // A link that points nowhere is there, and what it points to is where a file would be made.
        match dangling(&found, &rest) {
            Some(target) => path = target,
            None if rest.as_os_str().is_empty() => return Ok(found),
            None => return Ok(found.join(rest)),
        }
    }
    Err(io::Error::other(format!("{} leads through too many links", path.display())))
}

/// The longest part of a path that exists, without links, and the rest.
fn existing(path: &Path) -> Option<(PathBuf, PathBuf)> {
    path.ancestors().find_map(|there| {
        let rest = path.strip_prefix(there).ok()?.to_owned();
        Some((there.canonicalize().ok()?, rest))
    })
}

/// Where a link that is next on the way points to.
fn dangling(found: &Path, rest: &Path) -> Option<PathBuf> {
    let mut parts = rest.components();
    let target = found.join(fs::read_link(found.join(parts.next()?)).ok()?);
    let rest = parts.as_path();
    Some(if rest.as_os_str().is_empty() { target } else { target.join(rest) })
}
