//! What a provider writes besides.

use std::io;
use std::sync::{Arc, Mutex};

use testkit::provider::Script;
use tracing_subscriber::fmt::MakeWriter;

use crate::rig::{Rig, THING};

#[derive(Clone, Default)]
struct Written(Arc<Mutex<Vec<u8>>>);

impl io::Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Written {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

/// On one thread, so that the subscriber of this test sees all of it.
#[tokio::test(flavor = "current_thread")]
async fn lines_of_a_provider_go_to_the_log_by_their_level() {
    let written = Written::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::TRACE)
        .with_ansi(false)
        .without_time()
        .with_writer(written.clone())
        .finish();
    let _guard = tracing::subscriber::set_default(subscriber);
    let rig = Rig::new();
    let levels = ["error", "warn", "info", "debug", "trace"];
    let json = |level| format!(r#"{{"@level":"{level}","@message":"it is {level}","@module":"sdk.proto"}}"#);
    let stderr = levels.map(json).into_iter().chain(["plain text".to_owned(), "x".repeat(100_000)]);
    let ready = rig.ready(&Script { stderr: stderr.collect(), ..rig.script() }).await;
    ready.provider.read(THING, &ready.nothing()).await.ok();
    ready.plugin.shut_down().await;
    let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
    for level in levels {
        let line = text.lines().find(|line| line.contains(&format!("it is {level}"))).unwrap();
        assert!(line.trim_start().starts_with(&level.to_uppercase()), "{line}");
        assert!(line.contains("provider") && line.contains("sdk.proto"), "{line}");
    }
    let plain = text.lines().find(|line| line.contains("plain text")).unwrap();
    assert!(plain.trim_start().starts_with("DEBUG"), "{plain}");
    assert!(text.lines().all(|line| line.len() < 3_000), "a line that nobody reads whole is cut");
}
