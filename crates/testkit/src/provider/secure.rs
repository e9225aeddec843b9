//! The provider's certificate, and the only one that it takes from a client: that which it was started with.

use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, KeyPair, KeyUsagePurpose,
    PKCS_ECDSA_P256_SHA256, PKCS_ECDSA_P521_SHA512,
};
use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::{CryptoProvider, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, ServerConfig, SignatureScheme};
use tokio_rustls::TlsAcceptor;

use super::script::Certificate;

type Failure = Box<dyn std::error::Error + Send + Sync>;

/// How connections are secured.
pub(super) struct Secured {
    pub(super) acceptor: TlsAcceptor,
    /// What is announced, DER.
    pub(super) announced: Vec<u8>,
}

/// For the certificate that the script wants; nothing where it wants none, or the client showed none.
pub(super) fn secured(kind: Certificate, client: Option<&str>) -> Result<Option<Secured>, Failure> {
    let Some(client) = client.filter(|pem| kind != Certificate::None && !pem.is_empty()) else {
        return Ok(None);
    };
    let client = CertificateDer::from_pem_slice(client.as_bytes())?;
    let (shown, key) = make(kind)?;
    let announced = match kind {
        Certificate::Other => make(kind)?.0.to_vec(),
        Certificate::Garbled => b"no certificate at all".to_vec(),
        Certificate::P521Authority | Certificate::P256 | Certificate::None => shown.to_vec(),
    };
    let crypto = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut config = ServerConfig::builder_with_provider(crypto.clone())
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(Arc::new(Only { client, crypto }))
        .with_single_cert(vec![shown], PrivateKeyDer::try_from(key.serialize_der())?)?;
    config.alpn_protocols = vec![b"h2".to_vec()];
    Ok(Some(Secured { acceptor: TlsAcceptor::from(Arc::new(config)), announced }))
}

fn make(kind: Certificate) -> Result<(CertificateDer<'static>, KeyPair), Failure> {
    let mut params = CertificateParams::new(["localhost".to_owned()])?;
    if kind == Certificate::P256 {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = params.self_signed(&key)?;
        return Ok((certificate.der().clone(), key));
    }
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![
        KeyUsagePurpose::DigitalSignature,
        KeyUsagePurpose::KeyEncipherment,
        KeyUsagePurpose::KeyAgreement,
        KeyUsagePurpose::KeyCertSign,
    ];
    params.extended_key_usages =
        vec![ExtendedKeyUsagePurpose::ClientAuth, ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate_for(&PKCS_ECDSA_P521_SHA512)?;
    let certificate = params.self_signed(&key)?;
    Ok((certificate.der().clone(), key))
}

/// Takes the client that it was started by, and no other.
#[derive(Debug)]
struct Only {
    client: CertificateDer<'static>,
    crypto: Arc<CryptoProvider>,
}

impl ClientCertVerifier for Only {
    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &[]
    }

    fn verify_client_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        _: &[CertificateDer<'_>],
        _: UnixTime,
    ) -> Result<ClientCertVerified, rustls::Error> {
        if end_entity.as_ref() == self.client.as_ref() {
            Ok(ClientCertVerified::assertion())
        } else {
            Err(rustls::Error::General("it is not the certificate that was given at the start".into()))
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        verify_tls12_signature(message, certificate, signature, algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        let algorithms = &self.crypto.signature_verification_algorithms;
        verify_tls13_signature(message, certificate, signature, algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.crypto.signature_verification_algorithms.supported_schemes()
    }
}
