//! Requests in a circle while something else happens; every lost one is counted.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use http_body_util::{BodyExt, Empty};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

pub struct Load {
    over: Arc<AtomicBool>,
    workers: JoinSet<Account>,
}

/// What came of the requests.
#[derive(Debug, Default)]
pub struct Account {
    /// Answers of status 200 by their text.
    pub answers: BTreeMap<String, u64>,
    /// What went wrong.
    pub lost: Vec<String>,
}

impl Load {
    /// Some clients that keep their connections, and some that open one for each request.
    pub fn on(entry: &str) -> Self {
        let over = Arc::new(AtomicBool::new(false));
        let mut workers = JoinSet::new();
        for keep in [true, true, true, false, false, false] {
            let (over, entry) = (over.clone(), entry.to_owned());
            workers.spawn(async move {
                let mut account = Account::default();
                while !over.load(Ordering::Relaxed) {
                    if let Err(fault) = requests(&entry, keep, &over, &mut account).await {
                        account.lost.push(fault.to_string());
                    }
                }
                account
            });
        }
        Self { over, workers }
    }

    pub async fn stop(mut self) -> Account {
        self.over.store(true, Ordering::Relaxed);
        let mut total = Account::default();
        while let Some(account) = self.workers.join_next().await {
            let account = account.expect("joined");
            for (answer, count) in account.answers {
                *total.answers.entry(answer).or_default() += count;
            }
            total.lost.extend(account.lost);
        }
        total
    }
}

async fn requests(
    entry: &str,
    keep: bool,
    over: &AtomicBool,
    account: &mut Account,
) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(entry).await?;
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    loop {
        sender.ready().await?;
        let request = hyper::Request::get("/").header("host", "web.test").body(Empty::<Bytes>::new())?;
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        let closes = answer.headers().get("connection").is_some_and(|it| it == "close");
        let text = String::from_utf8_lossy(&answer.into_body().collect().await?.to_bytes()).into_owned();
        if status != 200 {
            return Err(format!("{status}: {text}").into());
        }
        *account.answers.entry(text).or_default() += 1;
        if !keep || closes || over.load(Ordering::Relaxed) {
            return Ok(());
        }
    }
}
