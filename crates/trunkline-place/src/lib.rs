//! What a folder or a file holds, so that nothing is written over it, and who may write there.
//!
//! [`look`] names what lives at a path; every verb that writes somewhere asks it first.
//! [`FolderLock`], [`FileLock`] and [`DatabaseLock`] lock the thing itself, so that removing a file beside it lets no second writer in.

mod barred;
mod file;
mod folder;
mod kept;
mod kind;
mod lock;
mod look;
mod private;
mod room;

pub use barred::barred_from_writing;
pub use kept::{DatabaseLock, take_database};
pub use kind::{Held, Kind};
pub use lock::{FileLock, FolderLock, folder_holder, owner_at, take_file, take_folder};
pub use look::{look, resolved};
pub use private::{make_folder, new_file};
pub use room::{in_the_way_beside, in_the_way_of, in_the_way_of_database, in_the_way_of_lines};
