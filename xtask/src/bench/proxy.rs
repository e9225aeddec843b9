//! Our proxy beside nginx and haproxy in front of the same upstream: requests per second of processor time with HTTP/1.1, over
//! TLS and with HTTP/2, the slowest hundredth, and memory at 1,000 connections.
//!
//! They take turns, several rounds, and each one's best round counts: what else runs on the machine then counts against none.

mod load;
mod peers;

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use testkit::docker::on_path;

use super::{Judgement, Verdict};
use crate::{house, machine};
use load::{Kind, Run};
use peers::Peer;

/// What nginx does for the same processor time, times this, is our goal.
const RATIO_MIN: f64 = 0.9;
/// Resident memory at [`MANY`] connections.
const RESIDENT_KB_MAX: u64 = 15 * 1024;
const MANY: u32 = 1_000;
const CONNECTIONS: u32 = 64;
/// Twice the noise of this measure between two rounds of the same proxy.
const P99_RATIO_MAX: f64 = 1.1;
const ROUNDS: usize = 3;

pub fn run(arguments: &[&str]) -> Result<Verdict> {
    let seconds = match arguments.iter().find(|it| !it.starts_with("--")) {
        Some(n) => n.parse().context("the first argument is the seconds of each run")?,
        None => 4,
    };
    if let Some(missing) =
        ["nginx", "haproxy", "wrk", "h2load", "openssl"].into_iter().find(|it| !on_path(it))
    {
        let goal = format!("{RATIO_MIN}_of_nginx");
        return Ok(Verdict::skipped(&format!("no_{missing}"), goal));
    }
    let binary = build()?;
    let folder = tempfile::Builder::new().prefix("bench-proxy-").tempdir().context("no temporary folder")?;
    let folder = folder.path();
    let files = peers::certificate(folder)?;
    let upstream = peers::upstream(folder)?;
    let threads = u32::try_from(std::thread::available_parallelism()?.get())?;
    let peers = [
        peers::ours(folder, &binary, &files, upstream.plain)?,
        peers::nginx_peer(folder, &files, upstream.plain, threads)?,
        peers::haproxy_peer(folder, upstream.plain, threads)?,
    ];
    let time = Duration::from_secs(seconds);
    println!("kind   proxy     requests/CPU s  requests/s  p99");
    let mut best = Vec::new();
    for (kind, connections) in
        [(Kind::Http1, CONNECTIONS), (Kind::Tls, CONNECTIONS), (Kind::Http2, CONNECTIONS / 8)]
    {
        let runs = rounds(&peers, kind, connections, time)?;
        for (peer, run) in peers.iter().zip(&runs) {
            println!(
                "{:6} {:8} {:>15.0} {:>11.0}  {:.2} ms",
                kind.name(),
                peer.name,
                run.per_cpu_second,
                run.per_second,
                run.p99_us / 1e3
            );
        }
        best.push((kind, runs));
    }
    let mut resident = Vec::new();
    for peer in &peers {
        let run = load::run(peer, Kind::Http1, MANY, time)?;
        println!("memory {:8} {:.1} MB at {MANY} connections", peer.name, run.resident_kb as f64 / 1024.0);
        resident.push(run.resident_kb);
    }
    let ratio = |runs: &[Run]| runs[0].per_cpu_second / runs[1].per_cpu_second;
    for (kind, runs) in &best {
        let beside_haproxy = runs[0].per_cpu_second / runs[2].per_cpu_second;
        println!("{}: {:.2} of nginx, {beside_haproxy:.2} of haproxy", kind.name(), ratio(runs));
    }
    let (_, http1) = &best[0];
    let p99_ratio = http1[0].p99_us / http1[1].p99_us;
    println!("http1 p99: {p99_ratio:.2} of nginx's");
    let is_met = ratio(http1) >= RATIO_MIN && p99_ratio <= P99_RATIO_MAX && resident[0] <= RESIDENT_KB_MAX;
    Ok(Verdict {
        ours: format!("{:.0}_per_cpu_s,{:.1}_MB", http1[0].per_cpu_second, resident[0] as f64 / 1024.0),
        theirs: format!("{:.0}_per_cpu_s,{:.1}_MB", http1[1].per_cpu_second, resident[1] as f64 / 1024.0),
        ratio: format!("{:.2}", ratio(http1)),
        goal: format!("{RATIO_MIN},p99<={P99_RATIO_MAX}x,{}_MB", RESIDENT_KB_MAX / 1024),
        judgement: Judgement::of(is_met),
    })
}

/// The best round of each.
fn rounds(peers: &[Peer], kind: Kind, connections: u32, time: Duration) -> Result<Vec<Run>> {
    let mut best: Vec<Option<Run>> = vec![None; peers.len()];
    for _ in 0..ROUNDS {
        for (peer, best) in peers.iter().zip(&mut best) {
            let run = load::run(peer, kind, connections, time)?;
            let merged = best.map_or(run, |so_far| Run {
                p99_us: so_far.p99_us.min(run.p99_us),
                ..if run.per_cpu_second > so_far.per_cpu_second { run } else { so_far }
            });
            *best = Some(merged);
        }
    }
    best.into_iter().map(|run| run.context("no round was run")).collect()
}

fn build() -> Result<PathBuf> {
    house::run(
        "cargo",
        &["build", "--quiet", "--release", "--package", "proxy", "--example", "proxy-alone"],
    )?;
    Ok(machine::target().join("release/examples/proxy-alone"))
}
