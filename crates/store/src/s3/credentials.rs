//! Who asks: keys, what the machine has, a program that tells keys, or a role that any of them takes.
//!
//! Keys that end by themselves are asked for again before they do.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use jiff::{Timestamp, ToSpan as _};
use object_store::aws::{
    AmazonS3Builder, AmazonS3ConfigKey, AwsAuthorizer, AwsCredential, AwsCredentialProvider,
};
use object_store::client::{
    HttpClient, HttpConnector as _, HttpRequest, ReqwestConnector, StaticCredentialProvider,
};
use object_store::{ClientOptions, CredentialProvider, Error};
use serde::Deserialize;
use tokio::sync::Mutex;

use super::bucket::message;

/// How long before their end keys are asked for again: a request may be made again for half a minute.
const BEFORE_END_MINUTES: i64 = 5;
/// The version of the protocol of the security token service, since it began.
const STS_VERSION: &str = "2011-06-15";

/// Who asks.
#[derive(Clone)]
pub enum S3Credentials {
    /// By keys.
    Keys {
        /// The access key.
        access_key: String,
        /// The secret key.
        secret_key: String,
        /// The token of a session.
        token: Option<String>,
    },
    /// By what the machine has: a web identity, a container's or an instance's role. The settings that say so, as object_store
    /// names them: `aws_role_arn`, `aws_web_identity_token_file`, `aws_container_credentials_relative_uri`.
    Machine(Vec<(String, String)>),
    /// By the keys that a program prints (`credential_process`). It is run by the shell.
    Process(String),
    /// By a role that somebody else takes.
    Role(Box<S3Role>, Box<S3Credentials>),
    /// By whatever this brings.
    Provided(AwsCredentialProvider),
}

/// A role to take.
#[derive(Clone, Default)]
pub struct S3Role {
    /// Its ARN.
    pub arn: String,
    /// What the session is called.
    pub session_name: String,
    /// How long it lasts.
    pub duration_seconds: Option<u64>,
    /// What whoever gave the role asks for.
    pub external_id: Option<String>,
    /// A policy that narrows it, as JSON.
    pub policy: Option<String>,
    /// Policies that narrow it.
    pub policy_arns: Vec<String>,
    /// Tags of the session.
    pub tags: BTreeMap<String, String>,
    /// Those of them that go on to roles that it takes.
    pub transitive_tag_keys: Vec<String>,
    /// Who is behind it.
    pub source_identity: Option<String>,
    /// A token that is shown for it instead of signing.
    pub web_identity: Option<WebIdentity>,
    /// The region of the service that gives it.
    pub region: String,
    /// Another service than that of the region.
    pub endpoint: Option<String>,
}

/// A token that says who one is.
#[derive(Clone)]
pub enum WebIdentity {
    /// The token.
    Token(String),
    /// The file that has it.
    File(PathBuf),
}

impl S3Credentials {
    /// What asks for keys.
    pub(crate) fn provider(&self, options: &ClientOptions) -> Result<AwsCredentialProvider, Error> {
        Ok(match self {
            Self::Keys { access_key, secret_key, token } => {
                Arc::new(StaticCredentialProvider::new(AwsCredential {
                    key_id: access_key.clone(),
                    secret_key: secret_key.clone(),
                    token: token.clone(),
                }))
            }
            Self::Machine(settings) => {
                // What the machine has is found by whoever makes a client; of which bucket, does not matter.
                let mut builder =
                    AmazonS3Builder::new().with_bucket_name("any").with_client_options(options.clone());
                for (name, value) in settings {
                    builder = builder.with_config(name.parse::<AmazonS3ConfigKey>()?, value);
                }
                builder.build()?.credentials().clone()
            }
            Self::Process(command) => Arc::new(Temporary::of(Source::Process(command.clone()))),
            Self::Role(role, from) => {
                let from = match role.web_identity {
                    Some(_) => None,
                    None => Some(from.provider(options)?),
                };
                let http = ReqwestConnector::default().connect(options)?;
                Arc::new(Temporary::of(Source::Role { role: role.clone(), from, http }))
            }
            Self::Provided(provider) => provider.clone(),
        })
    }
}

/// Keys that end by themselves.
struct Temporary {
    source: Source,
    current: Mutex<Option<(Arc<AwsCredential>, Option<Timestamp>)>>,
}

enum Source {
    Process(String),
    Role { role: Box<S3Role>, from: Option<AwsCredentialProvider>, http: HttpClient },
}

impl std::fmt::Debug for Temporary {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Temporary")
    }
}

impl Temporary {
    fn of(source: Source) -> Self {
        Self { source, current: Mutex::default() }
    }
}

#[async_trait]
impl CredentialProvider for Temporary {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>, Error> {
        let mut current = self.current.lock().await;
        let soon = Timestamp::now().saturating_add(BEFORE_END_MINUTES.minutes()).map_err(generic)?;
        if let Some((keys, end)) = current.as_ref()
            && end.is_none_or(|end| soon < end)
        {
            return Ok(keys.clone());
        }
        let (keys, end) = match &self.source {
            Source::Process(command) => run(command).await?,
            Source::Role { role, from, http } => role.take(from.as_ref(), http).await?,
        };
        let keys = Arc::new(keys);
        *current = Some((keys.clone(), end));
        Ok(keys)
    }
}

/// What a program prints that tells keys.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Printed {
    access_key_id: String,
    secret_access_key: String,
    #[serde(default)]
    session_token: Option<String>,
    #[serde(default)]
    expiration: Option<Timestamp>,
}

async fn run(command: &str) -> Result<(AwsCredential, Option<Timestamp>), Error> {
    let ran = tokio::process::Command::new("sh").arg("-c").arg(command).output().await.map_err(generic)?;
    if !ran.status.success() {
        let said = String::from_utf8_lossy(&ran.stderr).trim().to_owned();
        return Err(refused("credential_process", format!("`{command}` failed ({}): {said}", ran.status)));
    }
    let printed: Printed = serde_json::from_slice(&ran.stdout).map_err(|fault| {
        refused("credential_process", format!("what `{command}` prints are no keys: {fault}"))
    })?;
    let keys = AwsCredential {
        key_id: printed.access_key_id,
        secret_key: printed.secret_access_key,
        token: printed.session_token,
    };
    Ok((keys, printed.expiration))
}

impl S3Role {
    async fn take(
        &self,
        from: Option<&AwsCredentialProvider>,
        http: &HttpClient,
    ) -> Result<(AwsCredential, Option<Timestamp>), Error> {
        let mut request = self.request(self.token()?)?;
        if let Some(from) = from {
            let keys = from.get_credential().await?;
            AwsAuthorizer::new(&keys, "sts", &self.region).try_authorize(&mut request, None)?;
        }
        let answer = http.execute(request).await.map_err(generic)?;
        let status = answer.status();
        let text = answer.into_body().bytes().await.map_err(generic)?;
        let text = String::from_utf8_lossy(&text);
        let part = |name: &str| {
            let inside = text.split_once(&format!("<{name}>"))?.1.split_once(&format!("</{name}>"))?.0;
            Some(inside.trim().to_owned())
        };
        match (part("AccessKeyId"), part("SecretAccessKey")) {
            (Some(key_id), Some(secret_key)) if status.is_success() => {
                let end = part("Expiration").and_then(|end| end.parse().ok());
                Ok((AwsCredential { key_id, secret_key, token: part("SessionToken") }, end))
            }
            _ => Err(refused(
                &self.arn,
                format!("the role {} is not given ({status}): {}", self.arn, message(&text)),
            )),
        }
    }

    fn token(&self) -> Result<Option<String>, Error> {
        match &self.web_identity {
            None => Ok(None),
            Some(WebIdentity::Token(token)) => Ok(Some(token.clone())),
            Some(WebIdentity::File(path)) => match std::fs::read_to_string(path) {
                Ok(token) => Ok(Some(token.trim().to_owned())),
                Err(fault) => Err(refused(
                    &self.arn,
                    format!("the token in {} cannot be read: {fault}", path.display()),
                )),
            },
        }
    }

    fn request(&self, token: Option<String>) -> Result<HttpRequest, Error> {
        let action = if token.is_some() { "AssumeRoleWithWebIdentity" } else { "AssumeRole" };
        let mut form: Vec<(String, String)> = Vec::new();
        let mut add = |name: &str, value: &str| form.push((name.to_owned(), value.to_owned()));
        add("Action", action);
        add("Version", STS_VERSION);
        add("RoleArn", &self.arn);
        add("RoleSessionName", &self.session_name);
        for (name, value) in [
            ("DurationSeconds", self.duration_seconds.map(|seconds| seconds.to_string())),
            ("ExternalId", self.external_id.clone()),
            ("Policy", self.policy.clone()),
            ("SourceIdentity", self.source_identity.clone()),
            ("WebIdentityToken", token),
        ] {
            if let Some(value) = value {
                add(name, &value);
            }
        }
        for (number, arn) in (1..).zip(&self.policy_arns) {
            add(&format!("PolicyArns.member.{number}.arn"), arn);
        }
        for (number, (name, value)) in (1..).zip(&self.tags) {
            add(&format!("Tags.member.{number}.Key"), name);
            add(&format!("Tags.member.{number}.Value"), value);
        }
        for (number, name) in (1..).zip(&self.transitive_tag_keys) {
            add(&format!("TransitiveTagKeys.member.{number}"), name);
        }
        let pairs: Vec<String> =
            form.iter().map(|(name, value)| format!("{}={}", quoted(name), quoted(value))).collect();
        let endpoint = self.endpoint.clone().unwrap_or_else(|| {
            let cn = if self.region.starts_with("cn-") { ".cn" } else { "" };
            format!("https://sts.{}.amazonaws.com{cn}", self.region)
        });
        http::Request::builder()
            .method("POST")
            .uri(format!("{}/", endpoint.trim_end_matches('/')))
            .header("content-type", "application/x-www-form-urlencoded")
            .body(pairs.join("&").into())
            .map_err(generic)
    }
}

/// Text as a form has it.
fn quoted(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_.~".contains(byte);
    text.bytes()
        .map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn generic(fault: impl std::error::Error + Send + Sync + 'static) -> Error {
    Error::Generic { store: "S3", source: Box::new(fault) }
}

fn refused(path: &str, why: String) -> Error {
    Error::Unauthenticated { path: path.to_owned(), source: why.into() }
}
