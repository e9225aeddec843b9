//! As few processes as will do.

use testkit::provider::Script;
use value::Value;

use crate::rig::{Rig, described};

async fn pid(provider: &dyn engine::stack::ResourceProvider) -> (Value, Value) {
    let schema = provider.schema().await.unwrap();
    let process = schema.data.get("scripted_process").unwrap();
    let told = provider.read_data("scripted_process", &described(&process.block, "")).await.unwrap();
    (told.value.get("pid").unwrap(), told.value.get("region").unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn equal_configurations_share_a_process_and_others_do_not() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let plugin = rig.plugin(&Script { protocol, ..rig.script() });
        let (first, same, other) = (plugin.provider(), plugin.provider(), plugin.provider());
        let schema = first.schema().await.unwrap();
        let of = |text: &str| described(&schema.provider.block, text);
        let north = of("region = \"north\"\nretry {\n  attempts = 3\n}");
        first.configure(&north).await.unwrap();
        same.configure(&north).await.unwrap();
        other.configure(&of("region = \"south\"")).await.unwrap();
        let (first, same, other) =
            (pid(first.as_ref()).await, pid(same.as_ref()).await, pid(other.as_ref()).await);
        assert_eq!(first, same);
        assert_ne!(first.0, other.0);
        assert_eq!((first.1, other.1), (Value::string("north"), Value::string("south")));
        assert_eq!(plugin.processes(), 2);
        assert_eq!(rig.count("ConfigureProvider"), 2);
        assert_eq!(rig.count("GetProviderSchema"), 1, "the second process need not be asked");
        plugin.shut_down().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_at_the_same_time_start_one_process() {
    let rig = Rig::new();
    let plugin = rig.plugin(&rig.script());
    let tasks: Vec<_> = (0..8)
        .map(|_| {
            let plugin = plugin.clone();
            tokio::spawn(async move {
                let provider = plugin.provider();
                let schema = provider.schema().await.unwrap();
                provider.configure(&described(&schema.provider.block, "")).await.unwrap();
            })
        })
        .collect();
    for task in tasks {
        task.await.unwrap();
    }
    assert_eq!(rig.pids().len(), 1);
    assert_eq!(rig.count("GetProviderSchema"), 1);
    assert_eq!(rig.count("ConfigureProvider"), 1);
    plugin.shut_down().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_that_is_refused_says_why_and_where() {
    for protocol in [5, 6] {
        let rig = Rig::new();
        let plugin = rig.plugin(&Script { protocol, ..rig.script() });
        let provider = plugin.provider();
        let schema = provider.schema().await.unwrap();
        let of = |text: &str| described(&schema.provider.block, text);
        let wrong = of("region = \"nowhere\"");
        let said = provider.validate(engine::stack::provider::Part::Provider, "", &wrong).await;
        assert_eq!(crate::rig::lines(&said), "error: No such region; \"nowhere\" is no region; .region");
        let said = provider.configure(&of("region = \"forbidden\"")).await.unwrap_err();
        assert_eq!(crate::rig::lines(&said), "error: Not allowed; the region is closed; .region");
        plugin.shut_down().await;
    }
}
