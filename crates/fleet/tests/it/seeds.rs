//! Seed data against a real Redis.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test]
async fn entries_are_set_and_a_refusal_names_its_key() {
    let folder = tempfile::tempdir().expect("a folder");
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").and_then(|it| it.local_addr()).expect("a port").port();
    let redis = Command::new("redis-server")
        .args(["--port", &port.to_string(), "--bind", "127.0.0.1", "--save", "", "--maxmemory", "20mb"])
        .current_dir(folder.path())
        .stdout(Stdio::null())
        .spawn();
    let Ok(redis) = redis else {
        eprintln!("skipped: there is no redis-server");
        return;
    };
    let redis = Redis(redis);
    let address = format!("127.0.0.1:{port}");
    let started = Instant::now();
    while TcpStream::connect(&address).await.is_err() {
        assert!(started.elapsed() < Duration::from_secs(30), "no Redis");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let entry = |i: u32| (format!("product:{i}"), format!("{{\"name\":\"ä {i}\\r\\n\"}}"));
    let loaded = fleet::load_redis(&address, (0..2_000).map(entry)).await.expect("loaded");
    assert_eq!(loaded, 2_000);
    let mut connection = TcpStream::connect(&address).await.expect("connected");
    connection.write_all(b"*2\r\n$3\r\nGET\r\n$12\r\nproduct:1999\r\n").await.expect("asked");
    let expected = format!("${}\r\n{}\r\n", entry(1_999).1.len(), entry(1_999).1);
    let mut answer = vec![0; expected.len()];
    connection.read_exact(&mut answer).await.expect("answered");
    assert_eq!(String::from_utf8_lossy(&answer), expected);

    let large = [("small".to_owned(), "1".to_owned()), ("large".to_owned(), "x".repeat(30_000_000))];
    let fault = fleet::load_redis(&address, large).await.err().map(|it| it.to_string()).unwrap_or_default();
    assert!(fault.contains("refused the key `large`") && fault.contains("maxmemory"), "{fault}");

    drop(redis);
    let fault =
        fleet::load_redis(&address, [entry(1)]).await.err().map(|it| it.to_string()).unwrap_or_default();
    assert!(fault.contains(&address) && fault.contains("mainstay status"), "{fault}");
}

/// A server that ends with the test.
struct Redis(Child);

impl Drop for Redis {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}
