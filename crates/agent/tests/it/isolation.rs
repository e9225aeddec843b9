//! What a program in a container cannot do, though it is root there.

use agent_api::{Phase, Resources};

use crate::rig::{Rig, build, root};

#[tokio::test(flavor = "multi_thread")]
async fn ways_out_of_a_container_are_closed() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let script = r#"
        try() { name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name: OPEN"; else echo "$name: closed"; fi; }
        write() { echo "$2" > "$1"; }
        try mount mount -t tmpfs none /mnt
        try bind mount -o bind / /tmp
        try remount-sys mount -o remount,rw /sys
        try mknod mknod /tmp/disk b 8 0
        try userns unshare -U true
        try netns unshare -n true
        try chroot chroot / true
        try cgroup-v1 mkdir /sys/fs/cgroup/memory/x
        try cgroup-v2 mkdir /sys/fs/cgroup/x
        try sysrq write /proc/sysrq-trigger h
        try core-pattern write /proc/sys/kernel/core_pattern x
        try hostname hostname other
        try kcore head -c 1 /proc/kcore
        try host-files ls /proc/1/root$DATA_DIR
        try modules ls /sys/module/none
        try ptrace-like head -c 1 /proc/1/mem
        ls /dev | grep -v -E '^(fd|full|null|ptmx|pts|random|shm|stderr|stdin|stdout|tty|urandom|zero)$'
        echo end
    "#;
    let mut spec = rig.spec("jail", script).await;
    spec.env.insert("DATA_DIR".into(), rig.dir.display().to_string());
    let status = rig.run(&spec, &[Phase::Exited, Phase::Failed]).await;
    let output = rig.output(&spec.id).await;
    assert_eq!(status.phase, Phase::Exited, "{status:?}\n{output}");
    let open: Vec<&str> = output.lines().filter(|line| !line.ends_with(": closed")).collect();
    assert_eq!(open, ["end"], "{output}");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_number_of_processes_is_limited() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let script = "i=0; while [ $i -lt 40 ]; do sleep 1000 & i=$((i+1)); done; echo all";
    let mut spec = rig.spec("forks", script).await;
    spec.resources = Resources { pids: Some(10), ..Resources::default() };
    rig.run(&spec, &[Phase::Exited, Phase::Failed]).await;
    let output = rig.output(&spec.id).await;
    assert!(output.contains("can't fork") && !output.contains("all"), "{output}");
    rig.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_images_user_and_folder_are_used_and_its_links_lead_nowhere() {
    if !root() {
        return;
    }
    let rig = Rig::start().await;
    let folder = tempfile::tempdir().expect("a folder");
    let (bin, etc) = (folder.path().join("bin"), folder.path().join("etc"));
    std::fs::create_dir(&bin).expect("made");
    std::fs::create_dir(&etc).expect("made");
    std::fs::copy(crate::rig::busybox().expect("busybox"), bin.join("sh")).expect("copied");
    std::fs::write(etc.join("passwd"), "web:x:33:34::/home/web:/bin/sh\n").expect("written");
    std::fs::write(etc.join("group"), "logs:x:4:web\n").expect("written");
    let layout = rig.layout();
    let layers = vec![oci::LayerSpec {
        files: vec![oci::FileEntry::new(&bin, "/bin"), oci::FileEntry::new(&etc, "/etc")],
        programs: Vec::new(),
    }];
    let settings = oci::Settings {
        user: Some(oci::User { uid: 33, gid: None }),
        working_dir: Some("/srv/app".into()),
        env: [("FROM_IMAGE".to_owned(), "yes".to_owned())].into(),
        ..oci::Settings::default()
    };
    let digest = build(&layout, layers, settings);
    rig.put(&layout, &digest).await;
    let mut spec = rig.spec("user", "").await;
    spec.sandbox = agent_api::Sandbox::Container { image: digest.to_string() };
    spec.command = vec![
        "/bin/sh".into(),
        "-c".into(),
        // The only program there is the shell, which reads files by itself.
        r#"while read a b c; do case $a in Uid:|Gid:|Groups:|CapEff:|CapBnd:|NoNewPrivs:|Seccomp:) echo $a $b $c;; esac; done < /proc/self/status
           echo $PWD $HOME $FROM_IMAGE; > mine && echo wrote"#
            .into(),
    ];
    rig.run(&spec, &[Phase::Exited, Phase::Failed]).await;
    let output = rig.output(&spec.id).await;
    for line in
        ["Uid: 33 33", "Gid: 34 34", "Groups: 4", "CapEff: 0000000000000000", "NoNewPrivs: 1", "Seccomp: 2"]
    {
        assert!(output.contains(line), "{line} is not in {output}");
    }
    assert!(output.contains("/srv/app /home/web yes\nwrote"), "{output}");
    rig.finish().await;
}
