//! Providers from a registry whose checksums are signed, and from network mirrors.

use std::sync::Arc;

use lang::ProviderAddress;
use packages::{
    InstallationMethod, LockNews, LockRequest, LockSource, MethodKind, MirrorRequest, Patience, Token,
    lock_providers, mirror_providers,
};

use crate::fixtures::{Server, body, status, told};
use crate::provider_fixtures::{Key, OTHER, Published, Stack, archive, here, requirements, versions, zip};

const FOO: &str = "example.com/acme/foo";

/// A registry with one version, changed by `change`; tells what an installation from it comes to.
async fn from_registry(change: impl FnOnce(&Server)) -> String {
    let server = Server::start().await;
    let key = Key::new();
    versions(&server, FOO, &["1.0.0"]);
    Published::new(FOO, "1.0.0", &key).on(&server);
    change(&server);
    let stack = Stack::with_registry(&server);
    let outcome = stack.neutral(&stack.outcome(&[(FOO, "")]).await);
    outcome.replace(&server.url, "SERVER").replace(&key.id(), "KEY")
}

#[tokio::test]
async fn a_signed_package_is_installed_and_every_checksum_of_the_version_locked() {
    let server = Server::start().await;
    let key = Key::new();
    versions(&server, FOO, &["1.0.0", "1.1.0", "2.0.0-beta1", "nonsense"]);
    Published::new(FOO, "1.1.0", &key).on(&server);
    let mut stack = Stack::with_registry(&server);
    stack.cli = stack.cli.clone().with_token("example.com", Token::new("secret"));
    let installed = stack.install(&[(FOO, "~> 1.0")]).await.unwrap();
    assert!(installed.is_signed_by_others);
    assert_eq!(
        stack.events(),
        "finding example.com/acme/foo \"~> 1.0\"\ninstalling example.com/acme/foo 1.1.0\n\
         installed example.com/acme/foo 1.1.0 (self-signed)"
    );
    let lock = stack.lock();
    assert_eq!((lock.matches("\"h1:").count(), lock.matches("\"zh:").count()), (1, 3), "{lock}");
    let seen = server.seen();
    let shown: Vec<bool> = seen.lines().map(|line| line.ends_with(" Bearer secret")).collect();
    // The token is the registry's, and no server's where files lie.
    assert_eq!(shown, [true, true, false, false, false], "{seen}");
    // Installed anew from the lock: its `zh:` vouch for the archive.
    std::fs::remove_dir_all(stack.path().join(".terraform")).unwrap();
    stack.install(&[(FOO, "~> 1.0")]).await.unwrap();
    assert_eq!(stack.lock(), lock);
    std::fs::remove_dir_all(stack.path().join("user-cache")).unwrap();
    server.seen();
    stack.install(&[(FOO, "~> 1.0")]).await.unwrap();
    assert_eq!(server.seen(), "", "what is installed needs no network, with a memo or without");
}

#[tokio::test]
async fn a_key_below_the_registrys_may_sign_and_no_other_key() {
    let server = Server::start().await;
    let (key, other) = (Key::with_subkey(), Key::new());
    versions(&server, FOO, &["1.0.0", "1.1.0", "1.2.0"]);
    Published::new(FOO, "1.0.0", &key).on(&server);
    Published { keys: vec![other.armored()], ..Published::new(FOO, "1.1.0", &key) }.on(&server);
    Published { keys: Vec::new(), ..Published::new(FOO, "1.2.0", &key) }.on(&server);
    let mut stack = Stack::with_registry(&server);
    let outcome = stack.outcome(&[(FOO, "1.0.0")]).await;
    assert!(outcome.contains("(self-signed)"), "{outcome}");
    for (version, cause) in [
        ("1.1.0", "the signature is of none of the keys that the registry names"),
        ("1.2.0", "the registry names no key"),
    ] {
        let outcome = stack.upgraded(&[(FOO, version)]).await;
        assert!(outcome.contains(cause) && outcome.contains("provider-signature: "), "{outcome}");
    }
}

#[tokio::test]
async fn what_is_not_what_was_signed_is_refused() {
    let foo = format!("terraform-provider-foo_1.0.0_{}.zip", here());
    let place = "/files/acme/foo/1.0.0";
    let other = archive(FOO, "6.6.6", &here());
    let changed = from_registry(|server| {
        server.only(&format!("{place}/{foo}"), body(other.clone()));
    })
    .await;
    assert!(
        changed.contains(
            "provider-checksum: Error while installing example.com/acme/foo v1.0.0: the checksum of \
                          terraform-provider-foo_1.0.0_HERE.zip is not the one that was promised"
        ),
        "{changed}"
    );
    let unsigned = from_registry(|server| {
        server.only(&format!("{place}/SHA256SUMS"), body(format!("{}  {foo}\n", "0".repeat(64))));
    })
    .await;
    assert!(unsigned.contains("are not signed as they should be"), "{unsigned}");
    let damaged = from_registry(|server| {
        server.only(&format!("{place}/SHA256SUMS.sig"), body("no signature"));
    })
    .await;
    assert!(damaged.contains("the signature is damaged"), "{damaged}");
    let escaping = from_registry(|server| {
        let (os, arch) = here().split_once('_').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        server.only(&format!("/v1/providers/acme/foo/1.0.0/download/{os}/{arch}"), body(
            "{\"filename\":\"../x.zip\",\"download_url\":\"/x\",\"shasum\":\"\",\"shasums_url\":\"/x\",\"shasums_signature_url\":\"/x\"}",
        ));
    })
    .await;
    assert!(escaping.contains("`../x.zip` is no file's name"), "{escaping}");
}

#[tokio::test]
async fn a_registrys_refusals_are_told() {
    let list = "/v1/providers/acme/foo/versions";
    let none = from_registry(|server| {
        server.only(list, status(404));
    })
    .await;
    assert!(
        none.contains("provider registry example.com does not have a provider named example.com/acme/foo"),
        "{none}"
    );
    let refused = from_registry(|server| {
        server.only(list, status(401));
    })
    .await;
    assert!(
        refused.contains("the registry at example.com refuses access")
            && refused.contains("TF_TOKEN_example_com")
    );
    let again = from_registry(|server| {
        server.only(list, status(503)).on(list, body("{\"versions\":[{\"version\":\"1.0.0\"}]}"));
    })
    .await;
    assert!(again.contains("again\n") && again.contains("installed example.com/acme/foo 1.0.0"), "{again}");
    let old = from_registry(|server| {
        let (os, arch) = here().split_once('_').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        server.only(&format!("/v1/providers/acme/foo/1.0.0/download/{os}/{arch}"), body(
            "{\"protocols\":[\"4.0\"],\"filename\":\"x.zip\",\"download_url\":\"/x\",\"shasum\":\"\",\"shasums_url\":\"/x\",\"shasums_signature_url\":\"/x\"}",
        ));
    })
    .await;
    assert!(old.contains("the version speaks the provider protocol 4.0 and not 5 or 6"), "{old}");
    let warned = from_registry(|server| {
        server.only(list, body("{\"versions\":[{\"version\":\"1.0.0\"}],\"warnings\":[\"moved\"]}"));
    })
    .await;
    assert!(
        warned.contains("The remote registry returned warnings for example.com/acme/foo:\n- moved"),
        "{warned}"
    );
}

fn network(server: &Server) -> Stack {
    let url = format!("{}/mirror/", server.url).parse().unwrap();
    Stack::by(vec![InstallationMethod::for_all(MethodKind::NetworkMirror(url))])
}

#[tokio::test]
async fn a_network_mirror_is_asked_and_its_hashes_are_checked() {
    let server = Server::start().await;
    let base = "/mirror/example.com/acme/foo";
    let package = archive(FOO, "1.0.0", &here());
    let sum = hex::encode(<sha2::Sha256 as sha2::Digest>::digest(&package));
    server.on(&format!("{base}/index.json"), body("{\"versions\":{\"1.0.0\":{},\"1.1.0\":{}}}"));
    let of = |hashes: &str| {
        format!("{{\"archives\":{{\"{}\":{{\"url\":\"files/foo.zip\",\"hashes\":[{hashes}]}}}}}}", here())
    };
    server.on(&format!("{base}/1.0.0.json"), body(of(&format!("\"h9:x\",\"zh:{sum}\""))));
    server.on(&format!("{base}/1.1.0.json"), body(of("\"h1:another\"")));
    server.on(&format!("{base}/files/foo.zip"), body(package));
    let mut stack = network(&server);
    let outcome = stack.outcome(&[(FOO, "1.0.0")]).await;
    assert!(outcome.contains("(verified checksum)\nlock Created"), "{outcome}");
    let outcome = stack.upgraded(&[(FOO, "")]).await;
    assert!(outcome.contains("provider-checksum") && outcome.contains("expected h1:another"), "{outcome}");
    let outcome = network(&server).outcome(&[("example.com/acme/none", "")]).await;
    assert!(outcome.contains("was not found in any of the search locations"), "{outcome}");
}

#[tokio::test]
async fn a_lock_of_several_platforms_is_made_without_installing() {
    let server = Server::start().await;
    let key = Key::new();
    versions(&server, FOO, &["1.0.0"]);
    Published::new(FOO, "1.0.0", &key).on(&server);
    let stack = Stack::with_registry(&server);
    let wanted = requirements(&[(FOO, ">=1")]);
    let request = LockRequest {
        only: Vec::new(),
        platforms: vec![here().parse().unwrap(), OTHER.parse().unwrap()],
        source: LockSource::Registries,
        uses_cache: false,
        patience: Patience::default(),
    };
    let lock = async || {
        lock_providers(&stack.place(), &wanted, request.clone(), &stack.cli, stack.progress()).await.unwrap()
    };
    let locked = lock().await;
    assert!(locked.is_changed && locked.platforms.iter().all(|it| it.news == LockNews::Provider));
    assert!(stack.events().contains(&format!("installed {FOO} 1.0.0 for {OTHER} (self-signed)")));
    let text = stack.lock();
    assert_eq!((text.matches("\"h1:").count(), text.matches("\"zh:").count()), (2, 3), "{text}");
    let again = lock().await;
    assert!(!again.is_changed && again.platforms.iter().all(|it| it.news == LockNews::Nothing));
    assert!(!stack.path().join(".terraform").exists());
    let mut request = request.clone();
    request.platforms = vec!["freebsd_arm".parse().unwrap()];
    let fault =
        lock_providers(&stack.place(), &wanted, request, &stack.cli, stack.progress()).await.unwrap_err();
    assert!(told(&fault).contains("is not available for freebsd_arm"));
}

#[tokio::test]
async fn a_mirror_that_was_made_is_one_here_and_on_a_server() {
    let server = Server::start().await;
    let key = Key::new();
    versions(&server, FOO, &["1.0.0"]);
    Published::new(FOO, "1.0.0", &key).on(&server);
    let stack = Stack::with_registry(&server);
    let folder = stack.path().join("mirror");
    let request = MirrorRequest {
        folder: folder.clone(),
        platforms: vec![here().parse().unwrap(), OTHER.parse().unwrap()],
        heeds_lock: true,
        patience: Patience::default(),
    };
    let wanted = requirements(&[(FOO, "")]);
    mirror_providers(&stack.place(), &wanted, request, &stack.cli, Arc::new(|_| ())).await.unwrap();
    let local = Stack::by(vec![InstallationMethod::for_all(MethodKind::FilesystemMirror(folder.clone()))]);
    local.install(&[(FOO, "")]).await.unwrap();
    let address = ProviderAddress::of_source(FOO);
    for entry in std::fs::read_dir(folder.join(address.as_str())).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        server.on(&format!("/mirror/{address}/{name}"), body(std::fs::read(entry.path()).unwrap()));
    }
    let remote = network(&server);
    let outcome = remote.outcome(&[(FOO, "")]).await;
    assert!(outcome.contains("(verified checksum)"), "{outcome}");
    assert_eq!(local.lock(), remote.lock());
    // An archive of a platform is one that the lock knows, or is not taken.
    let other = zip(&[("terraform-provider-foo_v1.0.0", "another", 0o755)]);
    let name = format!("terraform-provider-foo_1.0.0_{}.zip", here());
    std::fs::write(folder.join(address.as_str()).join(name), other).unwrap();
    std::fs::remove_dir_all(local.path().join(".terraform")).unwrap();
    assert!(local.outcome(&[(FOO, "")]).await.contains("provider-not-locked"));
}
