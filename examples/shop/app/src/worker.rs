//! The worker: takes orders off the list and counts them.

use std::time::Duration;

use anyhow::Result;

use crate::redis::{Answer, Redis};

pub async fn work() -> Result<()> {
    println!("waiting for orders");
    let mut stopped = std::pin::pin!(crate::stopped());
    let mut done = 0_u64;
    loop {
        let mut redis = Redis::connect(&crate::cache()).await?;
        loop {
            tokio::select! {
                () = &mut stopped => {
                    println!("stopping after {done} orders");
                    return Ok(());
                }
                answer = redis.ask(&["RPOP", "orders"]) => match answer {
                    Ok(Answer::Text(_)) => {
                        done += 1;
                        println!("order {done} sent");
                    }
                    Ok(_) => tokio::time::sleep(Duration::from_millis(200)).await,
                    // Redis is replaced now and then; the next connection finds the new one.
                    Err(_) => break,
                },
            }
        }
    }
}
