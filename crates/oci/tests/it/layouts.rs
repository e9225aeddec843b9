//! The folder of images: blobs, names, garbage.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::{Duration, SystemTime};

use oci::{Descriptor, Digest, Error, Layout, Platform};

use crate::images::{Fixture, RawTar};

const KIND: &str = "application/octet-stream";

fn later() -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600)
}

#[test]
fn a_blob_that_is_not_what_was_promised_is_refused_and_leaves_nothing() {
    let fixture = Fixture::new();
    let right = Digest::of(b"right");
    for (content, size, cause) in [
        (&b"wrong"[..], 5, "their digest is"),
        (b"righ", 5, "they end after 4 of 5"),
        (b"right!", 5, "go on after 5"),
    ] {
        let fault = fixture.layout.put_blob(content, &Descriptor::new(KIND, right, size)).unwrap_err();
        assert!(matches!(&fault, Error::WrongBlob { cause: it, .. } if it.contains(cause)), "{fault}");
    }
    assert!(fs::read_dir(fixture.layout.root().join("blobs/sha256")).unwrap().next().is_none());
    fixture.layout.put_blob(&b"right"[..], &Descriptor::new(KIND, right, 5)).unwrap();
    assert_eq!(fixture.layout.blob_size(&right).unwrap(), 5);
    let mode =
        |path: &str| fs::metadata(fixture.layout.root().join(path)).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("blobs/sha256"), mode("index.json")), (0o700, 0o700, 0o600));
    assert_eq!(mode(&format!("blobs/sha256/{}", right.hex())), 0o600);
}

#[test]
fn a_folder_that_is_no_layout_is_neither_opened_nor_made_into_one() {
    let folder = tempfile::tempdir().unwrap();
    assert!(Layout::open(folder.path()).unwrap_err().to_string().contains("it has no file `oci-layout`"));
    fs::write(folder.path().join("thesis.txt"), "").unwrap();
    assert!(matches!(Layout::create(folder.path()), Err(Error::NotALayout { .. })));
    let old = folder.path().join("old");
    fs::create_dir(&old).unwrap();
    fs::write(old.join("oci-layout"), r#"{"imageLayoutVersion":"0.9"}"#).unwrap();
    assert!(Layout::open(&old).unwrap_err().to_string().contains("0.9"));
}

#[test]
fn names_move_to_new_images_and_are_resolved_listed_and_removed() {
    let fixture = Fixture::new();
    let layout = &fixture.layout;
    let host = Platform::host();
    let one = fixture.image(&[fixture.layer(RawTar::default().file("a", "1"))], Some("shop:v1"));
    assert_eq!(layout.resolve(None, &host).unwrap().digest, one);
    let two = fixture.image(&[fixture.layer(RawTar::default().file("a", "2"))], Some("shop:v2"));
    layout.tag(&one, "shop:old").unwrap();
    layout.tag(&two, "shop:v1").unwrap();
    assert_eq!(layout.resolve(Some("shop:v1"), &host).unwrap().digest, two);
    assert_eq!(layout.resolve(Some(&one.to_string()), &host).unwrap().digest, one);
    let fault = layout.resolve(Some("shop:v3"), &host).unwrap_err().to_string();
    assert!(fault.contains("\"shop:v3\"; it has shop:v2, shop:old, shop:v1"), "{fault}");
    assert!(matches!(layout.resolve(None, &host), Err(Error::UnknownImage { .. })));
    let list = layout.list().unwrap();
    let names: Vec<_> = list.iter().map(|it| (it.name.as_deref().unwrap(), it.digest)).collect();
    assert_eq!(names, [("shop:old", one), ("shop:v1", two), ("shop:v2", two)]);
    assert_eq!(list[0].size, layout.image(&one).unwrap().size());
    assert_eq!(list[0].platforms, std::slice::from_ref(&host));
    assert!(layout.remove("shop:old").unwrap() && !layout.remove("shop:old").unwrap());
    assert!(layout.remove(&two.to_string()).unwrap());
    assert!(layout.list().unwrap().is_empty());
    for bad in ["", "a b", "a\n", &one.to_string()] {
        assert!(matches!(layout.tag(&one, bad), Err(Error::BadName { .. })), "{bad:?}");
    }
}

#[test]
fn an_image_of_several_platforms_stands_for_the_one_that_runs_here() {
    let fixture = Fixture::new();
    let image = fixture.image(&[fixture.layer(RawTar::default().file("a", "1"))], None);
    let other = Digest::of(b"an image that was never fetched");
    let index = serde_json::json!({ "schemaVersion": 2, "manifests": [
        { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": other, "size": 7,
          "platform": { "architecture": "s390x", "os": "linux" } },
        { "mediaType": "application/vnd.oci.image.manifest.v1+json", "digest": image, "size": 7,
          "platform": { "architecture": Platform::host().architecture, "os": "linux" } },
    ]});
    fixture.layout.put_manifest(&serde_json::to_vec(&index).unwrap(), Some("many")).unwrap();
    fixture.layout.remove(&image.to_string()).unwrap();
    assert_eq!(fixture.layout.resolve(Some("many"), &Platform::host()).unwrap().digest, image);
    let vax = Platform { architecture: "vax".into(), os: "linux".into(), variant: None };
    let fault = fixture.layout.resolve(Some("many"), &vax).unwrap_err().to_string();
    assert!(fault.contains("not for linux/vax"), "{fault}");
    fixture.layout.collect_garbage([], later()).unwrap();
    assert_eq!(fixture.layout.image(&image).unwrap().digest, image);
}

#[test]
fn garbage_is_what_no_image_and_no_extra_root_needs() {
    let fixture = Fixture::new();
    let layout = &fixture.layout;
    let shared = fixture.layer(RawTar::default().file("shared", "1"));
    let lone = fixture.layer(RawTar::default().file("lone", "1"));
    let pinned = fixture.layer(RawTar::default().file("pinned", "1"));
    fixture.image(std::slice::from_ref(&shared), Some("named"));
    let gone = fixture.image(&[shared.clone(), lone.clone()], Some("gone"));
    let kept = fixture.image(std::slice::from_ref(&pinned), Some("kept"));
    layout.remove("gone").unwrap();
    layout.remove("kept").unwrap();
    let earlier = SystemTime::now() - Duration::from_secs(3600);
    assert_eq!(layout.collect_garbage([kept], earlier).unwrap().blobs, 0);
    // The manifest, the configuration and the one layer of `gone` that nobody else has.
    let missing = Digest::of(b"a root that is not here");
    assert_eq!(layout.collect_garbage([kept, missing], later()).unwrap().blobs, 3);
    assert!(!layout.has_blob(&lone.descriptor.digest) && !layout.has_blob(&gone));
    assert!(layout.has_blob(&shared.descriptor.digest) && layout.has_blob(&pinned.descriptor.digest));
    assert!(layout.image(&kept).is_ok());
    layout.resolve(Some("named"), &Platform::host()).unwrap();
}

#[test]
fn a_manifest_is_refused_as_long_as_a_blob_of_it_is_missing() {
    let fixture = Fixture::new();
    let image = fixture.image(&[fixture.layer(RawTar::default().file("a", "1"))], None);
    let other = Fixture::new();
    let path = fixture.layout.root().join("blobs/sha256").join(image.hex());
    let fault = other.layout.put_manifest(&fs::read(path).unwrap(), Some("early")).unwrap_err();
    assert!(matches!(fault, Error::MissingBlob { .. }), "{fault}");
    assert!(other.layout.list().unwrap().is_empty());
}

#[test]
fn names_put_by_many_at_once_are_all_there() {
    let fixture = Fixture::new();
    let layer = fixture.layer(RawTar::default().file("a", "1"));
    let image = fixture.image(&[layer], None);
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let layout = Layout::create(fixture.layout.root()).unwrap();
            scope
                .spawn(move || (0..5).for_each(|at| layout.tag(&image, &format!("t{thread}-{at}")).unwrap()));
        }
    });
    let named = fixture.layout.list().unwrap().iter().filter(|it| it.name.is_some()).count();
    assert_eq!(named, 40);
}
