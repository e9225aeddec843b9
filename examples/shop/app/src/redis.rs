//! As much of Redis' protocol as a shop needs: one command, one answer.

use anyhow::{Context, Result, bail};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;

/// A connection.
pub struct Redis {
    stream: BufReader<TcpStream>,
}

/// An answer.
#[derive(Debug)]
pub enum Answer {
    Nil,
    Text(String),
    Number(i64),
    List(Vec<Answer>),
}

impl Redis {
    pub async fn connect(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address)
            .await
            .with_context(|| format!("no connection to Redis at {address}"))?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::new(stream) })
    }

    pub async fn ask(&mut self, words: &[&str]) -> Result<Answer> {
        let mut request = format!("*{}\r\n", words.len());
        for word in words {
            request.push_str(&format!("${}\r\n{word}\r\n", word.len()));
        }
        self.stream.get_mut().write_all(request.as_bytes()).await?;
        self.answer().await
    }

    async fn answer(&mut self) -> Result<Answer> {
        let line = self.line().await?;
        let rest = line.get(1..).unwrap_or_default().to_owned();
        match line.chars().next() {
            Some('+') => Ok(Answer::Text(rest)),
            Some('-') => bail!("Redis refused: {rest}"),
            Some(':') => Ok(Answer::Number(rest.parse()?)),
            Some('$') => self.bulk(rest.parse()?).await,
            Some('*') => {
                let mut list = Vec::new();
                for _ in 0..rest.parse::<i64>()?.max(0) {
                    // Redis answers a list of texts where the shop asks for one.
                    let head = self.line().await?;
                    list.push(self.bulk(head.get(1..).unwrap_or_default().parse()?).await?);
                }
                Ok(Answer::List(list))
            }
            _ => bail!("Redis answered {line:?}"),
        }
    }

    async fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        if self.stream.read_line(&mut line).await? == 0 {
            bail!("Redis closed the connection");
        }
        Ok(line.trim_end().to_owned())
    }

    async fn bulk(&mut self, length: i64) -> Result<Answer> {
        let Ok(length) = usize::try_from(length) else { return Ok(Answer::Nil) };
        let mut text = vec![0; length + 2];
        self.stream.read_exact(&mut text).await?;
        text.truncate(length);
        Ok(Answer::Text(String::from_utf8(text).context("Redis answered what is not text")?))
    }
}
