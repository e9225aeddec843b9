//! Load by `wrk` and `h2load`, and what it cost the proxy.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use nix::unistd::{SysconfVar, sysconf};

use super::peers::Peer;

/// How requests come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// HTTP/1.1 on connections that are kept.
    Http1,
    /// The same over TLS.
    Tls,
    /// HTTP/2 over TLS, 32 requests at a time on each connection.
    Http2,
}

impl Kind {
    pub fn name(self) -> &'static str {
        match self {
            Self::Http1 => "http1",
            Self::Tls => "tls",
            Self::Http2 => "http2",
        }
    }
}

/// What one run gave.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Requests per second of processor time that the proxy took.
    pub per_cpu_second: f64,
    pub per_second: f64,
    pub p99_us: f64,
    /// Resident memory of all of its processes at the end of the load.
    pub resident_kb: u64,
}

/// Loads a peer with so many connections for so long.
pub fn run(peer: &Peer, kind: Kind, connections: u32, time: Duration) -> Result<Run> {
    let pids = peer.pids();
    let before = cpu_seconds(&pids)?;
    let (connections, seconds) = (connections.to_string(), time.as_secs().max(1).to_string());
    // h2load tells percentiles of nothing; its log has the time of each request.
    let folder = tempfile::tempdir().context("no temporary folder")?;
    let log = folder.path().join("h2load.log");
    let output = match kind {
        Kind::Http1 => Command::new("wrk")
            .args(["-t1", "-c", &connections, "-d", &seconds, "--latency"])
            .arg(format!("http://{}/", peer.plain))
            .output(),
        Kind::Tls => Command::new("wrk")
            .args(["-t1", "-c", &connections, "-d", &seconds, "--latency"])
            .arg(format!("https://localhost:{}/", peer.tls.port()))
            .output(),
        Kind::Http2 => Command::new("h2load")
            .args(["-t1", "-c", &connections, "-m", "32", "-D", &seconds])
            .arg(format!("--log-file={}", log.display()))
            .arg(format!("https://localhost:{}/", peer.tls.port()))
            .output(),
    };
    let output = output.context("the load could not be started")?;
    let resident_kb = pids.iter().filter_map(|pid| resident_kb(*pid)).sum();
    let cpu = cpu_seconds(&pids)? - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let said = match kind {
        Kind::Http1 | Kind::Tls => wrk(&text),
        Kind::Http2 => h2load(&text).zip(p99_us(&fs::read_to_string(&log)?)).map(|((n, s), p99)| (n, s, p99)),
    };
    let (requests, seconds, p99_us) = said.with_context(|| format!("the load says: {text}"))?;
    if cpu <= 0.0 {
        bail!("{} took no processor time", peer.name);
    }
    Ok(Run { per_cpu_second: requests / cpu, per_second: requests / seconds, p99_us, resident_kb })
}

/// Requests, seconds, and the 99th percentile in microseconds; none if a request failed.
fn wrk(text: &str) -> Option<(f64, f64, f64)> {
    if text.contains("Socket errors") || text.contains("Non-2xx") {
        return None;
    }
    let line = text.lines().find(|line| line.contains("requests in"))?;
    let (requests, rest) = line.trim().split_once(" requests in ")?;
    let seconds = micros(rest.split(',').next()?)? / 1e6;
    let p99 = text.lines().find_map(|line| line.trim().strip_prefix("99%"))?;
    Some((requests.parse().ok()?, seconds, micros(p99.trim())?))
}

/// Requests and seconds; none if a request failed.
fn h2load(text: &str) -> Option<(f64, f64)> {
    let finished = text.lines().find_map(|line| line.strip_prefix("finished in "))?;
    let seconds = micros(finished.split(',').next()?)? / 1e6;
    let requests = text.lines().find_map(|line| line.strip_prefix("requests: "))?;
    let count = |what: &str| {
        let part = requests.split(',').find(|part| part.trim().ends_with(what))?;
        part.split_whitespace().next()?.parse::<f64>().ok()
    };
    if count("failed")? > 0.0 || count("errored")? > 0.0 {
        return None;
    }
    Some((count("succeeded")?, seconds))
}

/// The 99th percentile of h2load's log: start, status and time of each request, in microseconds.
fn p99_us(log: &str) -> Option<f64> {
    let mut times: Vec<u64> =
        log.lines().filter_map(|line| line.split_whitespace().nth(2)?.parse().ok()).collect();
    let place = times.len().checked_sub(1)? * 99 / 100;
    let (_, time, _) = times.select_nth_unstable(place);
    Some(*time as f64)
}

/// `1.5s`, `20.1ms`, `300us` and `1.00m` in microseconds.
fn micros(text: &str) -> Option<f64> {
    let text = text.trim();
    let units = [("us", 1.0), ("ms", 1e3), ("s", 1e6), ("m", 60e6)];
    let (unit, factor) = units.iter().find(|(unit, _)| text.ends_with(unit))?;
    text.strip_suffix(unit)?.parse::<f64>().ok().map(|number| number * factor)
}

fn cpu_seconds(pids: &[u32]) -> Result<f64> {
    let per_second = sysconf(SysconfVar::CLK_TCK)?.context("the machine does not tell its clock's ticks")?;
    let mut ticks = 0;
    for pid in pids {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).context("a proxy has ended")?;
        let (_, fields) = stat.rsplit_once(')').context("the process has no name")?;
        let own = fields.split_whitespace().skip(11).take(2).map(str::parse::<u64>);
        ticks += own.sum::<Result<u64, _>>()?;
    }
    Ok(ticks as f64 / per_second as f64)
}

fn resident_kb(pid: u32) -> Option<u64> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_loads_say_is_read() {
        let said = "Running 2s test @ http://127.0.0.1:1/\n  Latency Distribution\n     50%    1.20ms\n     99%    3.40ms\n  \
                    12345 requests in 2.00s, 1.00MB read\nRequests/sec:   6172.50\n";
        assert_eq!(wrk(said), Some((12345.0, 2.0, 3400.0)));
        assert_eq!(wrk(&format!("{said}  Socket errors: connect 0, read 1, write 0, timeout 0\n")), None);
        let said = "finished in 2.00s, 5000.00 req/s, 1MB/s\nrequests: 10000 total, 10000 started, 10000 done, 10000 succeeded, \
                    0 failed, 0 errored, 0 timeout\n";
        assert_eq!(h2load(said), Some((10000.0, 2.0)));
        assert_eq!(h2load(&said.replace("0 failed", "1 failed")), None);
        let log: String = (1..=200).map(|time| format!("1700000000000000\t200\t{time}\n")).collect();
        assert_eq!(p99_us(&log), Some(198.0));
    }
}
