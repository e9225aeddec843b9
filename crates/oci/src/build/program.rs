//! What a program is linked to: its interpreter and its shared libraries, found as the dynamic loader would find them.
//!
//! It follows ld.so(8) without `LD_LIBRARY_PATH` and without `/etc/ld.so.cache`, whose source, `/etc/ld.so.conf`, is read
//! instead. It runs neither the program nor `ldd`, and knows nothing about what a program opens with `dlopen`.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use elf::ElfBytes;
use elf::abi::{
    DT_NEEDED, DT_RPATH, DT_RUNPATH, DT_STRSZ, DT_STRTAB, EM_AARCH64, EM_X86_64, PT_INTERP, PT_LOAD,
};
use elf::endian::AnyEndian;
use elf::file::Class;

use crate::{Error, Platform, Result};

/// A file of this machine that a program needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Needed {
    /// Where it stands here.
    pub(super) source: PathBuf,
    /// Where the loader will look for it in the image.
    pub(super) destination: PathBuf,
    /// The program that needs it; itself for the program.
    pub(super) program: PathBuf,
}

/// A folder as it is named here and as it is named in the image. They differ only where a program was named by a link:
/// there `$ORIGIN` is where the link leads to, and here the folder that the link stands in.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Place {
    here: PathBuf,
    image: PathBuf,
}

/// What a program or library says about itself.
struct Linkage {
    class: Class,
    machine: u16,
    interpreter: Option<PathBuf>,
    needed: Vec<String>,
    rpath: Option<String>,
    runpath: Option<String>,
}

/// The files that programs need, each once, in a fixed order.
pub(super) fn closure(programs: &[PathBuf], platform: &Platform) -> Result<Vec<Needed>> {
    let Some(_) = programs.first() else { return Ok(Vec::new()) };
    let configured = configured_folders(Path::new("/etc/ld.so.conf"));
    let mut all = BTreeMap::new();
    for program in programs {
        for needed in closure_of(program, platform, &configured)? {
            all.entry(needed.destination.clone()).or_insert(needed);
        }
    }
    Ok(all.into_values().collect())
}

fn closure_of(program: &Path, platform: &Platform, configured: &[PathBuf]) -> Result<Vec<Needed>> {
    let refuse = |cause: String| Error::Program { program: program.to_owned(), cause };
    if !program.is_absolute() || program.components().any(|part| part == Component::ParentDir) {
        return Err(refuse(
            "its path must be absolute and without `..`, because it keeps it in the image".into(),
        ));
    }
    let linkage = read(program).map_err(&refuse)?;
    let machine = if platform.architecture == "arm64" { EM_AARCH64 } else { EM_X86_64 };
    if linkage.machine != machine {
        return Err(refuse(format!("it is not for {platform}")));
    }
    let file = |source: &Path, destination: &Path| Needed {
        source: source.to_owned(),
        destination: destination.to_owned(),
        program: program.to_owned(),
    };
    let mut found = vec![file(program, program)];
    // Without an interpreter nothing loads libraries: it is statically linked.
    let Some(interpreter) = linkage.interpreter.clone() else { return Ok(found) };
    if !interpreter.is_absolute() || !interpreter.is_file() {
        return Err(refuse(format!("its interpreter {} does not exist", interpreter.display())));
    }
    found.push(file(&interpreter, &interpreter));
    let here = fs::canonicalize(program).map_err(|fault| refuse(fault.to_string()))?;
    let mut search = Search::new(&linkage, &interpreter, configured);
    let origin = Place { here: folder_of(&here), image: folder_of(program) };
    search.enqueue(&linkage, &origin, &[], program);
    while let Some(wanted) = search.queue.pop_front() {
        let name = &wanted.name;
        let Some(hit) = search.find(&wanted) else {
            return Err(refuse(format!(
                "its library {name}, needed by {}, is not found",
                wanted.by.display()
            )));
        };
        let linkage =
            read(&hit.place.here).map_err(|cause| refuse(format!("its library {name}: {cause}")))?;
        let origin = Place { here: folder_of(&hit.place.here), image: folder_of(&hit.place.image) };
        search.enqueue(&linkage, &origin, &wanted.inherited, &hit.place.here);
        search.hits.push(hit);
    }
    found.extend(search.into_files().into_iter().map(|place| file(&place.here, &place.image)));
    Ok(found)
}

/// A library that is looked for.
struct Wanted {
    name: String,
    by: PathBuf,
    /// From `DT_RUNPATH`, or else from the `DT_RPATH` of the file and of what loaded it.
    folders: Vec<Place>,
    /// The `DT_RPATH`s alone, which its own libraries inherit.
    inherited: Vec<Place>,
}

struct Hit {
    place: Place,
    /// Whether only the loader's configuration leads to it, which the image does not have.
    configured: bool,
}

struct Search<'a> {
    class: Class,
    machine: u16,
    configured: &'a [PathBuf],
    built_in: Vec<PathBuf>,
    /// A library is loaded once under a name, wherever the second who needs it would have looked.
    seen: HashSet<String>,
    queue: VecDeque<Wanted>,
    hits: Vec<Hit>,
}

impl<'a> Search<'a> {
    fn new(linkage: &Linkage, interpreter: &Path, configured: &'a [PathBuf]) -> Self {
        let tuple = if linkage.machine == EM_AARCH64 { "aarch64-linux-gnu" } else { "x86_64-linux-gnu" };
        // Debian's loader has the first two built in, others the next two, and musl's the last ones.
        let built_in = [
            format!("/lib/{tuple}"),
            format!("/usr/lib/{tuple}"),
            "/lib64".into(),
            "/usr/lib64".into(),
            "/lib".into(),
            "/usr/local/lib".into(),
            "/usr/lib".into(),
        ];
        let musl = interpreter.file_name().is_some_and(|it| it.as_bytes().starts_with(b"ld-musl"));
        // glibc's loader does not have it built in: only its configuration names it.
        let built_in =
            built_in.into_iter().filter(|it| musl || it != "/usr/local/lib").map(PathBuf::from).collect();
        // The loader is a library too (of C++ and threads, and with musl of everything), and it is there already.
        let loader = interpreter.file_name().map(|it| it.to_string_lossy().into_owned());
        let mut seen: HashSet<_> = loader.into_iter().collect();
        if musl {
            seen.extend(["libc.so", "libc.musl-x86_64.so.1", "libc.musl-aarch64.so.1"].map(str::to_owned));
        }
        let (class, machine) = (linkage.class, linkage.machine);
        Self { class, machine, configured, built_in, seen, queue: VecDeque::new(), hits: Vec::new() }
    }

    /// Takes up what a file is linked to, `inherited` being the `DT_RPATH`s of what loaded it.
    fn enqueue(&mut self, linkage: &Linkage, origin: &Place, inherited: &[Place], by: &Path) {
        let mut rpath = linkage.rpath.as_deref().map(|it| expand(it, origin)).unwrap_or_default();
        rpath.extend_from_slice(inherited);
        let folders = match &linkage.runpath {
            // It takes the place of every DT_RPATH, and holds for this file's own libraries only.
            Some(runpath) => expand(runpath, origin),
            None => rpath.clone(),
        };
        for name in &linkage.needed {
            if self.seen.insert(name.clone()) {
                let (name, by) = (name.clone(), by.to_owned());
                self.queue.push_back(Wanted { name, by, folders: folders.clone(), inherited: rpath.clone() });
            }
        }
    }

    fn find(&self, wanted: &Wanted) -> Option<Hit> {
        let at = |here: PathBuf, image: PathBuf, configured: bool| {
            let hit = Hit { place: Place { here, image }, configured };
            self.fits(&hit.place.here).then_some(hit)
        };
        if wanted.name.contains('/') {
            let path = PathBuf::from(&wanted.name);
            return path.is_absolute().then(|| at(path.clone(), path, false)).flatten();
        }
        let own = wanted.folders.iter().map(|it| (&it.here, &it.image, false));
        let configured = self.configured.iter().map(|it| (it, it, !self.built_in.contains(it)));
        let built_in = self.built_in.iter().map(|it| (it, it, false));
        own.chain(configured)
            .chain(built_in)
            .find_map(|(here, image, only)| at(here.join(&wanted.name), image.join(&wanted.name), only))
    }

    /// The loader passes over files of another class or machine.
    fn fits(&self, path: &Path) -> bool {
        path.is_file() && read(path).is_ok_and(|it| it.class == self.class && it.machine == self.machine)
    }

    /// Where the files go. What only the loader's configuration leads to goes beside the C library, which stands in a
    /// folder that the loader knows by itself.
    fn into_files(self) -> Vec<Place> {
        let is_libc = |hit: &&Hit| {
            let name = hit.place.image.file_name().unwrap_or_default().as_bytes();
            name.starts_with(b"libc.so") && !hit.configured
        };
        let beside = self.hits.iter().find(is_libc).map(|hit| folder_of(&hit.place.image));
        let moved = |hit: Hit| match (&beside, hit.place.here.file_name()) {
            (Some(folder), Some(name)) if hit.configured => {
                Place { image: folder.join(name), here: hit.place.here.clone() }
            }
            _ => hit.place,
        };
        self.hits.into_iter().map(moved).collect()
    }
}

fn folder_of(path: &Path) -> PathBuf {
    path.parent().unwrap_or(Path::new("/")).to_owned()
}

/// The folders of a `DT_RPATH` or `DT_RUNPATH`. Those that are not absolute once expanded are left out: they depend on
/// where the program is started.
fn expand(path: &str, origin: &Place) -> Vec<Place> {
    let one = |part: &str, origin: &Path| {
        let expanded = part.replace("${ORIGIN}", "$ORIGIN").replace("$ORIGIN", &origin.to_string_lossy());
        without_parents(Path::new(&expanded)).filter(|it| !expanded.contains('$') && it.is_absolute())
    };
    path.split(':')
        .filter(|part| !part.is_empty())
        .filter_map(|part| Some(Place { here: one(part, &origin.here)?, image: one(part, &origin.image)? }))
        .collect()
}

/// Takes `..` out of a path by its text alone, which is how it will be read in an image where folders are not links.
fn without_parents(path: &Path) -> Option<PathBuf> {
    let mut clean = PathBuf::new();
    for part in path.components() {
        match part {
            Component::ParentDir => drop(clean.pop()),
            Component::CurDir => {}
            part => clean.push(part),
        }
    }
    (!clean.as_os_str().is_empty()).then_some(clean)
}

/// The folders of `/etc/ld.so.conf` and of what it includes, in their order.
fn configured_folders(file: &Path) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    let Ok(text) = fs::read_to_string(file) else { return folders };
    for line in text.lines() {
        let line = line.split('#').next().unwrap_or_default().trim();
        match line.strip_prefix("include").filter(|rest| rest.starts_with([' ', '\t'])) {
            None if line.starts_with('/') => folders.push(line.into()),
            None => {}
            // Distributions use one pattern, `ld.so.conf.d/*.conf`, which is the one that is understood.
            Some(pattern) => {
                let pattern = file.parent().unwrap_or(Path::new("/")).join(pattern.trim());
                let Some(folder) = pattern.to_str().and_then(|it| it.strip_suffix("/*.conf")) else {
                    continue;
                };
                let entries =
                    fs::read_dir(folder).into_iter().flatten().filter_map(|it| Some(it.ok()?.path()));
                let mut files: Vec<_> =
                    entries.filter(|it| it.extension() == Some(OsStr::new("conf"))).collect();
                files.sort();
                // Not `configured_folders` again: an include of an include would let a file include itself.
                for text in files.iter().filter_map(|it| fs::read_to_string(it).ok()) {
                    folders.extend(
                        text.lines().map(str::trim).filter(|it| it.starts_with('/')).map(PathBuf::from),
                    );
                }
            }
        }
    }
    folders
}

fn read(path: &Path) -> Result<Linkage, String> {
    let bytes = fs::read(path).map_err(|fault| format!("{} cannot be read: {fault}", path.display()))?;
    if !bytes.starts_with(b"\x7fELF") {
        return Err(format!("{} is not an ELF program; put a script there as a file", path.display()));
    }
    let broken = |fault: elf::ParseError| format!("{} is damaged: {fault}", path.display());
    let file = ElfBytes::<AnyEndian>::minimal_parse(&bytes).map_err(broken)?;
    let segments: Vec<_> = file.segments().map(|it| it.iter().collect()).unwrap_or_default();
    let mut linkage = Linkage {
        class: file.ehdr.class,
        machine: file.ehdr.e_machine,
        interpreter: None,
        needed: Vec::new(),
        rpath: None,
        runpath: None,
    };
    if let Some(segment) = segments.iter().find(|it| it.p_type == PT_INTERP) {
        let text = file.segment_data(segment).map_err(broken)?;
        let text = text.split(|byte| *byte == 0).next().unwrap_or_default();
        linkage.interpreter = Some(PathBuf::from(OsStr::from_bytes(text)));
    }
    let Some(dynamic) = file.dynamic().map_err(broken)? else { return Ok(linkage) };
    let entries: Vec<_> = dynamic.iter().map(|it| (it.d_tag, it.d_val())).collect();
    let value = |tag| entries.iter().find(|it| it.0 == tag).map(|it| it.1);
    // The table of strings is found as the loader finds it, by address: a stripped file may lack section headers.
    let address = value(DT_STRTAB).unwrap_or(0);
    let offset = segments.iter().filter(|it| it.p_type == PT_LOAD).find_map(|it| {
        address.checked_sub(it.p_vaddr).filter(|at| *at < it.p_filesz)?.checked_add(it.p_offset)
    });
    let strings = offset
        .zip(value(DT_STRSZ))
        .and_then(|(offset, size)| {
            let (from, size) = (usize::try_from(offset).ok()?, usize::try_from(size).ok()?);
            bytes.get(from..from.checked_add(size)?)
        })
        .unwrap_or_default();
    let string = |offset: u64| {
        let text = usize::try_from(offset).ok().and_then(|at| strings.get(at..))?;
        let text = text.split(|byte| *byte == 0).next()?;
        std::str::from_utf8(text).ok().map(str::to_owned)
    };
    for (tag, at) in &entries {
        let text = || string(*at).ok_or_else(|| format!("{} is damaged: a name is missing", path.display()));
        match *tag {
            DT_NEEDED => linkage.needed.push(text()?),
            DT_RPATH => linkage.rpath = Some(text()?),
            DT_RUNPATH => linkage.runpath = Some(text()?),
            _ => {}
        }
    }
    Ok(linkage)
}
