//! Whole projects: what is loaded, what variables are worth, and what a service becomes.

use std::collections::BTreeMap;

use diag::{Diagnostics, Style, render_all};
use lang::configuration::ConstantScope;
use lang::{Loaded, MemoryFiles, Reference, Repetition, VariableInput, resolve_variables};
use value::{Marks, Value};

fn files(all: &[(&str, &str)]) -> MemoryFiles {
    MemoryFiles(all.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect())
}

#[track_caller]
fn load(files: &MemoryFiles) -> Loaded {
    let loaded = lang::load(files);
    let mut faults = loaded.diagnostics.clone();
    faults.extend(lang::validate(&loaded.configuration, files));
    assert!(faults.is_empty(), "{}", render_all(&faults, &loaded.sources, Style::Plain));
    loaded
}

const PROJECT: &str = "project {\n  name = \"shop\"\n}\n";

#[test]
fn without_an_environment_there_is_dev_with_one_local_cluster() {
    let loaded = load(&files(&[("mainstay.hcl", PROJECT)]));
    let dev = loaded.configuration.environment("dev").expect("dev");
    assert!(!dev.protected);
    assert_eq!(dev.clusters.iter().map(|c| c.name.as_ref()).collect::<Vec<_>>(), ["local"]);
    assert_eq!(dev.clusters[0].listen.as_ref(), "127.0.0.1:8080");
}

#[test]
fn clusters_keep_the_order_of_the_text() {
    let loaded = load(&files(&[
        ("mainstay.hcl", PROJECT),
        (
            "environments/prod.hcl",
            "environment \"prod\" {\n  protected = true\n  cluster \"b\" {}\n  cluster \"a\" {\n    socket = \"/run/a.sock\"\n  }\n}\n",
        ),
    ]));
    assert!(loaded.configuration.environment("dev").is_none());
    let prod = loaded.configuration.environment("prod").expect("prod");
    assert!(prod.protected);
    assert_eq!(prod.clusters.iter().map(|c| c.name.as_ref()).collect::<Vec<_>>(), ["b", "a"]);
    assert_eq!(prod.cluster("a").and_then(|c| c.socket.as_deref()), Some("/run/a.sock"));
}

#[test]
fn a_value_comes_from_people_then_from_the_environment_then_from_the_default() {
    let files = files(&[
        ("mainstay.hcl", PROJECT),
        (
            "environments/dev.hcl",
            "environment \"dev\" {\n  variables = {\n    a = \"environment\"\n    b = 7\n  }\n}\n",
        ),
        (
            "variables.tf",
            "variable \"a\" {\n  type = string\n}\nvariable \"b\" {\n  type    = number\n  default = 1\n}\nvariable \"c\" {\n  type      = list(object({ x = optional(number, 5) }))\n  default   = [{}]\n  sensitive = true\n}\nvariable \"d\" {}\n",
        ),
    ]);
    let loaded = load(&files);
    let configuration = &loaded.configuration;
    let dev = configuration.environment("dev").expect("dev");
    let input = |text: &str| VariableInput { text: text.into(), origin: "-var".into() };
    let inputs = BTreeMap::from([("a".to_owned(), input("[not a list]")), ("d".to_owned(), input("[1, 2]"))]);
    let (values, faults) = resolve_variables(configuration, dev, &inputs, &files);
    assert!(faults.is_empty(), "{faults}");
    assert_eq!(values[0], Value::string("[not a list]"));
    assert_eq!(values[1], Value::number(7));
    assert!(values[2].marks().contains(Marks::SENSITIVE));
    assert_eq!(format!("{}", values[2].clone().unmark().0), "[{ x = 5 }]");
    assert_eq!(values[3].length(), Some(2));
    let wrong = BTreeMap::from([("b".to_owned(), input("many")), ("e".to_owned(), input("1"))]);
    let (_, faults) = resolve_variables(configuration, dev, &wrong, &files);
    let messages: Vec<String> = faults.0.iter().map(|d| format!("{d}")).collect();
    assert_eq!(
        messages,
        [
            "-var: there is no variable `e`",
            "-var: `b` is a number: a number is required",
            "the variable `d` has no value in the environment `dev`",
        ]
    );
}

#[test]
fn a_service_becomes_an_object_with_its_defaults() {
    let files = files(&[(
        "mainstay.hcl",
        "project {\n  name = \"shop\"\n}\nservice \"web\" {\n  image = \"shop/web\"\n  port \"http\" {\n    container = 8080\n  }\n  health {\n    http = \"/\"\n  }\n}\n",
    )]);
    let loaded = load(&files);
    let scope = ConstantScope { files: &files, project: "shop", environment: Some("dev") };
    let decoded = loaded.configuration.services[0].decode(&scope);
    assert!(decoded.diagnostics.is_empty());
    assert_eq!(decoded.value.ty(), lang::blocks::service_type());
    insta::assert_snapshot!(decoded.value.to_string().replace(", ", ",\n"));
}

#[test]
fn references_are_found_once_and_make_dependencies() {
    let files = files(&[(
        "mainstay.hcl",
        "project {\n  name = \"shop\"\n}\nlocals {\n  url = \"redis://${service.cache.address}\"\n}\nservice \"cache\" {\n  image = \"cache\"\n}\nservice \"web\" {\n  image = \"web\"\n  env = {\n    URL = local.url\n    TWO = local.url\n    AT  = cluster.name\n  }\n  depends_on = [service.cache]\n  for_each   = toset([\"a\", \"b\"])\n}\noutput \"all\" {\n  value = [for k, web in service.web : web.address]\n}\n",
    )]);
    let loaded = load(&files);
    let configuration = &loaded.configuration;
    let web = &configuration.services[1];
    assert_eq!(web.references(), [Reference::Local(lang::LocalId(0)), Reference::ClusterName]);
    assert_eq!(web.depends_on[0].on, Reference::Service(lang::ServiceId(0)));
    assert_eq!(configuration.locals[0].references(), [Reference::Service(lang::ServiceId(0))]);
    let scope = ConstantScope { files: &files, project: "shop", environment: None };
    let Ok(Repetition::Each(keys)) = web.repetition(&scope) else { panic!("two of them") };
    assert_eq!(keys.keys().map(AsRef::as_ref).collect::<Vec<_>>(), ["a", "b"]);
}

#[test]
fn a_seed_gives_each_object_its_key() {
    let files = files(&[(
        "mainstay.hcl",
        "project {\n  name = \"shop\"\n}\nservice \"cache\" {\n  image = \"cache\"\n}\nseed \"catalog\" {\n  service  = service.cache\n  protocol = \"redis\"\n  files    = [\"seed/*.json\"]\n  key      = \"product:${object.id}\"\n}\n",
    )]);
    let loaded = load(&files);
    let seed = &loaded.configuration.seeds[0];
    let scope = ConstantScope { files: &files, project: "shop", environment: None };
    let object = Value::object([("id", Value::number(7))]);
    assert_eq!(seed.key(object, &scope).as_deref(), Ok("product:7"));
    let faults: Diagnostics =
        seed.key(Value::object([("name", Value::number(7))]), &scope).expect_err("no id");
    assert_eq!(faults.0[0].message, "this object has no attribute `id`");
    assert_eq!(seed.decode(&scope).value.get("service"), Some(Value::string("cache")));
}

#[test]
fn the_value_of_a_variable_has_to_be_known_before_an_apply() {
    let files = files(&[
        ("mainstay.hcl", PROJECT),
        (
            "environments/dev.hcl",
            "environment \"dev\" {\n  variables = {\n    a = templatestring(\"$${uuid()}\", {})\n  }\n}\n",
        ),
        ("variables.tf", "variable \"a\" {}\n"),
    ]);
    let loaded = load(&files);
    let dev = loaded.configuration.environment("dev").expect("dev");
    let (_, faults) = lang::resolve_variables(&loaded.configuration, dev, &Default::default(), &files);
    let told: Vec<&str> = faults.0.iter().map(|f| f.message.as_str()).collect();
    assert_eq!(told, ["the value of `a` is known only at an apply"]);
}

#[test]
fn nothing_outside_of_the_project_is_read() {
    let folder = std::env::temp_dir().join(format!("lang-files-{}", std::process::id()));
    let root = folder.join("project");
    std::fs::create_dir_all(&root).expect("a folder");
    std::fs::write(folder.join("secret"), "s").expect("a file");
    std::fs::write(root.join("inside"), "i").expect("a file");
    std::os::unix::fs::symlink("../secret", root.join("link")).expect("a link");
    let disk = lang::DiskFiles::new(&root).expect("the project");
    let read = |path: &str| lang::ProjectFiles::read(&disk, path).map_err(|e| e.to_string());
    assert_eq!(read("inside").as_deref(), Ok(b"i".as_slice()));
    assert_eq!(read("./x/../inside").as_deref(), Ok(b"i".as_slice()));
    for path in ["../secret", "link", "/etc/passwd", "x/../../secret"] {
        assert!(read(path).is_err_and(|e| e.contains("leads out of the project")), "{path}");
    }
    assert!(lang::ProjectFiles::list(&disk, "").expect("a list").iter().all(|e| e.name == "inside"));
    std::fs::remove_dir_all(&folder).expect("the folder is removed");
}
