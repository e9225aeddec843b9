//! The file system of a container: layers, `/proc`, `/dev`, what is masked, and the change of root.
//!
//! It runs in the child that becomes the container, in a mount namespace of its own: nothing that is mounted here is seen
//! outside, and all of it is gone with the last process. No path of the image is followed before the root has been
//! changed, so that a symbolic link in an image cannot lead to the machine's files.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, symlink};
use std::path::{Path, PathBuf};

use nix::fcntl::{OFlag, open};
use nix::mount::{MntFlags, MsFlags, mount, umount2};
use nix::sys::stat::Mode;
use nix::unistd::{fchdir, pivot_root};

use super::{SetUpError, at};
use crate::order::ContainerOrder;

/// Device nodes of the machine that every program expects.
const DEVICES: [&str; 6] = ["null", "zero", "full", "random", "urandom", "tty"];
/// Files and folders of the kernel that tell about the machine or change it.
const MASKED: [&str; 12] = [
    "/proc/acpi",
    "/proc/asound",
    "/proc/interrupts",
    "/proc/kcore",
    "/proc/keys",
    "/proc/latency_stats",
    "/proc/sched_debug",
    "/proc/scsi",
    "/proc/sysrq-trigger",
    "/proc/timer_list",
    "/proc/timer_stats",
    "/sys/firmware",
];
/// Settings of the kernel that may be read.
const READ_ONLY: [&str; 4] = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys"];

/// Makes the root of a container in `folder` and moves this process into it.
pub(crate) fn enter(order: &ContainerOrder, folder: &Path, host_name: &str) -> Result<(), SetUpError> {
    let none = None::<&str>;
    mount(none, "/", none, MsFlags::MS_REC | MsFlags::MS_PRIVATE, none)
        .map_err(at("keep mounts to itself"))?;
    let root = folder.join("root");
    stack_layers(order, folder, &root)?;
    let devices = open_devices()?;
    let old = open("/", OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(at("open the machine's root"))?;
    std::env::set_current_dir(&root).map_err(at("enter the new root"))?;
    pivot_root(".", ".").map_err(at("change the root"))?;
    mount_proc()?;
    mount_devices(&devices)?;
    if !order.rootless {
        mount_sys()?;
    }
    mask()?;
    fchdir(&old).map_err(at("leave the machine's root"))?;
    umount2(".", MntFlags::MNT_DETACH).map_err(at("take the machine's root away"))?;
    std::env::set_current_dir("/").map_err(at("enter the new root"))?;
    write_names(host_name, &order.address)
}

/// The image's layers below a folder of the instance's own, which keeps what the program writes over restarts.
fn stack_layers(order: &ContainerOrder, folder: &Path, root: &Path) -> Result<(), SetUpError> {
    let (upper, work) = (folder.join("upper"), folder.join("work"));
    for made in [root, &upper, &work] {
        private_folder(made).map_err(at("make the folders of the root"))?;
    }
    // The work folder is for root alone; this one is the root that every user of the container passes.
    fs::set_permissions(&upper, std::os::unix::fs::PermissionsExt::from_mode(0o755))
        .map_err(at("make the folders of the root"))?;
    if order.rootless && folder.join("copied").exists() {
        return bind_itself(root);
    }
    // A descriptor's path is short: the kernel takes one page of options, and the names of layers are long.
    let mut opened = Vec::new();
    for layer in order.layers.iter().rev() {
        let layer = open(layer, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|fault| SetUpError::new(&format!("open the layer {}", layer.display()), &fault))?;
        opened.push(layer);
    }
    let lower: Vec<String> =
        opened.iter().map(|layer| format!("/proc/self/fd/{}", layer.as_raw_fd())).collect();
    let upper_fd = open_folder(&upper)?;
    let work_fd = open_folder(&work)?;
    let options = format!(
        "lowerdir={},upperdir=/proc/self/fd/{},workdir=/proc/self/fd/{}{}",
        lower.join(":"),
        upper_fd.as_raw_fd(),
        work_fd.as_raw_fd(),
        if order.rootless { ",userxattr" } else { "" }
    );
    match mount(Some("overlay"), root, Some("overlay"), MsFlags::MS_NODEV, Some(options.as_str())) {
        Ok(()) => Ok(()),
        Err(_) if order.rootless => copy_layers(order, folder, root),
        Err(fault) => Err(SetUpError::new("stack the image's layers", &fault)),
    }
}

/// Where the kernel has no overlay for those who are not root: a plain copy, made once for each instance. Whiteouts were
/// applied when the layers were unpacked.
fn copy_layers(order: &ContainerOrder, folder: &Path, root: &Path) -> Result<(), SetUpError> {
    for layer in &order.layers {
        copy_tree(layer, root).map_err(at("copy the image's files"))?;
    }
    File::create(folder.join("copied")).map_err(at("copy the image's files"))?;
    bind_itself(root)
}

/// A root must be a mount of its own.
fn bind_itself(root: &Path) -> Result<(), SetUpError> {
    mount(Some(root), root, None::<&str>, MsFlags::MS_BIND | MsFlags::MS_REC, None::<&str>)
        .map_err(at("make the root a mount"))
}

fn copy_tree(from: &Path, to: &Path) -> io::Result<()> {
    let mut waiting = vec![(from.to_path_buf(), to.to_path_buf())];
    while let Some((from, to)) = waiting.pop() {
        for entry in fs::read_dir(&from)? {
            let entry = entry?;
            let (source, target, kind) = (entry.path(), to.join(entry.file_name()), entry.file_type()?);
            if kind.is_symlink() {
                symlink(fs::read_link(&source)?, &target)?;
            } else if kind.is_dir() {
                private_folder(&target)?;
                fs::set_permissions(&target, entry.metadata()?.permissions())?;
                waiting.push((source, target));
            } else if kind.is_file() {
                fs::copy(&source, &target)?;
            }
        }
    }
    Ok(())
}

fn open_folder(path: &Path) -> Result<OwnedFd, SetUpError> {
    open(path, OFlag::O_PATH | OFlag::O_DIRECTORY | OFlag::O_CLOEXEC, Mode::empty())
        .map_err(|fault| SetUpError::new(&format!("open {}", path.display()), &fault))
}

fn open_devices() -> Result<Vec<(&'static str, OwnedFd)>, SetUpError> {
    let mut opened = Vec::new();
    for name in DEVICES {
        let path = format!("/dev/{name}");
        let device = open(path.as_str(), OFlag::O_PATH | OFlag::O_CLOEXEC, Mode::empty())
            .map_err(|fault| SetUpError::new(&format!("open {path}"), &fault))?;
        opened.push((name, device));
    }
    Ok(opened)
}

fn mount_proc() -> Result<(), SetUpError> {
    make_folder("/proc")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    mount(Some("proc"), "/proc", Some("proc"), flags, None::<&str>).map_err(at("mount /proc"))
}

fn mount_sys() -> Result<(), SetUpError> {
    make_folder("/sys")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC | MsFlags::MS_RDONLY;
    mount(Some("sysfs"), "/sys", Some("sysfs"), flags, None::<&str>).map_err(at("mount /sys"))
}

fn mount_devices(devices: &[(&str, OwnedFd)]) -> Result<(), SetUpError> {
    make_folder("/dev")?;
    let flags = MsFlags::MS_NOSUID | MsFlags::MS_NOEXEC;
    mount(Some("tmpfs"), "/dev", Some("tmpfs"), flags, Some("mode=755,size=64k"))
        .map_err(at("mount /dev"))?;
    for (name, device) in devices {
        let target = format!("/dev/{name}");
        File::create(&target).map_err(at("make /dev"))?;
        let source = format!("/proc/self/fd/{}", device.as_raw_fd());
        mount(Some(source.as_str()), target.as_str(), None::<&str>, MsFlags::MS_BIND, None::<&str>)
            .map_err(|fault| SetUpError::new(&format!("mount {target}"), &fault))?;
    }
    make_folder("/dev/pts")?;
    mount(Some("devpts"), "/dev/pts", Some("devpts"), flags, Some("newinstance,ptmxmode=0666,mode=0620"))
        .map_err(at("mount /dev/pts"))?;
    make_folder("/dev/shm")?;
    let shared = flags | MsFlags::MS_NODEV;
    mount(Some("tmpfs"), "/dev/shm", Some("tmpfs"), shared, Some("mode=1777,size=64m"))
        .map_err(at("mount /dev/shm"))?;
    for (target, link) in [
        ("pts/ptmx", "/dev/ptmx"),
        ("/proc/self/fd", "/dev/fd"),
        ("/proc/self/fd/0", "/dev/stdin"),
        ("/proc/self/fd/1", "/dev/stdout"),
        ("/proc/self/fd/2", "/dev/stderr"),
    ] {
        symlink(target, link).map_err(at("make /dev"))?;
    }
    Ok(())
}

fn mask() -> Result<(), SetUpError> {
    let none = None::<&str>;
    let fixed = MsFlags::MS_BIND | MsFlags::MS_REMOUNT | MsFlags::MS_RDONLY;
    let quiet = MsFlags::MS_NOSUID | MsFlags::MS_NODEV | MsFlags::MS_NOEXEC;
    for path in READ_ONLY {
        if Path::new(path).exists() {
            mount(Some(path), path, none, MsFlags::MS_BIND | MsFlags::MS_REC, none)
                .and_then(|()| mount(Some(path), path, none, fixed | quiet, none))
                .map_err(|fault| SetUpError::new(&format!("make {path} read-only"), &fault))?;
        }
    }
    for path in MASKED {
        let masked = match fs::metadata(path) {
            Ok(data) if data.is_dir() => {
                mount(Some("tmpfs"), path, Some("tmpfs"), MsFlags::MS_RDONLY | quiet, Some("size=0,mode=000"))
            }
            Ok(_) => mount(Some("/dev/null"), path, none, MsFlags::MS_BIND, none),
            Err(_) => Ok(()),
        };
        masked.map_err(|fault| SetUpError::new(&format!("mask {path}"), &fault))?;
    }
    Ok(())
}

/// Writes the files that give names, where the image has none, and a `/tmp` that all may use.
fn write_names(host_name: &str, address: &str) -> Result<(), SetUpError> {
    make_folder("/etc")?;
    let hosts = format!("127.0.0.1 localhost\n::1 localhost\n{address} {host_name}\n");
    for (path, text) in
        [("/etc/hosts", hosts.as_str()), ("/etc/resolv.conf", ""), ("/etc/hostname", host_name)]
    {
        match OpenOptions::new().write(true).create_new(true).mode(0o644).open(path) {
            Ok(mut file) => {
                io::Write::write_all(&mut file, text.as_bytes()).map_err(at("write the names"))?
            }
            Err(fault) if fault.kind() == io::ErrorKind::AlreadyExists => {}
            Err(fault) => return Err(SetUpError::new(&format!("write {path}"), &fault)),
        }
    }
    if !Path::new("/tmp").exists() {
        make_folder("/tmp")?;
        fs::set_permissions("/tmp", std::os::unix::fs::PermissionsExt::from_mode(0o1777))
            .map_err(at("make /tmp"))?;
    }
    Ok(())
}

fn make_folder(path: &str) -> Result<(), SetUpError> {
    let made = fs::DirBuilder::new().mode(0o755).recursive(true).create(PathBuf::from(path));
    made.map_err(|fault| SetUpError::new(&format!("make {path}"), &fault))
}

fn private_folder(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().mode(0o700).recursive(true).create(path)
}
