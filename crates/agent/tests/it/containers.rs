//! Containers: what they see, how they end, what they leave.

use agent_api::{LogQuery, Phase, Resources, RestartPolicy};
use futures_util::StreamExt;

use crate::rig::{Rig, port, root, service};

#[tokio::test(flavor = "multi_thread")]
async fn a_container_sees_itself_alone_and_leaves_its_exit_code() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let mut spec = rig
        .spec(
            "web-1",
            "hostname; echo pid $$$$; ls /proc > /list; grep -c '^[0-9][0-9]*$' /list; pwd; id -u; echo $GREETING $PORT $PORT_HTTP; \
             cat /etc/hosts | grep web-1; ulimit -n; echo oops >&2; echo \"$0 $1\"; exit 7",
        )
        .await;
    spec.env.insert("GREETING".into(), "hello".into());
    spec.ports.push(port("http", 8080));
    spec.command.extend(["$(GREETING)-zero".into(), "$$(GREETING)".into()]);
    let status = rig.run(&spec, &[Phase::Failed]).await;
    let exit = status.last_exit.expect("an exit");
    assert_eq!((exit.code, exit.out_of_memory), (Some(7), false));
    assert_eq!(status.reason.as_deref(), Some("exited with code 7; its restart policy allows no restart"));
    assert_eq!((status.missing_isolation.as_slice(), status.pid), (&[] as &[String], None));
    let output = rig.output(&spec.id).await;
    let expect = [
        "web-1".to_owned(),
        "pid 1".into(),
        // The shell and ls.
        "2".into(),
        "/".into(),
        "0".into(),
        "hello 8080 8080".into(),
        format!("{} web-1", status.address),
        open_files(),
        "oops".into(),
        "hello-zero $(GREETING)".into(),
    ];
    let mut lines: Vec<&str> = output.lines().collect();
    // Two pipes have no order between them.
    let oops = lines.iter().position(|line| *line == "oops").expect("the error");
    lines.remove(oops);
    assert_eq!(lines, expect.iter().filter(|line| *line != "oops").collect::<Vec<_>>());
    rig.client.remove(&spec.id).await.expect("removed");
    rig.client.remove(&spec.id).await.expect("removed again");
    assert!(!rig.dir.join("instances/web-1").exists());
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_exceeds_its_memory_is_killed_and_said_to_be() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let mut spec = rig.spec("hog", "x=0123456789abcdef; while true; do x=$x$x; done").await;
    spec.resources = Resources { memory_bytes: Some(32 << 20), cpu_millis: Some(900), pids: Some(20) };
    let status = rig.run(&spec, &[Phase::Failed]).await;
    let exit = status.last_exit.expect("an exit");
    assert!(exit.out_of_memory, "{exit:?}");
    assert_eq!(exit.signal.as_deref(), Some("SIGKILL"));
    assert!(status.reason.expect("a reason").contains("memory limit"));
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_is_restarted_until_its_policy_is_spent() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let mut spec = rig.spec("crash", "echo run >> /runs; cat /runs | grep -c run; exit 3").await;
    spec.restart = RestartPolicy { attempts: 2, window_ms: 60_000, backoff_ms: 10, success_is_final: false };
    let status = rig.run(&spec, &[Phase::Failed]).await;
    assert_eq!(status.restarts, 2);
    assert_eq!(status.reason.as_deref(), Some("exited with code 3, after 2 restarts within 60 s"));
    // What it wrote was kept over restarts.
    assert_eq!(rig.output(&spec.id).await, "1\n2\n3\n");
    // Over, it is started anew under the same id, and with nothing of before but its log.
    let again = rig.run(&spec, &[Phase::Failed]).await;
    assert!(again.started_at_ms > status.started_at_ms);
    assert_eq!(rig.output(&spec.id).await, "1\n2\n3\n1\n2\n3\n");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_is_gentle_first_and_then_not() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let gentle =
        rig.spec("gentle", "trap 'echo bye; exit 0' TERM; echo up; while true; do sleep 0.05; done").await;
    let mut stubborn =
        rig.spec("stubborn", "trap 'echo no' TERM; echo up; while true; do sleep 0.05; done").await;
    stubborn.stop.grace_ms = 300;
    for spec in [&gentle, &stubborn] {
        rig.run(spec, &[Phase::Ready]).await;
        while !rig.output(&spec.id).await.contains("up") {
            tokio::task::yield_now().await;
        }
    }
    let status = rig.stop(&gentle.id).await;
    assert_eq!((status.phase, status.last_exit.and_then(|exit| exit.code)), (Phase::Exited, Some(0)));
    assert_eq!(rig.output(&gentle.id).await, "up\nbye\n");
    let status = rig.stop(&stubborn.id).await;
    let signal = status.last_exit.and_then(|exit| exit.signal);
    assert_eq!((status.phase, signal.as_deref()), (Phase::Exited, Some("SIGKILL")));
    assert_eq!(rig.output(&stubborn.id).await, "up\nno\n");
    // Without a handler there is nothing to wait for, though the first process of a container is not ended by signals.
    let mut silent = rig.spec("silent", "exec sleep 1000").await;
    silent.stop.grace_ms = 3_600_000;
    rig.run(&silent, &[Phase::Ready]).await;
    rig.stop(&silent.id).await;
    // Stopping what is over says so.
    assert_eq!(rig.client.stop(&gentle.id).await.expect("idempotent").phase, Phase::Exited);
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_set_up_that_fails_names_its_step() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let mut spec = rig.spec("nothing", "").await;
    spec.command = vec!["no-such-program".into()];
    let status = rig.run(&spec, &[Phase::Failed]).await;
    let reason = status.reason.expect("a reason");
    assert!(
        reason.contains("find the program: there is no program `no-such-program` in /usr/local/sbin"),
        "{reason}"
    );
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn starting_twice_is_starting_once_and_another_description_is_refused() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let spec = rig.spec("once", "sleep 1000").await;
    let (first, second) = tokio::join!(rig.client.start(&spec), rig.client.start(&spec));
    let (first, second) = (first.expect("started"), second.expect("started"));
    assert_eq!((first.started_at_ms, &first.address), (second.started_at_ms, &second.address));
    let mut other = spec.clone();
    other.spec_hash = "2".into();
    let refused = rig.client.start(&other).await.expect_err("refused");
    assert_eq!(refused.status(), Some(409), "{refused}");
    let refused = rig.client.remove(&spec.id).await.expect_err("refused");
    assert_eq!(refused.status(), Some(409), "{refused}");
    let mut unknown = rig.spec("other", "true").await;
    unknown.sandbox = agent_api::Sandbox::Container { image: format!("sha256:{}", "0".repeat(64)) };
    let refused = rig.client.start(&unknown).await.expect_err("refused");
    assert_eq!(refused.status(), Some(409), "{refused}");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn logs_are_merged_cut_and_followed() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let mut one =
        rig.spec("one", "i=0; while [ $i -lt 50 ]; do echo a$i; i=$((i+1)); done; sleep 1000").await;
    let mut two =
        rig.spec("two", "trap 'echo last; exit' TERM; echo begin; while true; do sleep 0.05; done").await;
    one.service = service("one");
    two.service = service("two");
    let query = |service: Option<&str>, tail, follow| LogQuery {
        project: "shop".into(),
        environment: "dev".into(),
        service: service.map(str::to_owned),
        tail,
        follow,
        ..LogQuery::default()
    };
    rig.run(&one, &[Phase::Ready]).await;
    while !rig.output(&one.id).await.contains("a49") {
        tokio::task::yield_now().await;
    }
    let lines: Vec<_> =
        rig.client.logs(&query(Some("one"), Some(3), false)).await.expect("logs").collect().await;
    let texts: Vec<String> = lines.into_iter().map(|line| line.expect("a line").text).collect();
    assert_eq!(texts, ["a47", "a48", "a49"]);
    // Follows an instance that does not run yet.
    let mut following = rig.client.logs(&query(Some("two"), Some(10), true)).await.expect("logs");
    rig.run(&two, &[Phase::Ready]).await;
    let mut next = async || loop {
        let line = following.next().await.expect("more").expect("a line");
        if line.stream == "stdout" {
            return line.text;
        }
    };
    assert_eq!(next().await, "begin");
    rig.stop(&two.id).await;
    assert_eq!(next().await, "last");
    let all: Vec<_> = rig.client.logs(&query(None, None, false)).await.expect("logs").collect().await;
    let times: Vec<u64> = all.into_iter().map(|line| line.expect("a line").at_ms).collect();
    assert!(times.is_sorted() && times.len() >= 52, "{times:?}");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_image_is_refused_until_all_of_it_is_there_and_right() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let digest = format!("sha256:{}", "0".repeat(64));
    let refused = rig.client.put_image(&digest).await.expect_err("refused");
    assert_eq!(refused.status(), Some(409), "{refused}");
    let refused = rig.client.put_blob(&digest, 5, &b"hello"[..]).await.expect_err("refused");
    assert_eq!(refused.status(), Some(400), "{refused}");
    assert!(!rig.client.has_blob(&digest).await.expect("asked"));
    let refused = rig.client.has_blob("sha256:../../etc/passwd").await.expect_err("refused");
    assert!(refused.to_string().contains("status 400"), "{refused}");
    let there = rig.image().await;
    assert!(rig.client.has_image(&there).await.expect("asked"));
    rig.client.put_image(&there).await.expect("idempotent");
    rig.finish().await;
}

/// What a program may open: the agent's bound, or this machine's where that is lower.
fn open_files() -> String {
    let (_, hard) =
        nix::sys::resource::getrlimit(nix::sys::resource::Resource::RLIMIT_NOFILE).expect("a limit");
    hard.min(65_536).to_string()
}
