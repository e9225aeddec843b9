//! In which repositories of which registries a blob is known to be: where it was pulled from and pushed to. A push to another
//! repository of the same registry asks for the blob to be taken over from there. A note that is lost costs a transfer.

use std::fs;

use super::{Layout, from_json, private_folder, replace_file, to_json};
use crate::{Digest, Result};

/// One that works is enough, and the newest are the likeliest.
const PLACES_MAX: usize = 4;

impl Layout {
    /// Notes that a repository, `registry.example/shop/web`, has a blob.
    pub(crate) fn note_origin(&self, blob: &Digest, repository: &str) -> Result<()> {
        let mut places = self.origins(blob);
        if places.first().is_some_and(|first| first == repository) {
            return Ok(());
        }
        places.retain(|place| place != repository);
        places.insert(0, repository.to_owned());
        places.truncate(PLACES_MAX);
        let folder = self.root().join("cache");
        private_folder(&folder)?;
        replace_file(&folder, &name(blob), &to_json(&places)?)
    }

    /// The repositories that a blob is known to be in, the newest first.
    pub(crate) fn origins(&self, blob: &Digest) -> Vec<String> {
        let note = fs::read(self.root().join("cache").join(name(blob))).ok();
        note.and_then(|bytes| from_json(&bytes, String::new).ok()).unwrap_or_default()
    }
}

fn name(blob: &Digest) -> String {
    format!("origin-{}.json", blob.hex())
}
