//! Local modules, and folders and archives of this machine.

use packages::{InstalledModules, Manifest, ModuleRequest, Places};

use crate::fixtures::{Project, call, package, told};

#[tokio::test]
async fn local_modules_are_used_where_they_are() {
    let project = Project::new();
    project.write("net/main.tf", "");
    project.write("net/sub/main.tf", "");
    project.write("other/main.tf", "");
    let calls = [
        call("net", "./x/../net"),
        call("net.sub", "./sub").from("net"),
        call("net.up", "../other").from("net"),
    ];
    assert_eq!(project.outcome(&calls).await, "net net\nnet.sub net/sub\nnet.up other");
    assert_eq!(
        project.read(".terraform/modules/modules.json"),
        r#"{"Modules":[{"Key":"","Source":"","Dir":"."},{"Key":"net","Source":"./net","Dir":"net"},{"Key":"net.sub","Source":"./sub","Dir":"net/sub"},{"Key":"net.up","Source":"../other","Dir":"other"}]}"#
    );
    assert!(!project.has("mainstay.lock.hcl"), "nothing is locked, so there is no lock");
    assert_eq!(project.events(), "net in net\nnet.sub in net/sub\nnet.up in other");
    project.install(&calls).await.unwrap();
    assert_eq!(project.events(), "", "what is installed is not told again");
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_a_fault_and_the_others_stay() {
    let project = Project::new();
    project.write("net/main.tf", "");
    project.write("file", "");
    project.install(&[call("net", "./net")]).await.unwrap();
    assert_eq!(
        project.outcome(&[call("a", "./nope"), call("b", "./file")]).await,
        "module-files: module a: the folder `nope` cannot be read: No such file or directory (os error 2)\n  \
         hint: check the path; it starts at the folder of the calling module\n\
         module-files: module b: the folder `file` cannot be read: Not a directory (os error 20)\n  \
         hint: check the path; it starts at the folder of the calling module"
    );
    let manifest = Manifest::read(&project.place().modules()).unwrap();
    assert_eq!(manifest.modules.keys().collect::<Vec<_>>(), ["net"], "a failed run forgets nothing");
}

#[tokio::test]
async fn a_folder_elsewhere_is_linked_and_its_modules_are_found() {
    let project = Project::new();
    let elsewhere = Project::new();
    elsewhere.write("net/main.tf", "");
    elsewhere.write("other/main.tf", "");
    let root = elsewhere.path().canonicalize().unwrap();
    let source = format!("{}//net", elsewhere.path().display());
    let calls = [call("a", &source), call("a.up", "../other").from(".terraform/modules/a/net")];
    let expect = format!("a .terraform/modules/a/net\na.up {}/other", root.display());
    assert_eq!(project.outcome(&calls).await, expect);
    assert!(!project.has("mainstay.lock.hcl"), "a folder of this machine is not locked");
    assert_eq!(
        project.outcome(&[call("b", "/does/not/exist")]).await,
        "module-files: module b: the folder `/does/not/exist` cannot be read: No such file or directory (os error 2)\n  \
         hint: check the path; it starts at the folder of the calling module"
    );
}

#[tokio::test]
async fn an_archive_of_this_machine_is_unpacked() {
    let project = Project::new();
    std::fs::write(project.path().join("p.zip"), package()).unwrap();
    let source = format!("{}/p.zip//inner", project.path().display());
    assert_eq!(project.outcome(&[call("a", &source)]).await, "a .terraform/modules/a/inner");
    assert!(project.has(".terraform/modules/a/main.tf"));
}

#[tokio::test]
async fn plans_find_what_is_installed_and_nothing_else() {
    let project = Project::new();
    project.write("net/main.tf", "");
    project.install(&[call("net", "./net")]).await.unwrap();
    let installed = InstalledModules::read(project.place()).unwrap();
    let find = |key: &str, source: &str| {
        let request = ModuleRequest::parse(key, source, None, ".", Places::default()).unwrap();
        match installed.find(&request) {
            Ok(found) => found.folder.display().to_string(),
            Err(faults) => told(&faults),
        }
    };
    assert_eq!(find("net", "./net"), "net");
    assert_eq!(
        find("other", "./net"),
        "module-not-installed: module other: the module is not installed\n  hint: run `init`"
    );
    assert_eq!(
        find("net", "./other"),
        "module-not-installed: module net: the installed module is another than the configuration names: \
         installed is ./net\n  hint: run `init`"
    );
}

#[tokio::test]
async fn a_damaged_manifest_or_lock_is_told_and_left_alone() {
    let project = Project::new();
    project.write("net/main.tf", "");
    project.write(".terraform/modules/modules.json", "{");
    let outcome = project.outcome(&[call("net", "./net")]).await;
    let path = project.path().display();
    assert_eq!(
        outcome,
        format!(
            "module-manifest: `{path}/.terraform/modules/modules.json` cannot be understood: \
             EOF while parsing an object at line 1 column 1\n  hint: restore the file, or remove it and run `init`"
        )
    );
    assert_eq!(project.read(".terraform/modules/modules.json"), "{");
    project.write(".terraform/modules/modules.json", "{\"Modules\":[]}");
    for (lock, cause) in [
        ("\nmodule \"a\" {\n}\n", "line 2: a `module` has either `hash` or `commit`"),
        (
            "module \"a\" {\n  commit = \"--upload-pack=x\"\n}\n",
            "line 1: `commit` is a whole commit's number",
        ),
        (
            "module \"a\" {\n  version = \"x\"\n}\n",
            "line 1: `x` is not a version: it has to start with a number",
        ),
        ("module \"a\" \"b\" {\n}\n", "line 1: a `module` has one name, its package's"),
    ] {
        project.write("mainstay.lock.hcl", lock);
        assert_eq!(
            project.outcome(&[call("net", "./net")]).await,
            format!(
                "module-manifest: `{path}/mainstay.lock.hcl` cannot be understood: {cause}\n  \
                 hint: restore the file, or remove it and run `init`"
            )
        );
        assert_eq!(project.read("mainstay.lock.hcl"), lock);
    }
}
