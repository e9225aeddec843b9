//! The kinds of archive that a package can be in. How they are unpacked is in `fetch::archive`.

/// A kind of archive.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ArchiveKind {
    /// `.zip`.
    Zip,
    /// `.tar`.
    Tar,
    /// `.tar.gz`, `.tgz`.
    TarGzip,
    /// `.tar.bz2`, `.tbz2`.
    TarBzip2,
    /// `.tar.xz`, `.txz`.
    TarXz,
    /// `.tar.zst`, `.tzst`.
    TarZstd,
}

impl ArchiveKind {
    /// The names that `?archive=` takes, which are the ends of files' names too.
    pub const NAMES: [&'static str; 10] =
        ["zip", "tar", "tar.gz", "tgz", "tar.bz2", "tbz2", "tar.xz", "txz", "tar.zst", "tzst"];

    /// By what `?archive=` says.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        match name {
            "zip" => Some(Self::Zip),
            "tar" => Some(Self::Tar),
            "tar.gz" | "tgz" => Some(Self::TarGzip),
            "tar.bz2" | "tbz2" => Some(Self::TarBzip2),
            "tar.xz" | "txz" => Some(Self::TarXz),
            "tar.zst" | "tzst" => Some(Self::TarZstd),
            _ => None,
        }
    }

    /// By the end of a file's name.
    #[must_use]
    pub fn of_file(path: &str) -> Option<Self> {
        let name = path.rsplit('/').next().unwrap_or(path);
        Self::NAMES.into_iter().find_map(|end| {
            let stem = name.strip_suffix(end)?.strip_suffix('.')?;
            (!stem.is_empty()).then(|| Self::named(end)).flatten()
        })
    }
}
