//! The scripted provider in a mirror, and the cloud that it makes its objects in.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use testkit::provider::{Cloud, Entry, Rule, SCRIPT, Script, calls};

/// The provider's place among others.
const SOURCE: &str = "registry.terraform.io/acme/scripted";

/// What a configuration needs to use it.
pub const REQUIRED: &str = "terraform {\n  required_providers {\n    scripted = {\n      source = \"acme/scripted\"\n    }\n  }\n}\n";

/// A folder with the provider's objects, its script and the settings that it is installed by.
pub struct Rig {
    folder: tempfile::TempDir,
    /// What the provider is like where no rule says otherwise.
    script: Script,
}

impl Rig {
    /// A provider that does what a script says.
    pub fn new(change: impl FnOnce(Script) -> Script) -> Self {
        let folder = tempfile::Builder::new().prefix("mainstay-cloud-").tempdir().expect("a folder");
        let script = change(Script::new(folder.path()));
        let rig = Self { folder, script };
        let text = format!(
            "provider_installation {{\n  filesystem_mirror {{\n    path = \"{}\"\n  }}\n}}\n",
            mirror().display()
        );
        std::fs::write(rig.settings(), text).expect("settings");
        rig.behaves();
        rig
    }

    /// The processes to come do nothing out of the ordinary.
    pub fn behaves(&self) {
        self.script.write().expect("a script");
    }

    /// The processes to come do something out of the ordinary.
    pub fn misbehaves(&self, rule: Rule) {
        self.script.clone().with(rule).write().expect("a script");
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// What `SCRIPT` has to say.
    pub fn script_file(&self) -> PathBuf {
        self.folder().join("script.json")
    }

    fn settings(&self) -> PathBuf {
        self.folder().join("terraform.rc")
    }

    /// The provider is a program that is being developed, and nothing is installed or locked.
    pub fn develop(&self) {
        let package = package();
        let text = format!(
            "provider_installation {{\n  dev_overrides {{\n    \"acme/scripted\" = \"{}\"\n  }}\n  direct {{}}\n}}\n",
            package.display()
        );
        std::fs::write(self.settings(), text).expect("settings");
    }

    /// What a program has to be given to find the provider. `with_script`: whether the provider is to find its script by what
    /// it inherits.
    pub fn equip(&self, command: &mut Command, with_script: bool) {
        command
            .env("TF_CLI_CONFIG_FILE", self.settings())
            .env("XDG_CACHE_HOME", Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripted-cache"))
            .env("HOME", self.folder())
            .env("TF_IN_AUTOMATION", "1")
            .env("CHECKPOINT_DISABLE", "1")
            .env_remove("TF_PLUGIN_CACHE_DIR")
            .env_remove("TF_DATA_DIR")
            .env_remove(SCRIPT);
        if with_script {
            command.env(SCRIPT, self.script_file());
        }
    }

    pub fn cloud(&self) -> Cloud {
        Cloud::read(self.folder()).expect("a cloud")
    }

    /// The names of the objects that there are, with their ids.
    pub fn objects(&self) -> Vec<(String, String)> {
        let named = self.cloud().objects.into_iter().map(|(id, object)| {
            let value = object.value().expect("a value");
            let name = value.get("name").or_else(|| value.get("title"));
            let name = name.and_then(|name| name.as_str().map(str::to_owned));
            (name.unwrap_or_default(), id)
        });
        named.collect()
    }

    /// The id of the one object of a name.
    pub fn id(&self, name: &str) -> Option<String> {
        let mut found = self.objects().into_iter().filter(|(its, _)| its == name);
        let id = found.next().map(|(_, id)| id);
        assert!(found.next().is_none(), "there are two objects {name:?}");
        id
    }

    /// Somebody removes an object by hand.
    pub fn remove(&self, id: &str) {
        Cloud::change(self.folder(), |cloud| cloud.objects.remove(id)).expect("a cloud");
    }

    pub fn calls(&self) -> Vec<Entry> {
        calls(self.folder()).expect("a journal")
    }

    /// How often something was called about an object.
    pub fn count(&self, call: &str, about: &str) -> usize {
        self.calls().iter().filter(|entry| entry.call == call && entry.about == about).count()
    }

    /// The processes that were started.
    pub fn pids(&self) -> Vec<u32> {
        self.calls().into_iter().filter(|entry| entry.call == "start").map(|entry| entry.pid).collect()
    }

    /// Waits until no process of the provider runs any more.
    #[track_caller]
    pub fn all_ended(&self) {
        let pids = self.pids();
        assert!(!pids.is_empty(), "no provider was ever started");
        until("every process of the provider has ended", || !pids.iter().any(|pid| runs(*pid)));
    }

    /// The same provider with a copy of the cloud.
    pub fn copy(&self) -> Self {
        let copy = Self::new(|own| Script { cloud: own.cloud, ..self.script.clone() });
        for file in ["cloud.json", "terraform.rc"] {
            let from = self.folder().join(file);
            if from.exists() {
                std::fs::copy(from, copy.folder().join(file)).expect("a copy");
            }
        }
        copy
    }

    /// What is described and found of each object, by name: `size`, for example.
    pub fn numbers(&self, attribute: &str) -> BTreeMap<String, Option<i64>> {
        let each = self.cloud().objects.into_values().map(|object| {
            let value = object.value().expect("a value");
            let name = value.get("name").and_then(|name| name.as_str().map(str::to_owned));
            let number = value.get(attribute).and_then(|it| it.as_number().and_then(|it| it.to_i64()));
            (name.unwrap_or_default(), number)
        });
        each.collect()
    }
}

/// Waits for something that has to happen soon.
#[track_caller]
pub fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it was waited for in vain that {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// Whether a process runs; one that is only not reaped yet does not.
fn runs(pid: u32) -> bool {
    let Ok(status) = std::fs::read_to_string(format!("/proc/{pid}/stat")) else { return false };
    // After the name, which may hold anything.
    !status.rsplit(')').next().is_some_and(|rest| rest.trim_start().starts_with('Z'))
}

/// A program that cargo builds beside the tests.
pub fn example(name: &str) -> PathBuf {
    let tests = std::env::current_exe().expect("our own path");
    let target = tests.ancestors().nth(2).expect("the target folder");
    let path = target.join("examples").join(name);
    assert!(path.exists(), "{} was not built with the tests", path.display());
    path
}

/// A mirror that has the provider, as a link to the program that was built; shared, so that the program is hashed once.
fn mirror() -> PathBuf {
    package();
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripted-mirror")
}

fn package() -> PathBuf {
    let mirror = Path::new(env!("CARGO_TARGET_TMPDIR")).join("scripted-mirror");
    let machine = match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    };
    let package = mirror.join(SOURCE).join(format!("1.0.0/linux_{machine}"));
    std::fs::create_dir_all(&package).expect("a mirror");
    let program = package.join("terraform-provider-scripted_v1.0.0");
    let built = example("terraform-provider-scripted");
    // Another test may be at it.
    if let Err(error) = std::os::unix::fs::symlink(&built, &program) {
        assert_eq!(error.kind(), std::io::ErrorKind::AlreadyExists, "{error}");
        assert_eq!(std::fs::read_link(&program).expect("a link"), built);
    }
    package
}
