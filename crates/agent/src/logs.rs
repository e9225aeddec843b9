//! Reading instances' logs: the last lines, all of them merged by time, and what comes. It reads files only; supervisors
//! write them.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use agent_api::{InstanceId, LogLine};
use bytes::Bytes;
use tokio::sync::mpsc;

use crate::Agent;
use crate::instances::Scope;
use crate::supervisor::output::{Stream, aside};
use crate::supervisor::place;

/// Between two looks for new lines.
const FOLLOW_MS: u64 = 100;
/// Bytes that are gathered before they are sent.
const CHUNK_BYTES: usize = 32 * 1024;
/// Block size of reading backwards.
const BLOCK_BYTES: u64 = 64 * 1024;

/// Which lines are wanted.
#[derive(Debug, Clone)]
pub(crate) struct Wanted {
    pub(crate) scope: Scope,
    pub(crate) instance: Option<InstanceId>,
    pub(crate) tail: Option<u64>,
    pub(crate) since_ms: Option<u64>,
    pub(crate) follow: bool,
}

/// One log as it is read.
struct Source {
    id: InstanceId,
    service: String,
    path: PathBuf,
    /// The file that is being read, and its inode: the path may name another by now.
    file: Option<(BufReader<File>, u64)>,
    /// A line whose end is not there yet.
    partial: Vec<u8>,
}

/// Sends the wanted lines as JSON, one to a line, until there are no more or nobody reads.
pub(crate) async fn send(agent: Arc<Agent>, wanted: Wanted, out: mpsc::Sender<Bytes>) {
    let mut known = sources(&agent, &wanted);
    let history = wanted.clone();
    let sender = out.clone();
    let read = tokio::task::spawn_blocking(move || {
        send_history(&mut known, &history, &sender);
        known
    });
    let Ok(mut known) = read.await else { return };
    while wanted.follow && !out.is_closed() {
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(FOLLOW_MS)) => {}
            () = agent.ending.cancelled() => return,
            () = out.closed() => return,
        }
        let now = sources(&agent, &wanted);
        let (sender, since_ms) = (out.clone(), wanted.since_ms);
        let read = tokio::task::spawn_blocking(move || {
            known.retain(|id, _| now.contains_key(id));
            for (id, source) in now {
                known.entry(id).or_insert(source);
            }
            send_news(&mut known, since_ms, &sender);
            known
        });
        let Ok(after) = read.await else { return };
        known = after;
    }
}

/// The last lines of one instance.
pub(crate) fn tail(agent: &Agent, id: &InstanceId, lines: u64) -> Option<Vec<LogLine>> {
    let service = agent.instances.read(id, |entry| entry.kept.spec.service.service.clone())?;
    let mut source = Source::new(id.clone(), service, place::log(&agent.dir.instance(id)));
    let mut last = VecDeque::new();
    source.each(Some(lines), |line| last.push_back(line));
    let extra = last.len().saturating_sub(usize::try_from(lines).unwrap_or(usize::MAX));
    Some(last.into_iter().skip(extra).collect())
}

fn sources(agent: &Agent, wanted: &Wanted) -> BTreeMap<InstanceId, Source> {
    agent.instances.read_all(|entries| {
        entries
            .iter()
            .filter(|(id, entry)| {
                wanted.scope.covers(entry) && wanted.instance.as_ref().is_none_or(|instance| instance == *id)
            })
            .map(|(id, entry)| {
                let path = place::log(&agent.dir.instance(id));
                (id.clone(), Source::new(id.clone(), entry.kept.spec.service.service.clone(), path))
            })
            .collect()
    })
}

/// Merges what is there by time. With a tail, only the last lines of each log are read.
fn send_history(known: &mut BTreeMap<InstanceId, Source>, wanted: &Wanted, out: &mpsc::Sender<Bytes>) {
    let mut sources: Vec<&mut Source> = known.values_mut().collect();
    for source in &mut sources {
        source.begin(wanted.tail);
    }
    let mut heap = BinaryHeap::new();
    let mut heads: Vec<Option<LogLine>> = Vec::new();
    for (at, source) in sources.iter_mut().enumerate() {
        let head = source.next();
        heap.extend(head.as_ref().map(|line| Reverse((line.at_ms, at))));
        heads.push(head);
    }
    let tail = wanted.tail.map(|tail| usize::try_from(tail).unwrap_or(usize::MAX));
    let mut last = VecDeque::new();
    let mut chunk = Chunk::new(out);
    while let Some(Reverse((_, at))) = heap.pop() {
        let next = sources[at].next();
        heap.extend(next.as_ref().map(|line| Reverse((line.at_ms, at))));
        let Some(line) = std::mem::replace(&mut heads[at], next) else { continue };
        if wanted.since_ms.is_some_and(|since_ms| line.at_ms < since_ms) {
            continue;
        }
        match tail {
            None => chunk.push(&line),
            Some(tail) => {
                last.push_back(line);
                if last.len() > tail {
                    last.pop_front();
                }
            }
        }
        if chunk.closed {
            return;
        }
    }
    last.iter().for_each(|line| chunk.push(line));
    chunk.flush();
}

fn send_news(known: &mut BTreeMap<InstanceId, Source>, since_ms: Option<u64>, out: &mpsc::Sender<Bytes>) {
    let mut news = Vec::new();
    for source in known.values_mut() {
        while let Some(line) = source.next() {
            if since_ms.is_none_or(|since_ms| line.at_ms >= since_ms) {
                news.push(line);
            }
        }
    }
    news.sort_by_key(|line| line.at_ms);
    let mut chunk = Chunk::new(out);
    news.iter().for_each(|line| chunk.push(line));
    chunk.flush();
}

/// Lines on their way out.
struct Chunk<'a> {
    out: &'a mpsc::Sender<Bytes>,
    bytes: Vec<u8>,
    closed: bool,
}

impl<'a> Chunk<'a> {
    fn new(out: &'a mpsc::Sender<Bytes>) -> Self {
        Self { out, bytes: Vec::new(), closed: false }
    }

    fn push(&mut self, line: &LogLine) {
        if serde_json::to_writer(&mut self.bytes, line).is_ok() {
            self.bytes.push(b'\n');
        }
        if self.bytes.len() >= CHUNK_BYTES {
            self.flush();
        }
    }

    fn flush(&mut self) {
        if !self.bytes.is_empty() && !self.closed {
            self.closed = self.out.blocking_send(std::mem::take(&mut self.bytes).into()).is_err();
        }
    }
}

impl Source {
    fn new(id: InstanceId, service: String, path: PathBuf) -> Self {
        Self { id, service, path, file: None, partial: Vec::new() }
    }

    /// Opens the log at its beginning, or where its last lines begin.
    fn begin(&mut self, tail: Option<u64>) {
        // A log that is not there yet has no lines.
        let Ok(current) = open(&self.path) else { return };
        let (mut current, inode) = current;
        let Some(tail) = tail else {
            self.file = Some(match open(&aside(&self.path)) {
                Ok((older, older_inode)) if older_inode != inode => (BufReader::new(older), older_inode),
                _ => (BufReader::new(current), inode),
            });
            return;
        };
        let missing = seek_to_last(&mut current, tail).unwrap_or(0);
        self.file = Some((BufReader::new(current), inode));
        if missing > 0
            && let Ok((mut older, older_inode)) = open(&aside(&self.path))
            && seek_to_last(&mut older, missing).is_ok()
        {
            self.file = Some((BufReader::new(older), older_inode));
        }
    }

    fn each(&mut self, tail: Option<u64>, mut take: impl FnMut(LogLine)) {
        self.begin(tail);
        while let Some(line) = self.next() {
            take(line);
        }
    }

    /// The next whole line, going on with the next file where the log was rotated.
    fn next(&mut self) -> Option<LogLine> {
        loop {
            if self.file.is_none() {
                let (file, inode) = open(&self.path).ok()?;
                self.file = Some((BufReader::new(file), inode));
            }
            let (file, inode) = self.file.as_mut()?;
            if file.read_until(b'\n', &mut self.partial).is_ok() && self.partial.last() == Some(&b'\n') {
                let text = std::mem::take(&mut self.partial);
                if let Some(line) = self.parse(&text) {
                    return Some(line);
                }
                continue;
            }
            let current = std::fs::metadata(&self.path).ok()?.ino();
            if current == *inode {
                return None;
            }
            // Rotated: nothing more is written to the one that was read, and its last line was whole.
            self.partial.clear();
            self.file = None;
        }
    }

    fn parse(&self, line: &[u8]) -> Option<LogLine> {
        let text = std::str::from_utf8(line).ok()?.trim_end_matches('\n');
        let (at_ms, rest) = text.split_once(' ')?;
        let (letter, text) = rest.split_once(' ')?;
        Some(LogLine {
            instance: self.id.clone(),
            service: self.service.clone(),
            at_ms: at_ms.parse().ok()?,
            stream: Stream::of_letter(letter)?.to_owned(),
            text: text.to_owned(),
        })
    }
}

fn open(path: &Path) -> io::Result<(File, u64)> {
    let file = File::open(path)?;
    let inode = file.metadata()?.ino();
    Ok((file, inode))
}

/// Moves to where the last `lines` lines begin. Returns how many are missing because the file has fewer.
fn seek_to_last(file: &mut File, lines: u64) -> io::Result<u64> {
    let mut end = file.seek(SeekFrom::End(0))?;
    let mut found = 0;
    let mut block = Vec::new();
    while end > 0 {
        let start = end.saturating_sub(BLOCK_BYTES);
        file.seek(SeekFrom::Start(start))?;
        block.clear();
        file.take(end - start).read_to_end(&mut block)?;
        for (at, _) in block.iter().enumerate().rev().filter(|(_, byte)| **byte == b'\n') {
            found += 1;
            if found > lines {
                file.seek(SeekFrom::Start(start + at as u64 + 1))?;
                return Ok(0);
            }
        }
        end = start;
    }
    file.seek(SeekFrom::Start(0))?;
    Ok(lines - found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    #[test]
    fn the_last_lines_are_found_from_the_end() {
        let mut file = tempfile::tempfile().expect("a file");
        let text: String = (0..20_000).map(|number| format!("{number}\n")).collect();
        file.write_all(text.as_bytes()).expect("written");
        for lines in [0, 1, 3, 19_999, 20_000] {
            assert_eq!(seek_to_last(&mut file, lines).expect("sought"), 0);
            let mut rest = String::new();
            file.read_to_string(&mut rest).expect("read");
            assert_eq!(rest.lines().count() as u64, lines);
        }
        assert_eq!(seek_to_last(&mut file, 20_007).expect("sought"), 7);
    }
}
