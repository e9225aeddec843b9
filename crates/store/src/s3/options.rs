//! Where the bucket is and how it is spoken to. Nothing is read or asked here but the credentials that a provider brings.

use std::net::IpAddr;
use std::time::Duration;

use engine::StoreError;
use object_store::aws::{AmazonS3, AmazonS3Builder, AmazonS3ConfigKey, Checksum};
use object_store::path::Path;
use object_store::{BackoffConfig, Certificate, ClientOptions, RetryConfig};

use super::credentials::S3Credentials;

/// How often a request is made again that failed on its way: Terraform's own default.
pub const MAX_RETRIES: usize = 5;
/// How long a request is made again at all. Renewing a lease that lasts 20 seconds is of no use after that.
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);
/// How long one request may take. The largest part that is sent at once takes half of it over a line of 5 Mbit/s.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(30);
/// How long a server may take to be reached.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// A bucket, a key in it, and how they are reached: what a block `backend "s3"` says.
#[derive(Clone)]
pub struct S3Options {
    /// The bucket's name.
    pub bucket: String,
    /// The key of Terraform's state of the workspace `default`. Mainstay's own objects are beside it, under `KEY.mainstay/`.
    pub key: String,
    /// What is before the name and the key of another workspace's state of Terraform's.
    pub workspace_key_prefix: String,
    /// The region.
    pub region: String,
    /// Another server than AWS: `https://minio.example.com:9000`. With `http` nothing is encrypted on its way.
    pub endpoint: Option<String>,
    /// Whether the bucket's name is in the path of addresses, not in the host's name.
    pub path_style: bool,
    /// Who asks.
    pub credentials: S3Credentials,
    /// How the server encrypts what it keeps.
    pub encryption: S3Encryption,
    /// Whether objects are sent with a checksum: what a bucket with locked objects asks for, and not every server understands.
    pub checksums: bool,
    /// How often a request is made again that failed on its way.
    pub max_retries: usize,
    /// Certificates to trust besides the system's, PEM.
    pub certificates: Option<Vec<u8>>,
    /// Whether the server's certificate is not looked at.
    pub insecure: bool,
    /// The address of a proxy.
    pub proxy: Option<String>,
}

/// How the server encrypts what it keeps. What is sensitive was sealed before it got there in any case.
#[derive(Clone, Default)]
pub enum S3Encryption {
    /// As the bucket is set.
    #[default]
    Bucket,
    /// With a key of S3's own.
    Server,
    /// With a key of the key management service, by its id or ARN.
    Kms(String),
    /// With a key that comes with each request, Base64.
    Customer(String),
}

impl S3Options {
    /// A key in a bucket of AWS, in the region that is its default.
    #[must_use]
    pub fn new(bucket: &str, key: &str, credentials: S3Credentials) -> Self {
        Self {
            bucket: bucket.to_owned(),
            key: key.to_owned(),
            workspace_key_prefix: "env:".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint: None,
            path_style: false,
            credentials,
            encryption: S3Encryption::default(),
            checksums: false,
            max_retries: MAX_RETRIES,
            certificates: None,
            insecure: false,
            proxy: None,
        }
    }

    fn refused(&self, why: String) -> StoreError {
        StoreError::Refused { what: format!("a state in {self:?}"), why }
    }

    pub(crate) fn client(&self) -> Result<AmazonS3, StoreError> {
        for (what, text) in [("key", &self.key), ("workspace_key_prefix", &self.workspace_key_prefix)] {
            // What S3 takes and a path does not could not be found again.
            if text.is_empty() || Path::parse(text).map_or(true, |path| path.as_ref() != text) {
                return Err(self.refused(format!(
                    "`{text}` is no `{what}`: it neither begins nor ends with `/`, and has no `//`, `.` or `..` in it"
                )));
            }
        }
        let mut builder = self.addressed()?.with_region(&self.region).with_bucket_name(&self.bucket);
        let client = self.client_options()?;
        let refused = |fault: object_store::Error| self.refused(fault.to_string());
        builder = builder.with_credentials(self.credentials.provider(&client).map_err(refused)?);
        builder = match &self.encryption {
            S3Encryption::Bucket => builder,
            S3Encryption::Server => {
                let key = "aws_server_side_encryption".parse::<AmazonS3ConfigKey>().map_err(refused)?;
                builder.with_config(key, "AES256")
            }
            S3Encryption::Kms(key) => builder.with_sse_kms_encryption(key),
            S3Encryption::Customer(key) => builder.with_ssec_encryption(key),
        };
        if self.checksums {
            builder = builder.with_checksum_algorithm(Checksum::SHA256);
        }
        let backoff = BackoffConfig { max_backoff: Duration::from_secs(5), ..BackoffConfig::default() };
        let retry = RetryConfig { backoff, max_retries: self.max_retries, retry_timeout: RETRY_TIMEOUT };
        builder
            .with_retry(retry)
            .with_client_options(client)
            // Not every server of S3's kind can remove many at once.
            .with_disable_bulk_delete(true)
            .build()
            .map_err(refused)
    }

    fn addressed(&self) -> Result<AmazonS3Builder, StoreError> {
        let builder = AmazonS3Builder::new();
        // Of a name with dots no certificate of AWS tells, and an address that is a number has no names below it.
        let mut in_path = self.path_style || self.bucket.contains('.');
        let china =
            self.region.starts_with("cn-").then(|| format!("https://s3.{}.amazonaws.com.cn", self.region));
        let Some(endpoint) = self.endpoint.as_ref().or(china.as_ref()) else {
            return Ok(builder.with_virtual_hosted_style_request(!in_path));
        };
        let wrong = || self.refused(format!("`{endpoint}` is not the address of a server"));
        let (scheme, rest) = endpoint.split_once("://").ok_or_else(wrong)?;
        let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
        if host.is_empty() || !matches!(scheme, "http" | "https") {
            return Err(wrong());
        }
        let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
        in_path |= name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
        let endpoint = if in_path { endpoint.clone() } else { format!("{scheme}://{}.{rest}", self.bucket) };
        Ok(builder
            .with_endpoint(endpoint)
            .with_virtual_hosted_style_request(!in_path)
            .with_allow_http(scheme == "http"))
    }

    fn client_options(&self) -> Result<ClientOptions, StoreError> {
        let mut options = ClientOptions::new()
            .with_timeout(REQUEST_TIMEOUT)
            .with_connect_timeout(CONNECT_TIMEOUT)
            .with_allow_invalid_certificates(self.insecure)
            .with_allow_http(self.endpoint.as_ref().is_some_and(|endpoint| endpoint.starts_with("http://")));
        if let Some(pem) = &self.certificates {
            let certificates = Certificate::from_pem_bundle(pem);
            for certificate in certificates.map_err(|fault| self.refused(fault.to_string()))? {
                options = options.with_root_certificate(certificate);
            }
        }
        if let Some(proxy) = &self.proxy {
            options = options.with_proxy_url(proxy);
        }
        Ok(options)
    }
}

impl std::fmt::Debug for S3Options {
    /// Without anything that is secret.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "s3://{}/{}", self.bucket, self.key)
    }
}
