//! Layers and images made by hand for the tests, as other tools would make them or as nobody should.

use std::collections::BTreeMap;
use std::io::Write;

use oci::{Descriptor, Digest, Layer, Layout, Manifest, Platform};
use tar::{EntryType, Header};
use tempfile::TempDir;

/// A tar that is written entry by entry, without any of the checks of a library.
#[derive(Default)]
pub struct RawTar(Vec<u8>);

impl RawTar {
    /// Adds an entry. The name and the link are put there as they are, at most 100 bytes of each.
    pub fn entry(mut self, kind: EntryType, name: &str, link: &str, mode: u32, content: &[u8]) -> Self {
        let mut header = header(kind, name, link, mode, content.len() as u64);
        header.set_cksum();
        self.append(&header, content);
        self
    }

    pub fn file(self, name: &str, content: &str) -> Self {
        self.entry(EntryType::Regular, name, "", 0o644, content.as_bytes())
    }

    pub fn folder(self, name: &str) -> Self {
        self.entry(EntryType::Directory, name, "", 0o755, b"")
    }

    pub fn symlink(self, name: &str, target: &str) -> Self {
        self.entry(EntryType::Symlink, name, target, 0o777, b"")
    }

    /// Adds only a header, which says that so many bytes follow.
    pub fn claim(mut self, kind: EntryType, name: &str, size: u64) -> Self {
        let mut header = header(kind, name, "", 0o644, size);
        header.set_cksum();
        self.0.extend_from_slice(header.as_bytes());
        self
    }

    /// Adds a PAX header for the next entry.
    pub fn pax(mut self, key: &str, value: &[u8]) -> Self {
        let rest = key.len() + value.len() + 3;
        let length = (1..).map(|digits| rest + digits).find(|it| it.to_string().len() + rest == *it).unwrap();
        let record = [format!("{length} {key}=").as_bytes(), value, b"\n"].concat();
        let mut header = header(EntryType::XHeader, "pax", "", 0o644, record.len() as u64);
        header.set_cksum();
        self.append(&header, &record);
        self
    }

    pub fn owned(mut self, name: &str, owner: (u64, u64), mode: u32) -> Self {
        let mut header = header(EntryType::Regular, name, "", mode, 0);
        header.set_uid(owner.0);
        header.set_gid(owner.1);
        header.set_mtime(1_000_000_000);
        header.set_cksum();
        self.append(&header, b"");
        self
    }

    fn append(&mut self, header: &Header, content: &[u8]) {
        self.0.extend_from_slice(header.as_bytes());
        self.0.extend_from_slice(content);
        self.0.resize(self.0.len().next_multiple_of(512), 0);
    }

    pub fn bytes(mut self) -> Vec<u8> {
        self.0.resize(self.0.len() + 1024, 0);
        self.0
    }
}

fn header(kind: EntryType, name: &str, link: &str, mode: u32, size: u64) -> Header {
    let mut header = Header::new_gnu();
    header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
    header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_size(size);
    header.set_mtime(0);
    header.set_uid(0);
    header.set_gid(0);
    header.set_device_major(0).unwrap();
    header.set_device_minor(0).unwrap();
    header
}

pub fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(bytes).unwrap();
    gzip.finish().unwrap()
}

/// A layout in a temporary folder, with room beside it.
pub struct Fixture {
    pub folder: TempDir,
    pub layout: Layout,
}

impl Fixture {
    pub fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let layout = Layout::create(folder.path().join("layout")).unwrap();
        Self { folder, layout }
    }

    /// Stores a layer's blob, gzipped.
    pub fn layer(&self, tar: RawTar) -> Layer {
        let tar = tar.bytes();
        self.blob(&gzip(&tar), Digest::of(&tar))
    }

    pub fn blob(&self, blob: &[u8], diff_id: Digest) -> Layer {
        let digest = self.layout.put_bytes(blob).unwrap();
        Layer { descriptor: descriptor("application/vnd.oci.image.layer.v1.tar", digest, blob), diff_id }
    }

    /// Stores an image of layers.
    pub fn image(&self, layers: &[Layer], name: Option<&str>) -> Digest {
        let config = serde_json::json!({
            "architecture": Platform::host().architecture,
            "os": "linux",
            "config": { "Env": ["PATH=/bin", "LANG=C"], "Cmd": ["/bin/sh"], "Volumes": { "/data": {} }, "Labels": null },
            "rootfs": { "type": "layers", "diff_ids": layers.iter().map(|it| it.diff_id).collect::<Vec<_>>() },
        });
        let config = serde_json::to_vec(&config).unwrap();
        let digest = self.layout.put_bytes(&config).unwrap();
        let manifest = Manifest {
            schema_version: 2,
            media_type: Some("application/vnd.oci.image.manifest.v1+json".into()),
            config: descriptor("application/vnd.oci.image.config.v1+json", digest, &config),
            layers: layers.iter().map(|it| it.descriptor.clone()).collect(),
            annotations: BTreeMap::new(),
        };
        self.layout.put_manifest(&serde_json::to_vec(&manifest).unwrap(), name).unwrap()
    }
}

fn descriptor(kind: &str, digest: Digest, bytes: &[u8]) -> Descriptor {
    Descriptor {
        media_type: kind.into(),
        digest,
        size: bytes.len() as u64,
        platform: None,
        annotations: BTreeMap::new(),
    }
}

/// Says why a test does nothing on this machine.
pub fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

pub fn is_root() -> bool {
    nix::unistd::geteuid().is_root()
}
