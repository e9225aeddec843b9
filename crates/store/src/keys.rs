//! One key for each environment: from the process environment, or from a file that is made when it is first needed.
//!
//! A key file is never overwritten, and one that others may read is refused. It seals nothing itself.

use std::collections::{BTreeMap, HashMap};
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use chacha20poly1305::aead::{KeyInit, OsRng};
use chacha20poly1305::{Key, XChaCha20Poly1305};
use engine::{EnvironmentName, StoreError};
use sha2::{Digest, Sha256};

/// What the names of variables of the process environment that hold keys begin with; the environment's name in capitals follows.
const VARIABLE_PREFIX: &str = "MAINSTAY_KEY_";

/// Length of a key in bytes: that of XChaCha20-Poly1305.
const KEY_BYTES: usize = 32;

/// The keys of a project's environments. Cheap to clone.
#[derive(Clone)]
pub struct KeyRing(Arc<Ring>);

struct Ring {
    dir: PathBuf,
    given: BTreeMap<String, String>,
    loaded: Mutex<HashMap<EnvironmentName, Arc<EnvironmentKey>>>,
}

/// The key of one environment.
pub(crate) struct EnvironmentKey {
    pub(crate) cipher: XChaCha20Poly1305,
    /// Tells keys apart without telling anything about them: the beginning of a hash.
    pub(crate) id: [u8; 4],
    /// Where it came from, for messages.
    pub(crate) place: String,
}

/// What to do when there is no key yet.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Missing {
    /// Make one: something is to be sealed for the first time.
    Make,
    /// Say so: something was sealed with a key that is not here.
    Fault,
}

impl KeyRing {
    /// Keys in files `ENVIRONMENT.key` of this folder, 64 hexadecimal digits each. `given` holds variables of the process
    /// environment: `MAINSTAY_KEY_PROD_EU` comes before the file `prod-eu.key`. Nothing is read or made before it is needed.
    #[must_use]
    pub fn open(dir: &Path, given: BTreeMap<String, String>) -> Self {
        let given = given.into_iter().filter(|(name, _)| name.starts_with(VARIABLE_PREFIX)).collect();
        Self(Arc::new(Ring { dir: dir.to_owned(), given, loaded: Mutex::default() }))
    }

    pub(crate) fn key(
        &self,
        environment: &EnvironmentName,
        missing: Missing,
    ) -> Result<Arc<EnvironmentKey>, StoreError> {
        let mut loaded = self.0.loaded.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(key) = loaded.get(environment) {
            return Ok(key.clone());
        }
        let key = Arc::new(self.load(environment, missing)?);
        loaded.insert(environment.clone(), key.clone());
        Ok(key)
    }

    fn load(&self, environment: &EnvironmentName, missing: Missing) -> Result<EnvironmentKey, StoreError> {
        let name = environment.as_str();
        // What Terraform allows in a workspace's name, too.
        let allowed = |c: char| c.is_ascii_alphanumeric() || "-_.~$&+:=@".contains(c);
        if name.is_empty() || !name.chars().all(allowed) {
            let why = "a key is kept under the environment's name, which may have letters, digits, and `-_.~$&+:=@` only";
            return Err(StoreError::Refused { what: format!("a key for `{name}`"), why: why.into() });
        }
        let variable = format!(
            "{VARIABLE_PREFIX}{}",
            name.to_ascii_uppercase().replace(|c: char| !c.is_ascii_alphanumeric(), "_")
        );
        if let Some(text) = self.0.given.get(&variable) {
            return parse(text, format!("the variable {variable}"));
        }
        let path = self.0.dir.join(format!("{}.key", file_name(name)));
        match read(&path) {
            Ok(text) => parse(&text, path.display().to_string()),
            Err(KeyFault::Absent) if missing == Missing::Make => {
                make(&self.0.dir, &path).map_err(|source| StoreError::Failed {
                    doing: format!("making the key {}", path.display()),
                    source: source.into(),
                })?;
                let text = read(&path).map_err(|fault| fault.explain(&path, &variable))?;
                parse(&text, path.display().to_string())
            }
            Err(fault) => Err(fault.explain(&path, &variable)),
        }
    }
}

/// The name with everything escaped that means something in a path.
fn file_name(name: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    name.chars().map(|c| if plain(c) { c.to_string() } else { format!("%{:02X}", u32::from(c)) }).collect()
}

impl std::fmt::Debug for KeyRing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "KeyRing({})", self.0.dir.display())
    }
}

/// Why a key file was not read.
enum KeyFault {
    Absent,
    Mode(u32),
    Read(io::Error),
}

impl KeyFault {
    fn explain(self, path: &Path, variable: &str) -> StoreError {
        let what = format!("the key {}", path.display());
        let why = match self {
            Self::Absent => format!(
                "it is not there, and values were sealed with it: put the file back from where it was first made, or set {variable} to its 64 digits"
            ),
            Self::Mode(mode) => {
                format!("others may read it (mode {mode:04o}): `chmod 600 {}`", path.display())
            }
            Self::Read(source) => {
                return StoreError::Failed { doing: format!("reading {what}"), source: source.into() };
            }
        };
        StoreError::Unreadable { what, why }
    }
}

fn read(path: &Path) -> Result<String, KeyFault> {
    let file = File::open(path).map_err(|fault| match fault.kind() {
        io::ErrorKind::NotFound => KeyFault::Absent,
        _ => KeyFault::Read(fault),
    })?;
    let mode = file.metadata().map_err(KeyFault::Read)?.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(KeyFault::Mode(mode));
    }
    io::read_to_string(file).map_err(KeyFault::Read)
}

fn parse(text: &str, place: String) -> Result<EnvironmentKey, StoreError> {
    let mut bytes = [0_u8; KEY_BYTES];
    if hex::decode_to_slice(text.trim(), &mut bytes).is_err() {
        let why = format!("a key is {} hexadecimal digits, and this is something else", KEY_BYTES * 2);
        return Err(StoreError::Unreadable { what: place, why });
    }
    let hash = Sha256::new().chain_update(b"mainstay key id\0").chain_update(bytes).finalize();
    let mut id = [0; 4];
    id.copy_from_slice(&hash[..4]);
    Ok(EnvironmentKey { cipher: XChaCha20Poly1305::new(Key::from_slice(&bytes)), id, place })
}

/// Makes a key file. One that appeared meanwhile stays: a link, unlike a rename, never replaces, and unlike a file that is
/// written in place is whole at once.
fn make(dir: &Path, path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)?;
    let key = XChaCha20Poly1305::generate_key(&mut OsRng);
    let draft = path.with_extension(format!("key.{}", std::process::id()));
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
        file.write_all(hex::encode(key).as_bytes())?;
        file.write_all(b"\n")?;
        file.sync_all()?;
        match fs::hard_link(&draft, path) {
            Err(fault) if fault.kind() != io::ErrorKind::AlreadyExists => Err(fault),
            _ => File::open(dir)?.sync_all(),
        }
    })();
    let removed = fs::remove_file(&draft);
    written.and(removed)
}
