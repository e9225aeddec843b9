//! The connection to a provider: both sides show a certificate made for this one process, and the provider's has to be exactly the
//! one that it announced.

use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::TokioIo;
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, SignatureScheme};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, UnixStream};
use tokio_rustls::TlsConnector;
use tonic::transport::{Channel, Endpoint};

use super::greeting::Place;
use super::short_rsa;

/// The name that providers' certificates are made for.
const NAME: &str = "localhost";
/// A provider on this machine that does not answer for so long does not answer.
const CONNECT_PATIENCE: Duration = Duration::from_secs(10);
/// The schema of a large provider comes as one message of tens of megabytes.
const WINDOW_BYTES: u32 = 4 << 20;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// Our side's certificate.
pub(super) struct Identity {
    certificate: CertificateDer<'static>,
    pem: String,
    key: Vec<u8>,
}

impl Identity {
    /// Made anew for every process, and never written anywhere. A provider takes any kind of key; this one is the fastest to make.
    pub(super) fn new() -> Result<Self, Failure> {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = CertificateParams::new([NAME.to_owned()])?.self_signed(&key)?;
        Ok(Self { pem: certificate.pem(), key: key.serialize_der(), certificate: certificate.der().clone() })
    }

    pub(super) fn certificate_pem(&self) -> &str {
        &self.pem
    }
}

/// Connects to a provider. `secured`: our certificate, and the one that the provider announced, if it announced one; a socket in the
/// file system of a provider that announces none is talked to as it is.
pub(super) async fn connect(
    place: &Place,
    secured: Option<(&Identity, Option<&[u8]>)>,
) -> Result<Channel, Failure> {
    let tls = match secured {
        Some((identity, Some(announced))) => Some(TlsConnector::from(Arc::new(config(identity, announced)?))),
        _ => None,
    };
    let place = place.clone();
    let connector = tower::service_fn(move |_| {
        let (place, tls) = (place.clone(), tls.clone());
        async move {
            let stream: Box<dyn Stream> = match &place {
                Place::Unix(path) => Box::new(UnixStream::connect(path).await?),
                Place::Tcp(address) => {
                    let stream = TcpStream::connect(address).await?;
                    // Calls are small and wait for each other.
                    stream.set_nodelay(true)?;
                    Box::new(stream)
                }
            };
            let stream: Box<dyn Stream> = match tls {
                Some(tls) => {
                    let name = ServerName::try_from(NAME).map_err(std::io::Error::other)?;
                    Box::new(tls.connect(name, stream).await?)
                }
                None => stream,
            };
            Ok::<_, std::io::Error>(TokioIo::new(stream))
        }
    });
    // The connector secures the connection; to what is above it, it is plain.
    let endpoint = Endpoint::from_static("http://localhost")
        .connect_timeout(CONNECT_PATIENCE)
        .initial_stream_window_size(WINDOW_BYTES)
        .initial_connection_window_size(WINDOW_BYTES);
    Ok(endpoint.connect_with_connector(connector).await?)
}

trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

fn config(identity: &Identity, announced: &[u8]) -> Result<ClientConfig, Failure> {
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let announced = CertificateDer::from(announced.to_vec());
    let key = PrivateKeyDer::try_from(identity.key.clone())?;
    let config = ClientConfig::builder_with_provider(crypto.clone());
    let (config, algorithms) = if short_rsa::is_of(&announced) {
        (config.with_protocol_versions(&[&rustls::version::TLS12])?, short_rsa::ALGORITHMS)
    } else {
        (config.with_safe_default_protocol_versions()?, crypto.signature_verification_algorithms)
    };
    let mut config = config
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(Announced { certificate: announced, algorithms }))
        .with_client_auth_cert(vec![identity.certificate.clone()], key)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(config)
}

/// Accepts the announced certificate and no other. Chains and names say nothing of a certificate that was made for one process;
/// that whoever shows it has its key is checked as ever.
#[derive(Debug)]
struct Announced {
    certificate: CertificateDer<'static>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl ServerCertVerifier for Announced {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: &ServerName<'_>,
        _: &[u8],
        _: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        if end_entity.as_ref() == self.certificate.as_ref() {
            Ok(ServerCertVerified::assertion())
        } else {
            Err(rustls::Error::General("it is not the certificate that the provider announced".into()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
