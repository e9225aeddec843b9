//! Certificates that the entry shows, by the host that a client names. They are read from files, and read again when those
//! change; a change that cannot be used leaves the ones before in place. It gets and renews none.

use std::collections::HashMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use tracing::{info, warn};

use crate::routes::host_name;
use crate::{Certificate, Problem};

/// How often the files are looked at. Whoever renews certificates does so days before the old ones end.
pub(crate) const LOOK_INTERVAL: Duration = Duration::from_secs(2);

/// Protocols that are offered to clients, the better one first.
const ALPN: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// The certificates of the entry.
#[derive(Debug)]
pub(crate) struct Certificates {
    provider: Arc<CryptoProvider>,
    shown: RwLock<Arc<Shown>>,
    /// Whether there is a redirect at all: asked for each plain request, and most have none.
    any_redirect: AtomicBool,
    /// What was asked for, with what was last read of it. Held while files are read.
    kept: Mutex<Vec<Kept>>,
}

/// What clients get. The host is in lower case; none: any other.
#[derive(Debug, Default)]
struct Shown {
    by_host: HashMap<Option<String>, Entry>,
}

#[derive(Debug, Clone)]
struct Entry {
    key: Arc<CertifiedKey>,
    redirect: bool,
}

#[derive(Debug)]
struct Kept {
    certificate: Certificate,
    host: Option<String>,
    seen: Option<Seen>,
    key: Option<Arc<CertifiedKey>>,
}

/// What tells a file from the one that it was: of the certificate and of the key.
type Seen = [(u64, i64, i64, u64); 2];

/// Why a certificate cannot be shown.
#[derive(Debug, thiserror::Error)]
enum Fault {
    #[error("{file} cannot be read: {cause}; give a file that this user may read")]
    Read { file: String, cause: String },
    #[error("{0} has no certificate in PEM; give the chain, the host's own first")]
    NoCertificate(String),
    #[error("{file} is no private key in PEM: {cause}; give one without a passphrase")]
    NoKey { file: String, cause: String },
    #[error(
        "{certificate} and {key} cannot be used together: {cause}; give the key that the certificate was made for"
    )]
    Mismatch { certificate: String, key: String, cause: String },
    #[error("another certificate is there for the same host; give one of them another host")]
    Taken,
}

impl Default for Certificates {
    fn default() -> Self {
        let provider = Arc::new(aws_lc_rs::default_provider());
        Self {
            provider,
            shown: RwLock::default(),
            any_redirect: AtomicBool::new(false),
            kept: Mutex::default(),
        }
    }
}

impl Certificates {
    fn shown(&self) -> Arc<Shown> {
        self.shown.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether plain requests for a host are sent to HTTPS.
    pub(crate) fn redirects(&self, authority: &str) -> bool {
        self.any_redirect.load(Ordering::Acquire)
            && self.shown().of(&host_name(authority)).is_some_and(|entry| entry.redirect)
    }

    /// How TLS is spoken, with what is shown at the time of each connection: 1.2 or later, HTTP/2 or HTTP/1.1.
    ///
    /// # Errors
    /// If the library has no protocol in common with itself, or no random numbers.
    pub(crate) fn server_config(self: &Arc<Self>) -> Result<Arc<ServerConfig>, rustls::Error> {
        let mut config = ServerConfig::builder_with_provider(self.provider.clone())
            .with_safe_default_protocol_versions()?
            .with_no_client_auth()
            .with_cert_resolver(self.clone());
        config.alpn_protocols = ALPN.map(<[u8]>::to_vec).into();
        // Clients come back without a whole handshake, and nothing is kept for each of them.
        config.ticketer = aws_lc_rs::Ticketer::new()?;
        Ok(Arc::new(config))
    }

    /// Shows these from now on. What cannot be had is reported; where a file that was read before cannot be read now, what
    /// was read stays.
    pub(crate) fn follow(&self, wanted: &[Certificate]) -> Vec<Problem> {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut before = std::mem::take(&mut *kept);
        let mut problems = Vec::new();
        for certificate in wanted {
            let host = certificate.host.as_deref().map(|host| host_name(host).into_owned());
            let name = host.as_deref().unwrap_or("any host");
            let part = format!("certificate for {name} of {} at the entry", certificate.service);
            if kept.iter().any(|other| other.host == host) {
                problems.push(Problem { part, cause: Fault::Taken.to_string() });
                continue;
            }
            let same = |old: &Kept| {
                let (old, new) = (&old.certificate, certificate);
                old.certificate == new.certificate && old.key == new.key
            };
            let found = before.iter().position(|old| old.host == host && same(old));
            let old = found.map(|place| before.swap_remove(place));
            let (seen, key) = old.map_or((None, None), |old| (old.seen, old.key));
            let mut one = Kept { certificate: certificate.clone(), host, seen, key };
            if let Err(fault) = one.look(&self.provider) {
                problems.push(Problem { part, cause: fault.to_string() });
            }
            kept.push(one);
        }
        self.show(&kept);
        problems
    }

    /// Reads what has changed since it was last looked at. It blocks on the disk.
    pub(crate) fn look_again(&self) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let mut has_changed = false;
        for one in kept.iter_mut() {
            let file = one.certificate.certificate.display().to_string();
            match one.look(&self.provider) {
                Ok(false) => {}
                Ok(true) => {
                    has_changed = true;
                    info!(file, "a changed certificate is shown from now on");
                }
                Err(fault) => warn!(file, "a changed certificate is not used: {fault}"),
            }
        }
        if has_changed {
            self.show(&kept);
        }
    }

    fn show(&self, kept: &[Kept]) {
        let entry = |one: &Kept| {
            let entry = Entry { key: one.key.clone()?, redirect: one.certificate.redirect };
            Some((one.host.clone(), entry))
        };
        let shown = Arc::new(Shown { by_host: kept.iter().filter_map(entry).collect() });
        let any_redirect = shown.by_host.values().any(|entry| entry.redirect);
        self.any_redirect.store(any_redirect, Ordering::Release);
        *self.shown.write().unwrap_or_else(PoisonError::into_inner) = shown;
    }
}

impl ResolvesServerCert for Certificates {
    fn resolve(&self, client: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let shown = self.shown();
        let named = client.server_name().map(host_name).unwrap_or_default();
        shown.of(&named).map(|entry| entry.key.clone())
    }
}

impl Shown {
    fn of(&self, host: &str) -> Option<&Entry> {
        self.by_host.get(&Some(host.to_owned())).or_else(|| self.by_host.get(&None))
    }
}

impl Kept {
    /// Reads the files if they are others than before. Returns whether there is something new to show.
    fn look(&mut self, provider: &CryptoProvider) -> Result<bool, Fault> {
        let (certificate, key) = (&self.certificate.certificate, &self.certificate.key);
        let now = seen(certificate).and_then(|first| Ok([first, seen(key)?]));
        let now = match now {
            Ok(now) if self.seen == Some(now) => return Ok(false),
            Ok(now) => now,
            // Gone for the moment in which it is replaced, or for good: said once, since it then has not been seen.
            Err(fault) => {
                return if self.seen.take().is_some() || self.key.is_none() { Err(fault) } else { Ok(false) };
            }
        };
        // Taken as seen even where it cannot be used, so that each fault is said once.
        self.seen = Some(now);
        self.key = Some(Arc::new(read(certificate, key, provider)?));
        Ok(true)
    }
}

fn seen(path: &Path) -> Result<(u64, i64, i64, u64), Fault> {
    let data = fs::metadata(path)
        .map_err(|fault| Fault::Read { file: path.display().to_string(), cause: fault.to_string() })?;
    Ok((data.ino(), data.mtime(), data.mtime_nsec(), data.len()))
}

fn read(certificate: &Path, key: &Path, provider: &CryptoProvider) -> Result<CertifiedKey, Fault> {
    let named = |path: &Path| path.display().to_string();
    let bytes = |path: &Path| {
        fs::read(path).map_err(|fault| Fault::Read { file: named(path), cause: fault.to_string() })
    };
    let chain: Result<Vec<CertificateDer<'static>>, pem::Error> =
        CertificateDer::pem_slice_iter(&bytes(certificate)?).collect();
    let chain = chain
        .ok()
        .filter(|chain| !chain.is_empty())
        .ok_or_else(|| Fault::NoCertificate(named(certificate)))?;
    let private = PrivateKeyDer::from_pem_slice(&bytes(key)?)
        .map_err(|fault| Fault::NoKey { file: named(key), cause: fault.to_string() })?;
    CertifiedKey::from_der(chain, private, provider).map_err(|fault| Fault::Mismatch {
        certificate: named(certificate),
        key: named(key),
        cause: fault.to_string(),
    })
}
