//! Keeping the log short: a snapshot now and then, so that little has to be read after it; small segments put together; what is
//! older than the history reaches is dropped, and what nothing refers to is removed.
//!
//! None of it changes what the state is. What is removed is certain to be of no use: an object bears the version of the head that
//! is the first to refer to it, and once that head has been written, by whomever, one that it does not refer to never will be.

use std::collections::HashSet;

use bytes::{Bytes, BytesMut};
use engine::{EnvironmentName, StoreError};

use super::S3Store;
use super::head::{Draft, Head, Piece, WHOLE};
use super::names::version_of;
use crate::environments::random_word;
use crate::journal_words::CHANGES_KEPT;

/// What is read after a snapshot before another is made, at least. That much is read in the time of a few small objects, and is
/// what some thousand operations take.
const LOG_BYTES_MIN: u64 = 256 << 10;
/// And in objects: more than are read at the same time twice over.
const SEGMENTS_MAX: usize = 32;
/// How many pieces a head refers to before small ones are put together: 64 KB of a head, 16 KB compressed.
const PIECES_MAX: usize = 512;
/// The most that is put together into one.
const MERGED_BYTES_MAX: u64 = 8 << 20;
/// How many snapshots are kept for the history. They are made when as much has changed as they are large, so that this many are
/// needed only where everything was replaced again and again.
const SNAPSHOTS_KEPT: usize = 20;

const DOING: &str = "tidying up the log";

impl S3Store {
    /// The same for whoever has other things to do; not where a lease is held, since it is done when that is given back.
    pub(super) async fn compact_by_the_way(&self, environment: &EnvironmentName, held_here: Option<u64>) {
        if held_here.is_none()
            && let Err(fault) = self.compact(environment).await
        {
            tracing::warn!("the log of {environment} was not made shorter: {fault}");
        }
    }

    /// Makes the log shorter where it has become long.
    pub(super) async fn compact(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        let mut slot = self.heads.lock(environment).await;
        let seen = slot.head();
        if !is_long(&seen) {
            return Ok(());
        }
        let head = self.heads.refresh(environment, &mut slot).await?;
        head.lease.admits(environment, self.held.token(environment), self.time.now_ms())?;
        if !is_long(&head) {
            return Ok(());
        }
        let mut draft = Draft::of(&head, true, random_word()?);
        if reads_long(&head) {
            let (loaded, _) = self.load_of(environment, &head).await?;
            let open = self.open_lines(&head, &loaded)?;
            let open: Vec<&str> = open.iter().map(String::as_str).collect();
            draft.snapshot(loaded.packed(&self.bucket, &open)?)?;
        }
        let dropped = dropped(&draft.head.log, draft.head.serial);
        draft.head.log.drain(..dropped);
        if draft.head.log.len() > PIECES_MAX {
            self.merge(environment, &mut draft).await?;
        }
        draft.changed();
        // Another writer that was ahead tidies up after itself.
        if self.heads.write(environment, &mut slot, draft).await? {
            drop(slot);
            self.sweep(environment).await?;
        }
        Ok(())
    }

    async fn merge(&self, environment: &EnvironmentName, draft: &mut Draft) -> Result<(), StoreError> {
        let mut merged = Vec::with_capacity(PIECES_MAX);
        for run in runs(&std::mem::take(&mut draft.head.log)) {
            let [Piece::Segment { .. }, .., Piece::Segment { serial, .. }] = run.as_slice() else {
                merged.extend(run);
                continue;
            };
            let (serial, mut all) = (*serial, BytesMut::new());
            let names: Vec<&str> = run.iter().map(Piece::name).collect();
            for bytes in self.pieces(environment, &names).await? {
                all.extend_from_slice(&bytes);
            }
            let bytes = all.len() as u64;
            let name = draft.upload(all.freeze());
            merged.push(Piece::Segment { name, serial, bytes });
        }
        draft.head.log = merged;
        Ok(())
    }

    async fn pieces(&self, environment: &EnvironmentName, names: &[&str]) -> Result<Vec<Bytes>, StoreError> {
        use crate::rows::Origin as _;
        let paths = names.iter().map(|name| self.bucket.object(environment, name)).collect();
        let missing = |name: &str| self.bucket.unreadable(&format!("the history of {environment}"), &name);
        let found = self.bucket.read_all(DOING, paths).await?.into_iter().zip(names);
        found.map(|(bytes, name)| bytes.ok_or_else(|| missing(&format!("{name} is missing")))).collect()
    }

    /// Removes what nothing refers to any more and nothing will.
    pub(super) async fn sweep(&self, environment: &EnvironmentName) -> Result<(), StoreError> {
        let head = self.heads.read(environment).await?;
        let mut useless = Vec::new();
        let folder = self.bucket.environment(environment);
        for path in self.bucket.below(DOING, &folder, None, usize::MAX).await? {
            let parts: Vec<String> = path
                .prefix_match(&folder)
                .map(|parts| parts.map(|part| part.as_ref().to_owned()).collect())
                .unwrap_or_default();
            let is_useless = match parts.as_slice() {
                [objects, name] if objects == "objects" => is_useless(&head, name),
                // The ledgers of environments of this name that there were before have folders of their own.
                [ledger, ..] => is_former_ledger(&head, ledger),
                [] => false,
            };
            if is_useless {
                useless.push(path);
            }
        }
        self.bucket.remove_all(DOING, useless).await
    }
}

/// What is read after the last snapshot.
fn since(log: &[Piece]) -> (u64, &[Piece]) {
    match log.iter().rposition(|piece| matches!(piece, Piece::Snapshot { .. })) {
        Some(at) => (log[at].bytes(), &log[at + 1..]),
        None => (0, log),
    }
}

/// Whether so much has to be read that a snapshot is worth its while: as much as it will have itself.
fn reads_long(head: &Head) -> bool {
    let (snapshot, segments) = since(&head.log);
    let bytes: u64 = segments.iter().map(Piece::bytes).sum();
    segments.len() > 1 && (bytes > snapshot.max(LOG_BYTES_MIN) || segments.len() > SEGMENTS_MAX)
}

fn is_long(head: &Head) -> bool {
    reads_long(head) || head.log.len() > PIECES_MAX || dropped(&head.log, head.serial) > 0
}

/// How many of the first pieces are older than the history reaches: all before a snapshot that is old enough.
fn dropped(log: &[Piece], serial_now: u64) -> usize {
    let snapshots = log.iter().enumerate().filter_map(|(at, piece)| match piece {
        Piece::Snapshot { serial, .. } => Some((at, *serial)),
        Piece::Segment { .. } => None,
    });
    let snapshots: Vec<(usize, u64)> = snapshots.collect();
    let surplus = snapshots.len().saturating_sub(SNAPSHOTS_KEPT);
    let oldest = serial_now.saturating_sub(CHANGES_KEPT);
    let by_age = snapshots.iter().rev().find(|(_, serial)| *serial <= oldest && oldest > 0);
    let by_count = snapshots.get(surplus).filter(|_| surplus > 0);
    by_age.into_iter().chain(by_count).map(|(at, _)| *at).max().unwrap_or(0)
}

/// The log in runs: segments that will be one, and everything else by itself.
fn runs(log: &[Piece]) -> Vec<Vec<Piece>> {
    let mut runs: Vec<Vec<Piece>> = Vec::new();
    for piece in log {
        let joins = matches!(piece, Piece::Segment { .. })
            && runs.last().is_some_and(|run| {
                let bytes: u64 = run.iter().map(Piece::bytes).sum();
                matches!(run.last(), Some(Piece::Segment { .. })) && bytes + piece.bytes() <= MERGED_BYTES_MAX
            });
        match runs.last_mut() {
            Some(run) if joins => run.push(piece.clone()),
            _ => runs.push(vec![piece.clone()]),
        }
    }
    runs
}

fn is_useless(head: &Head, name: &str) -> bool {
    let Some(version) = version_of(name) else { return false };
    if version > head.version {
        return false;
    }
    let mut referred: HashSet<&str> = head.log.iter().map(Piece::name).collect();
    referred.extend(head.whole.as_deref());
    let mut oldest = None;
    for piece in &head.log {
        if let Piece::Snapshot { name, whole, .. } = piece {
            referred.extend(whole.as_deref());
            oldest = oldest.or(version_of(name));
        }
    }
    if referred.contains(name) {
        return false;
    }
    // Outputs are referred to by lines of the log, too, and no line that is kept is older than the first snapshot.
    let is_whole = name.ends_with(WHOLE);
    let begins_with_snapshot = matches!(head.log.first(), Some(Piece::Snapshot { .. }));
    !is_whole
        || head.lineage.is_none()
        || (begins_with_snapshot && oldest.is_some_and(|oldest| version < oldest))
}

fn is_former_ledger(head: &Head, folder: &str) -> bool {
    folder
        .strip_prefix("ledger-")
        .and_then(|number| number.parse::<u64>().ok())
        .is_some_and(|it| it < head.generation)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;
    use std::sync::Arc;

    use engine::{Edit, History as _, Leases as _, StateEditing as _, StateRow};
    use value::Value;

    use super::*;
    use crate::clock::system_clock;
    use crate::keys::KeyRing;
    use crate::process::this_process;
    use crate::s3::Time;
    use crate::s3::bucket::Bucket;

    fn snapshot(serial: u64, bytes: u64) -> Piece {
        let name = format!("{serial:012x}-a");
        Piece::Snapshot { name, serial, lineage: None, whole: Some(format!("{serial:012x}-b{WHOLE}")), bytes }
    }

    fn segment(serial: u64, bytes: u64) -> Piece {
        Piece::Segment { name: format!("{serial:012x}-c"), serial, bytes }
    }

    fn head(log: Vec<Piece>) -> Head {
        let mut head = Head::nothing();
        (head.log, head.version, head.serial) = (log, 1000, 1000);
        head.make("x");
        head
    }

    #[test]
    fn a_snapshot_is_made_when_as_much_has_to_be_read_after_the_last() {
        let log = |before: Option<u64>, segments: &[u64]| {
            let mut log: Vec<Piece> = before.map(|bytes| snapshot(1, bytes)).into_iter().collect();
            log.extend((2..).zip(segments).map(|(serial, bytes)| segment(serial, *bytes)));
            head(log)
        };
        let least = LOG_BYTES_MIN;
        for (before, segments, expected) in [
            (None, vec![], false),
            (None, vec![least / 2, least / 2], false),
            (None, vec![least / 2, least / 2 + 1], true),
            (None, vec![least * 9], false),
            (Some(10 * least), vec![least, 8 * least], false),
            (Some(10 * least), vec![least, 9 * least + 1], true),
            (Some(10 * least), vec![1; SEGMENTS_MAX], false),
            (Some(10 * least), vec![1; SEGMENTS_MAX + 1], true),
        ] {
            assert_eq!(reads_long(&log(before, &segments)), expected, "{before:?} {segments:?}");
        }
    }

    #[test]
    fn what_is_older_than_the_history_reaches_is_dropped() {
        let log = [segment(5, 1), snapshot(5, 1), segment(9, 1), snapshot(9, 1), segment(12, 1)];
        for (serial_now, expected) in [
            (12, 0),
            (CHANGES_KEPT + 4, 0),
            (CHANGES_KEPT + 5, 1),
            (CHANGES_KEPT + 9, 3),
            (CHANGES_KEPT * 2, 3),
        ] {
            assert_eq!(dropped(&log, serial_now), expected, "{serial_now}");
        }
        let many: Vec<Piece> = (0..30).map(|serial| snapshot(serial, 1)).collect();
        assert_eq!(dropped(&many, 30), 30 - SNAPSHOTS_KEPT);
    }

    #[tokio::test]
    async fn a_history_of_many_pieces_is_put_together_and_stays_what_it_was() {
        let dir = tempfile::tempdir().unwrap();
        let keys = KeyRing::open(dir.path(), BTreeMap::new());
        let time = Time { local: system_clock(), ahead_ms: Arc::default() };
        let store = S3Store::over(Bucket::in_memory(), keys, time);
        let dev = EnvironmentName::new("dev");
        let holder = this_process("ann@laptop".into(), "test".into()).unwrap();
        let lease = store.acquire(&dev, &holder, 600_000).await.unwrap();
        let changes = PIECES_MAX as u64 + 10;
        for number in 1..=changes {
            let address = format!("t.a[{}]", number % 7).parse().unwrap();
            let row = StateRow::new(address, Value::number(number as i64), Vec::new());
            store.edit(&dev, None, vec![Edit::Put(Box::new(row))]).await.unwrap();
            store.heads.change(&dev, false, |draft| draft.cut_tail()).await.unwrap();
        }
        assert_eq!(store.heads.read(&dev).await.unwrap().log.len() as u64, changes);
        store.release(&lease).await.unwrap();

        let log = store.heads.read(&dev).await.unwrap().log;
        assert!(matches!(log.as_slice(), [Piece::Segment { .. }, Piece::Snapshot { .. }]), "{log:?}");
        let objects =
            store.bucket.below("x", &store.bucket.environment(&dev), None, usize::MAX).await.unwrap();
        assert_eq!(objects.len(), 3, "{objects:?}");
        assert_eq!(store.versions(&dev).await.unwrap().len() as u64, changes);
        for serial in [1, 2, 100, changes] {
            let then = store.at(&dev, serial).await.unwrap().unwrap();
            let values = then.rows.iter().map(|row| row.value.as_number().unwrap().to_string());
            let last = values.map(|text| text.parse::<u64>().unwrap()).max();
            assert_eq!((last, then.rows.len() as u64), (Some(serial), serial.min(7)));
        }
    }

    #[test]
    fn neighbouring_segments_are_put_together_up_to_a_size() {
        let half = MERGED_BYTES_MAX / 2;
        let log =
            [segment(1, half), segment(2, half), segment(3, 1), snapshot(3, 1), segment(4, 1), segment(5, 1)];
        let sizes: Vec<usize> = runs(&log).iter().map(Vec::len).collect();
        assert_eq!(sizes, [2, 1, 1, 2]);
        assert_eq!(runs(&log).concat(), log);
    }

    #[test]
    fn only_what_nothing_refers_to_and_nothing_will_is_removed() {
        let mut kept = head(vec![snapshot(500, 1), segment(600, 1)]);
        kept.whole = Some(format!("{:012x}-d{WHOLE}", 700));
        for (name, expected) in [
            (format!("{:012x}-a", 500), false),
            (format!("{:012x}-b{WHOLE}", 500), false),
            (format!("{:012x}-c", 600), false),
            (format!("{:012x}-d{WHOLE}", 700), false),
            // Of a head that was written meanwhile, or will be.
            (format!("{:012x}-e", 1001), false),
            // Outputs that a line of the log may refer to, and those of lines that were dropped.
            (format!("{:012x}-f{WHOLE}", 650), false),
            (format!("{:012x}-f{WHOLE}", 499), true),
            // Another writer's draft that came too late.
            (format!("{:012x}-f", 600), true),
            (format!("{:012x}-f", 1000), true),
            ("README".to_owned(), false),
        ] {
            assert_eq!(is_useless(&kept, &name), expected, "{name}");
        }
        kept.forget();
        assert!(is_useless(&kept, &format!("{:012x}-f{WHOLE}", 650)));
        assert!(is_former_ledger(&kept, "ledger-0") && !is_former_ledger(&kept, "ledger-1"));
    }
}
