//! Services that run an image in a container.

use engine::{ChangeRequest, Provider};

use crate::rig::{Rig, address, binary, described};

fn web(version: &str) -> value::Value {
    let program = binary();
    described(&format!(
        "image = \"shop/web\"
         command = [{program:?}, \"serve\"]
         env = {{ VERSION = \"{version}\" }}
         port \"http\" {{ container = 8080 }}
         health {{
           http = \"/healthz\"
           interval = \"100ms\"
         }}
         rollout {{ min_healthy = \"100ms\" }}"
    ))
}

/// An image with the test's own program and the libraries that it needs.
fn build(layout: &oci::Layout, label: &str) -> String {
    let spec = oci::BuildSpec {
        base: oci::Base::Scratch,
        platform: oci::Platform::host(),
        layers: vec![oci::LayerSpec { files: Vec::new(), programs: vec![binary()] }],
        settings: oci::Settings {
            labels: [("release".to_owned(), label.to_owned())].into(),
            ..oci::Settings::default()
        },
        name: Some("shop/web".into()),
    };
    oci::build(&spec, layout).expect("built").digest.to_string()
}

#[tokio::test]
async fn an_image_is_brought_to_the_agent_and_a_missing_one_is_a_fault_of_the_plan() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: not root");
        return;
    }
    let mut rig = Rig::start().await;
    let unplanned = |rig: &Rig| {
        let fleet = rig.fleet();
        async move {
            let request = ChangeRequest {
                address: address("service.web@local"),
                written: None,
                live: None,
                described: Some(web("v1")),
            };
            let faults = fleet.plan(&request).await.expect_err("there is no image");
            format!("{} {}", faults.0[0], faults.0[0].hint.clone().unwrap_or_default())
        }
    };
    let text = unplanned(&rig).await;
    assert!(text.contains("no release of the image `shop/web` is pinned"), "{text}");
    assert!(text.contains("mainstay image build shop/web") && text.contains("mainstay deploy"), "{text}");
    rig.releases.insert("shop/web".into(), format!("sha256:{}", "0".repeat(64)));
    let text = unplanned(&rig).await;
    assert!(text.contains("cannot be had") && text.contains("mainstay image build shop/web"), "{text}");

    let layout = oci::Layout::create(rig.images()).expect("a layout");
    let (first, second) = (build(&layout, "first"), build(&layout, "second"));
    rig.releases.insert("shop/web".into(), first.clone());
    rig.apply(Some(&web("v1")))
        .await
        .unwrap_or_else(|failure| panic!("{:#?}\n{}", failure.diagnostic, rig.log()));
    rig.is_settled(&web("v1")).await;
    rig.releases.insert("shop/web".into(), second.clone());
    let planned = rig.apply(Some(&web("v1"))).await.expect("another release");
    let shown: Vec<_> =
        planned.differences.iter().map(|it| (it.path.as_str(), it.after.as_deref())).collect();
    assert_eq!(shown, [("image", Some(format!("\"shop/web@{second}\"").as_str()))]);
    let cells = rig.fleet().status().await.expect("a status");
    assert_eq!(cells[0].release.as_ref(), Some(&second));
    assert_eq!(cells[0].instances[0].image.as_ref(), Some(&second));

    // The agent has the first one still: it can be had although the layout has lost it.
    std::fs::remove_dir_all(rig.images()).expect("removed");
    rig.releases.insert("shop/web".into(), first);
    rig.apply(Some(&web("v1"))).await.expect("back again");
    rig.finish().await;
}
