//! A small HTTP server for the tests: says its `RELEASE`, and misbehaves as `MODE` tells: `exit` (at once), `sick` (500 on its
//! health page), `crash` (a second after it began).

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

fn main() {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (release, mode) = (variable("RELEASE"), variable("MODE"));
    if mode == "exit" {
        eprintln!("cannot read /etc/hello.conf: no such file");
        std::process::exit(3);
    }
    if mode == "crash" {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_secs(1));
            eprintln!("out of cheese");
            std::process::exit(7);
        });
    }
    let address = format!("{}:{}", variable("HOST"), variable("PORT"));
    let listener = match TcpListener::bind(&address) {
        Ok(listener) => listener,
        Err(error) => {
            eprintln!("{address}: {error}");
            std::process::exit(1);
        }
    };
    println!("release {release} listens on {address}");
    for stream in listener.incoming().flatten() {
        let (release, mode) = (release.clone(), mode.clone());
        std::thread::spawn(move || serve(&stream, &release, &mode));
    }
}

/// Answers requests on one connection until the other side closes it.
fn serve(stream: &TcpStream, release: &str, mode: &str) {
    let mut lines = BufReader::new(stream).lines();
    loop {
        let Some(Ok(first)) = lines.next() else { return };
        // No request of the tests has a body: it ends at the first empty line.
        for line in lines.by_ref() {
            match line {
                Ok(line) if line.is_empty() => break,
                Ok(_) => {}
                Err(_) => return,
            }
        }
        let path = first.split(' ').nth(1).unwrap_or("/");
        let (status, body) = match path {
            "/healthz" if mode == "sick" => ("500 Internal Server Error", "no database".to_owned()),
            "/env" => ("200 OK", std::env::vars().map(|(k, v)| format!("{k}={v}\n")).collect()),
            _ => ("200 OK", format!("hello from release {release}")),
        };
        let head =
            format!("HTTP/1.1 {status}\r\nx-release: {release}\r\ncontent-length: {}\r\n\r\n", body.len());
        let mut out = stream;
        if out.write_all(format!("{head}{body}").as_bytes()).is_err() {
            return;
        }
    }
}
