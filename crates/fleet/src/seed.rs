//! Seed data: entries put into a Redis by `SET`, pipelined, every reply checked. It reads no files and makes no keys.

use std::io;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// Entries sent before their replies are read. Enough to hide the way there and back; few enough that the replies fit into
/// the socket's buffer, since nobody reads while we write.
const BATCH: usize = 500;

/// Bytes sent before their replies are read, for the same reason.
const BATCH_BYTES: usize = 1 << 20;

/// The longest reply line that is read. An answer to `SET` is `+OK` or one line of fault.
const REPLY_BYTES_MAX: u64 = 4096;

/// A seed that could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    /// Nobody answers.
    #[error("no Redis answers at {address}; is the service up? `mainstay status` tells")]
    Unreachable {
        /// `host:port`.
        address: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The connection broke off.
    #[error("the connection to Redis at {address} broke off at the key `{key}`, after {loaded} entries")]
    Broken {
        /// `host:port`.
        address: String,
        /// The key whose reply was waited for.
        key: String,
        /// Entries that are there for certain.
        loaded: u64,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// An entry was refused.
    #[error("Redis at {address} refused the key `{key}`: {reply}")]
    Refused {
        /// `host:port`.
        address: String,
        /// The key.
        key: String,
        /// Its words.
        reply: String,
    },
}

/// Sets every entry, a key and a text such as JSON, and answers how many there were. Loading the same entries again changes
/// nothing.
///
/// # Errors
/// At the first entry that is not set, naming its key. Those before it are there.
pub async fn load_redis(
    address: &str,
    entries: impl IntoIterator<Item = (String, String)>,
) -> Result<u64, SeedError> {
    let connected = TcpStream::connect(address).await;
    let connection =
        connected.map_err(|source| SeedError::Unreachable { address: address.to_owned(), source })?;
    let (reader, writer) = connection.into_split();
    let mut loading = Loading {
        address,
        reader: BufReader::new(reader),
        writer,
        keys: Vec::new(),
        batch: Vec::new(),
        loaded: 0,
    };
    for (key, text) in entries {
        loading.push(key, &text);
        if loading.keys.len() >= BATCH || loading.batch.len() >= BATCH_BYTES {
            loading.flush().await?;
        }
    }
    loading.flush().await?;
    Ok(loading.loaded)
}

struct Loading<'a> {
    address: &'a str,
    reader: BufReader<OwnedReadHalf>,
    writer: OwnedWriteHalf,
    /// Keys whose replies are awaited.
    keys: Vec<String>,
    batch: Vec<u8>,
    loaded: u64,
}

impl Loading<'_> {
    /// One command in Redis's protocol: an array of bulk strings, each with its length.
    fn push(&mut self, key: String, text: &str) {
        self.batch.extend_from_slice(b"*3\r\n");
        for part in ["SET", key.as_str(), text] {
            self.batch.extend_from_slice(format!("${}\r\n", part.len()).as_bytes());
            self.batch.extend_from_slice(part.as_bytes());
            self.batch.extend_from_slice(b"\r\n");
        }
        self.keys.push(key);
    }

    async fn flush(&mut self) -> Result<(), SeedError> {
        let batch = std::mem::take(&mut self.batch);
        let keys = std::mem::take(&mut self.keys);
        if let Some(first) = keys.first() {
            let sent = self.writer.write_all(&batch).await;
            sent.map_err(|source| self.broken(first, source))?;
        }
        for key in &keys {
            let mut reply = Vec::new();
            let line = (&mut self.reader).take(REPLY_BYTES_MAX).read_until(b'\n', &mut reply).await;
            line.map_err(|source| self.broken(key, source))?;
            if !reply.ends_with(b"\n") {
                return Err(self.broken(key, io::ErrorKind::UnexpectedEof.into()));
            }
            let reply = String::from_utf8_lossy(&reply);
            match reply.trim_end() {
                "+OK" => self.loaded += 1,
                refused => {
                    let reply = refused.trim_start_matches('-').to_owned();
                    return Err(SeedError::Refused {
                        address: self.address.to_owned(),
                        key: key.clone(),
                        reply,
                    });
                }
            }
        }
        Ok(())
    }

    fn broken(&self, key: &str, source: io::Error) -> SeedError {
        SeedError::Broken {
            address: self.address.to_owned(),
            key: key.to_owned(),
            loaded: self.loaded,
            source,
        }
    }
}
