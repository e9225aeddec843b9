//! Figures, for people to look at: `cargo test --release -p engine -- --ignored --nocapture scale`.

use std::fmt::Write as _;
use std::time::Instant;

use crate::rig::Rig;

#[tokio::test]
#[ignore = "a measurement"]
async fn ten_thousand_services_with_nothing_to_change_are_planned() {
    let mut text = String::new();
    for i in 0..10_000 {
        let cache =
            if i % 10 == 0 { String::new() } else { format!("CACHE = service.s{}.address", i / 10 * 10) };
        let _ = writeln!(
            text,
            r#"service "s{i}" {{
  image    = "shop/s{i}"
  replicas = 3
  env      = {{ MODE = "production", NUMBER = {i}, {cache} }}
  port "http" {{ container = 8080 }}
  health {{ http = "/health" }}
  route {{ host = "s{i}.example.com" }}
  resources {{ memory = "256Mi" }}
}}"#
        );
    }
    let rig = Rig::new(&text);
    rig.make().await;
    println!("after the first apply: {}", memory());
    for _ in 0..3 {
        let begun = Instant::now();
        let loaded = lang::load(&rig.files);
        println!("load: {:?}", begun.elapsed());
        drop(loaded);
        let begun = Instant::now();
        let plan = rig.plan().await;
        println!("plan of {} (reading files included): {:?}", plan.changes.len(), begun.elapsed());
        assert!(!plan.has_changes());
    }
    println!("{}", memory());
}

fn memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .filter(|line| line.starts_with("VmRSS") || line.starts_with("VmHWM"))
        .collect::<Vec<_>>()
        .join(" ")
}
