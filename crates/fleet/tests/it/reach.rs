//! How services are reached: conditions of routes, published ports, limits and certificates, from the block to the answer.

use std::io::{Read, Write};
use std::net::TcpStream;

use engine::Action;

use crate::rig::{Rig, binary, described, web};

/// What is answered to a request with these further header lines, on a connection of its own.
fn ask(address: &str, lines: &str, body: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("it listens");
    let length = body.len();
    let head = format!(
        "POST / HTTP/1.1\r\nhost: web.test\r\nconnection: close\r\ncontent-length: {length}\r\n{lines}\r\n"
    );
    stream.write_all(format!("{head}{body}").as_bytes()).expect("it reads");
    let mut answer = Vec::new();
    // A body that nobody wants may end the connection with a reset; what came before counts.
    let _ = stream.read_to_end(&mut answer);
    String::from_utf8_lossy(&answer).into_owned()
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0)).expect("a free port");
    listener.local_addr().expect("its address").port()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_variant_is_chosen_by_header_and_both_services_share_the_host() {
    let mut rig = Rig::start().await;
    let quick = "rollout { min_healthy = \"100ms\" }";
    rig.apply(Some(&web("stable", "ok", quick))).await.expect("created");
    let program = binary();
    let preview = described(&format!(
        "program = [{program:?}, \"serve\"]
         env = {{ VERSION = \"preview\" }}
         port \"http\" {{ container = 80 }}
         route {{
           host = \"web.test\"
           headers = {{ X-Variant = \"preview\" }}
         }}
         route {{
           host = \"web.test\"
           cookies = {{ variant = \"preview\" }}
         }}
         {quick}"
    ));
    rig.apply_at("service.preview@local", Some(&preview)).await.expect("created");
    let entry = rig.client.info().await.expect("an agent").http_entry;
    for (lines, expect) in [
        ("", "stable"),
        ("x-variant: preview\r\n", "preview"),
        ("cookie: a=1; variant=preview\r\n", "preview"),
        ("x-variant: other\r\n", "stable"),
    ] {
        let answer = ask(&entry, lines, "");
        assert!(answer.starts_with("HTTP/1.1 200 OK") && answer.ends_with(expect), "{lines}: {answer}");
    }
    // Of two services with the same conditions, the second is refused, and says who has them.
    let failure = rig.apply_at("service.other@local", Some(&preview)).await.expect_err("they are taken");
    let text = failure.diagnostic.to_string();
    assert!(text.contains("shop/dev/preview"), "{text}");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_published_port_and_its_limits_follow_the_block() {
    let mut rig = Rig::start().await;
    let program = binary();
    let port = free_port();
    let service = |rest: &str| {
        described(&format!(
            "program = [{program:?}, \"serve\"]
             env = {{ VERSION = \"v1\" }}
             port \"http\" {{
               container = 80
               {rest}
             }}
             rollout {{ min_healthy = \"100ms\" }}"
        ))
    };
    let limited = service(&format!("publish = \"127.0.0.1:{port}\"\n max_body = \"4\""));
    rig.apply(Some(&limited)).await.expect("created");
    rig.is_settled(&limited).await;
    let address = format!("127.0.0.1:{port}");
    assert!(ask(&address, "", "").ends_with("v1"));
    assert!(ask(&address, "", "12345").starts_with("HTTP/1.1 413 "));

    let before = rig.instances().await;
    let bare = service("");
    let planned = rig.apply(Some(&bare)).await.expect("updated");
    assert_eq!(planned.action, Action::Update);
    assert_eq!(rig.instances().await, before, "how it is reached restarts nothing");
    let refused = (0..500).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(10));
        TcpStream::connect(&address).is_err()
    });
    assert!(refused, "it still listens");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_that_cannot_be_read_is_told_to_who_deploys() {
    let mut rig = Rig::start().await;
    let program = binary();
    let missing = rig.data_dir().join("none.pem");
    let service = described(&format!(
        "program = [{program:?}, \"serve\"]
         port \"http\" {{ container = 80 }}
         route {{
           host = \"web.test\"
           tls {{
             certificate = {missing:?}
             key = {missing:?}
             redirect = true
           }}
         }}
         rollout {{ min_healthy = \"100ms\" }}"
    ));
    let failure = rig.apply(Some(&service)).await.expect_err("there is no such file");
    let text = format!("{} {:?}", failure.diagnostic, failure.diagnostic);
    assert!(text.contains("none.pem") && text.contains("web.test"), "{text}");
    rig.finish().await;
}
