//! What the collection of images takes, and above all what it leaves.

use std::time::{Duration, SystemTime};

use agent_api::{InstanceId, KeptImages, Phase};

use crate::rig::{Rig, build, root};

/// Makes all blobs of the agent look as if they had come long ago.
fn age(rig: &Rig) {
    let blobs = rig.dir.join("images/blobs/sha256");
    for blob in std::fs::read_dir(blobs).unwrap().flatten() {
        let file = std::fs::File::options().write(true).open(blob.path()).unwrap();
        file.set_modified(SystemTime::now() - Duration::from_secs(2 * 60 * 60)).unwrap();
    }
}

async fn there(rig: &Rig, digest: &str) -> bool {
    rig.client.has_image(digest).await.unwrap()
}

/// An image of one small file, put into the agent.
async fn small(rig: &Rig, name: &str) -> String {
    let layout = rig.layout();
    let file = layout.root().join(format!("../{name}"));
    std::fs::write(&file, name).unwrap();
    let layer =
        oci::LayerSpec { files: vec![oci::FileEntry::new(&file, format!("/{name}"))], programs: Vec::new() };
    let digest = build(&layout, vec![layer], oci::Settings::default());
    rig.put(&layout, &digest).await;
    digest.to_string()
}

fn kept(images: &[&String], is_all: bool) -> KeptImages {
    KeptImages { images: images.iter().map(ToString::to_string).collect(), is_all }
}

#[tokio::test(flavor = "multi_thread")]
async fn images_stay_that_an_instance_has_or_an_environment_needs_and_the_others_go() {
    if !root() {
        return;
    }
    let mut rig = Rig::start().await;
    let spec = rig.spec("web-1", "while true; do sleep 1; done").await;
    let over = rig.spec("task-1", "true").await;
    rig.run(&spec, &[Phase::Ready]).await;
    rig.run(&over, &[Phase::Exited, Phase::Failed]).await;
    let (ours, theirs, nobodys) =
        (small(&rig, "ours").await, small(&rig, "theirs").await, small(&rig, "nobodys").await);
    rig.client.keep_images("shop", "dev", &kept(&[&ours], false)).await.unwrap();
    rig.client.keep_images("other", "dev", &kept(&[&theirs], true)).await.unwrap();
    age(&rig);
    let collected = rig.client.collect_images().await.unwrap();
    assert_eq!((collected.images, collected.layers), (1, 1));
    assert!(collected.bytes > 0);
    assert!(there(&rig, &ours).await && there(&rig, &theirs).await && !there(&rig, &nobodys).await);
    let image = rig.image().await;
    assert!(there(&rig, &image).await, "two instances have it");

    // What one environment no longer needs goes, unless another does; the agent remembers over its own end.
    rig.client.keep_images("other", "dev", &kept(&[], true)).await.unwrap();
    rig.client.keep_images("other", "stage", &kept(&[&ours], true)).await.unwrap();
    rig.client.keep_images("shop", "dev", &kept(&[], true)).await.unwrap();
    rig.kill();
    rig.launch().await;
    age(&rig);
    assert_eq!(rig.client.collect_images().await.unwrap().images, 1);
    assert!(rig.client.has_image(&ours).await.unwrap() && !rig.client.has_image(&theirs).await.unwrap());

    // What runs goes on, and can be started again.
    let id = InstanceId("web-1".into());
    rig.client.stop(&id).await.unwrap();
    rig.until(&id, |status| status.phase.is_over()).await;
    rig.run(&spec, &[Phase::Ready]).await;

    // Blobs that have just come may be those of an image that is about to be put.
    let layout = rig.layout();
    let digest: oci::Digest = nobodys.parse().unwrap();
    for layer in layout.image(&digest).unwrap().layers() {
        let blob = layer.descriptor.digest;
        let file = tokio::fs::File::from_std(layout.open_blob(&blob).unwrap());
        rig.client.put_blob(&blob.to_string(), layer.descriptor.size, file).await.unwrap();
        rig.client.collect_images().await.unwrap();
        assert!(rig.client.has_blob(&blob.to_string()).await.unwrap());
    }
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_taken_where_it_cannot_be_told_what_is_needed() {
    let rig = Rig::start().await;
    let image = small(&rig, "kept").await;
    rig.client.keep_images("shop", "dev", &kept(&[&image], true)).await.unwrap();
    std::fs::write(rig.dir.join("kept-images/shop/dev.json"), "{ damaged").unwrap();
    age(&rig);
    let refused = rig.client.collect_images().await.unwrap_err().to_string();
    assert!(refused.contains("nothing is removed"), "{refused}");
    assert!(rig.client.has_image(&image).await.unwrap());
    let refused = rig.client.keep_images("../shop", "dev", &kept(&[&image], true)).await.unwrap_err();
    assert!(refused.status().is_some_and(|status| status >= 400), "{refused}");
    let bad = kept(&[&"sha256:short".to_owned()], false);
    let refused = rig.client.keep_images("other", "dev", &bad).await.unwrap_err().to_string();
    assert!(refused.contains("sha256:short"), "{refused}");
    rig.finish().await;
}
