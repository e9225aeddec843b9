//! Programs of the host: limits, folder, and that nothing of them is left.

use agent_api::{Phase, Sandbox};

use crate::rig::{Rig, port, process, root};

#[tokio::test(flavor = "multi_thread")]
async fn a_process_has_its_own_environment_and_port_and_leaves_no_child_behind() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    // A child in a session of its own escapes the group, and still does not outlive the instance.
    let script = "env | sort; setsid sleep 4711 & sleep 4712 & echo started; wait";
    let mut spec = process("job", &["sh", "-c", script]);
    spec.env.insert("SECRET".into(), "very-secret".into());
    spec.ports.push(port("http-api", 80));
    let status = rig.run(&spec, &[Phase::Ready]).await;
    let number = status.ports["http-api"];
    assert!(number >= 20_000 && status.address == "127.0.0.1");
    while !rig.output(&spec.id).await.contains("started") {
        tokio::task::yield_now().await;
    }
    let output = rig.output(&spec.id).await;
    for line in ["SECRET=very-secret".to_owned(), format!("PORT={number}"), format!("PORT_HTTP_API={number}")]
    {
        assert!(output.contains(&line), "{output}");
    }
    let inherited = output.lines().filter(|line| line.contains('=')).count();
    // Path, working directory and shell level are the shell's own.
    assert!(inherited <= 8, "{output}");
    for kept in ["spec.json", "status.json", "ready.json"] {
        let text = std::fs::read_to_string(rig.dir.join("instances/job").join(kept)).unwrap_or_default();
        assert!(!text.contains("very-secret"), "{kept}: {text}");
    }
    rig.stop(&spec.id).await;
    let left = std::process::Command::new("sh")
        .args(["-c", "cat /proc/[0-9]*/cmdline | tr '\\0' ' ' | grep -c 'sleep 471[12]'"])
        .output()
        .expect("counted");
    assert_eq!(String::from_utf8_lossy(&left.stdout).trim(), "0");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_that_is_not_there_is_the_reason() {
    let rig = Rig::start().await;
    let mut spec = process("lost", &["true"]);
    spec.sandbox = Sandbox::Process { directory: Some("/no/such/folder".into()) };
    let status = rig.run(&spec, &[Phase::Failed]).await;
    let reason = status.reason.expect("a reason");
    assert!(reason.contains("enter /no/such/folder: No such file or directory"), "{reason}");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_description_is_refused_with_a_hint() {
    let rig = Rig::start().await;
    let mut spec = process("fine", &["true"]);
    spec.stop.signal = "SIGNOTHING".into();
    let refused = rig.client.start(&spec).await.expect_err("refused");
    assert_eq!(refused.to_string(), "`SIGNOTHING` is no signal; such as SIGTERM");
    let spec = process("../escape", &["true"]);
    assert_eq!(rig.client.start(&spec).await.expect_err("refused").status(), Some(400));
    rig.finish().await;
}
