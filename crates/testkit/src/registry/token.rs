//! The token server of a registry: gives tokens that the registry checks against a certificate.
//! <https://distribution.github.io/distribution/spec/auth/jwt/>

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value as Json, json};

use super::{PASSWORD, USER};

/// Answers on loopback for as long as the process lives; it holds nothing that would have to be given back.
pub(super) struct TokenServer {
    port: u16,
    signer: Arc<Signer>,
}

struct Signer {
    key: EcdsaKeyPair,
    certificate: rcgen::Certificate,
}

impl TokenServer {
    pub fn start() -> Self {
        let pair = rcgen::KeyPair::generate().unwrap();
        let certificate =
            rcgen::CertificateParams::new(vec!["tests".into()]).unwrap().self_signed(&pair).unwrap();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &pair.serialize_der()).unwrap();
        let signer = Arc::new(Signer { key, certificate });
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        let answering = signer.clone();
        std::thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                answer(connection, &answering);
            }
        });
        Self { port, signer }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/token", self.port)
    }

    pub fn certificate(&self) -> String {
        self.signer.certificate.pem()
    }
}

fn answer(mut connection: TcpStream, signer: &Signer) {
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    while !request.windows(4).any(|it| it == b"\r\n\r\n") {
        match connection.read(&mut buffer) {
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&buffer[..count]),
        }
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    let credentials = request.lines().find_map(|line| {
        let (name, value) = line.split_once(": Basic ")?;
        name.eq_ignore_ascii_case("authorization").then(|| STANDARD.decode(value.trim()).unwrap_or_default())
    });
    let expected = format!("{USER}:{PASSWORD}");
    let known = match credentials {
        Some(given) if given == expected.as_bytes() => true,
        Some(_) => {
            return reply(&mut connection, "401 Unauthorized", &json!({ "details": "incorrect password" }));
        }
        None => false,
    };
    let target = request.split(' ').nth(1).unwrap_or_default();
    let query = target.split_once('?').map_or("", |(_, query)| query);
    let scopes = query.split('&').filter_map(|pair| pair.strip_prefix("scope="));
    let access: Vec<Json> = scopes.filter_map(|scope| granted(scope, known)).collect();
    reply(&mut connection, "200 OK", &json!({ "token": signer.token(&access) }));
}

fn reply(connection: &mut TcpStream, status: &str, body: &Json) {
    let body = body.to_string();
    let head = format!("HTTP/1.1 {status}\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
    let _ = connection.write_all([head, body].concat().as_bytes());
}

/// `repository:NAME:ACTIONS`, percent-encoded: everybody may pull, and the known user push.
fn granted(scope: &str, known: bool) -> Option<Json> {
    let scope = scope.replace("%3A", ":").replace("%2F", "/").replace("%2C", ",");
    let (kind, rest) = scope.split_once(':')?;
    let (name, actions) = rest.rsplit_once(':')?;
    let actions: Vec<_> = actions.split(',').filter(|action| *action == "pull" || known).collect();
    Some(json!({ "type": kind, "name": name, "actions": actions }))
}

impl Signer {
    fn token(&self, access: &[Json]) -> String {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let header =
            json!({ "typ": "JWT", "alg": "ES256", "x5c": [STANDARD.encode(self.certificate.der())] });
        let claims = json!({
            "iss": "tests", "sub": USER, "aud": "tests", "jti": now.to_string(),
            "exp": now + 300, "nbf": now - 10, "iat": now - 10, "access": access,
        });
        let part = |json: &Json| URL_SAFE_NO_PAD.encode(json.to_string());
        let signed = format!("{}.{}", part(&header), part(&claims));
        let signature = self.key.sign(&SystemRandom::new(), signed.as_bytes()).unwrap();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature.as_ref()))
    }
}
