//! Instances' folders on disk, as the agent handles them.

use std::fs;
use std::io;
use std::path::Path;

use crate::data_dir::{private_folder, wipe};
use crate::supervisor::output::aside;
use crate::supervisor::place;

/// Makes an instance's folder anew. Of an earlier life only the log stays.
pub(super) fn renew(folder: &Path) -> io::Result<()> {
    private_folder(folder)?;
    let log = place::log(folder);
    let keep = [log.clone(), aside(&log)];
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        if keep.contains(&path) {
            continue;
        }
        if entry.file_type()?.is_dir() { wipe(&path)? } else { fs::remove_file(&path)? }
    }
    Ok(())
}
