//! What the tests of this crate run: an agent (`agent DATA-DIR HTTP-ADDRESS`), and a small web service for it to run
//! (`serve`). It is no part of what users get.

use std::ffi::OsString;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::time::{Duration, Instant};

type Fault = Box<dyn std::error::Error>;

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().skip(1).collect();
    if let Some(code) = agent::hidden(&arguments) {
        return code;
    }
    let words: Vec<_> = arguments.iter().map(|it| it.to_string_lossy().into_owned()).collect();
    let result = match words.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
        ["agent", data_dir, http] => agent(data_dir, http),
        ["serve"] => serve(),
        _ => Err("usage: agent DATA-DIR HTTP-ADDRESS | serve".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            eprintln!("{fault}");
            ExitCode::FAILURE
        }
    }
}

fn agent(data_dir: &str, http: &str) -> Result<(), Fault> {
    let mut options = agent::AgentOptions::new(data_dir)?;
    options.http = http.parse()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    Ok(runtime.block_on(agent::run(options))?)
}

/// Answers every request with the variable `VERSION`. `MODE` says how it misbehaves: `exit` ends at once with code 3,
/// `sick` fails its check, `crash` ends half a second after it has begun.
fn serve() -> Result<(), Fault> {
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    let (version, mode) = (variable("VERSION"), variable("MODE"));
    println!("version {version} begins");
    if mode == "exit" {
        eprintln!("cannot read the catalogue: no such table, token {}", variable("TOKEN"));
        std::process::exit(3);
    }
    let host = std::env::var("HOST").unwrap_or_else(|_| "0.0.0.0".into());
    let listener = TcpListener::bind((host.as_str(), variable("PORT").parse()?))?;
    if mode == "crash" {
        std::thread::spawn(|| {
            std::thread::sleep(Duration::from_millis(500));
            std::process::exit(4);
        });
    }
    for connection in listener.incoming() {
        let (version, sick) = (version.clone(), mode == "sick");
        let connection = connection?;
        std::thread::spawn(move || {
            // A client that goes away in the middle of a request is no fault of the service.
            let _ = answer(connection, &version, sick);
        });
    }
    Ok(())
}

fn answer(mut connection: TcpStream, version: &str, sick: bool) -> Result<(), Fault> {
    let mut reader = BufReader::new(connection.try_clone()?);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(600) {
        let mut head = String::new();
        if reader.read_line(&mut head)? == 0 {
            break;
        }
        let mut line = String::new();
        while reader.read_line(&mut line)? > 2 {
            line.clear();
        }
        let checked = head.starts_with("GET /healthz");
        if !checked {
            // Long enough that requests are in flight whenever an instance leaves.
            std::thread::sleep(Duration::from_millis(5));
        }
        let status = if checked && sick { "503 Service Unavailable" } else { "200 OK" };
        write!(connection, "HTTP/1.1 {status}\r\nContent-Length: {}\r\n\r\n{version}", version.len())?;
    }
    Ok(())
}
