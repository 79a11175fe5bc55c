//! Whether there is room for something new at a path, and what is in its way.

use std::io;
use std::path::Path;

use crate::{Held, Kind, look, resolved};

/// What is in the way of making a folder of this kind at a path, where it is the only thing in it.
///
/// An earlier one of the same kind is not, as far as it is gone on with: a backup into a backup, a restore over what an
/// interrupted one has left.
///
/// ```
/// use trunkline_place::{Kind, in_the_way_of};
///
/// let folder = tempfile::tempdir()?;
/// assert_eq!(in_the_way_of(Kind::Backup, folder.path())?, None);
/// std::fs::write(folder.path().join("notes.txt"), "mine")?;
/// assert!(in_the_way_of(Kind::Backup, folder.path())?.is_some());
/// # Ok::<(), std::io::Error>(())
/// ```
pub fn in_the_way_of(kind: Kind, path: &Path) -> io::Result<Option<Held>> {
    let held = look(path)?;
    let own = |held: &Held| held.path.parent() == resolved(path).ok().as_deref();
    Ok(held.filter(|held| !(own(held) && goes_on_with(kind, held.kind))))
}

/// The same for a folder that may have files of the user's own, and read databases, beside it: where a store or a queue
/// is made by the first append or publish.
pub fn in_the_way_beside(kind: Kind, path: &Path) -> io::Result<Option<Held>> {
    let path = resolved(path)?;
    let held = in_the_way_of(kind, &path)?;
    Ok(held.filter(|held| {
        let is_beside = held.path.starts_with(&path) && held.path != path;
        let is_own = held.path.parent() == Some(&*path);
        let is_file = matches!(
            held.kind,
            Kind::SomethingElse
                | Kind::Lines
                | Kind::ReadDatabase
                | Kind::Snapshots
                | Kind::SagaIndex
                | Kind::CauseIndex
                | Kind::ApplicationFile
        );
        // What lies in a folder of its own in there is not touched.
        !(is_beside && (is_file || !is_own))
    }))
}

/// What is in the way of writing lines to a file: anything but an earlier file of lines.
pub fn in_the_way_of_lines(path: &Path) -> io::Result<Option<Held>> {
    Ok(look(path)?.filter(|held| held.kind != Kind::Lines))
}

/// What is in the way of making a read database at a path: a folder or a name that belongs to something else.
///
/// A file that is no database is refused by `SQLite` itself.
pub fn in_the_way_of_database(path: &Path) -> io::Result<Option<Held>> {
    let held = look(path)?;
    Ok(held.filter(|held| held.kind.is_ours() && held.kind != Kind::ReadDatabase))
}

/// Whether something of this kind is made of what is there, in its own folder.
fn goes_on_with(kind: Kind, there: Kind) -> bool {
    match kind {
        Kind::EventStore => matches!(there, Kind::EventStore | Kind::Lock | Kind::Unfinished),
        Kind::Queue => matches!(there, Kind::Queue | Kind::Lock),
        kind => kind == there,
    }
}
