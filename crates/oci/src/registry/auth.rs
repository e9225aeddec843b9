//! What a registry is shown: a name and password, or a token that its token server gave for them.
//! <https://distribution.github.io/distribution/spec/auth/token/>

use reqwest::Url;
use reqwest::header::{AUTHORIZATION, HeaderValue};
use serde::Deserialize;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::challenge::Challenge;
use super::client::Registries;
use super::endpoint::Endpoint;
use super::http::{body, connection, is_denied, refusal, strange, words};
use super::settings::{Credentials, Secret};
use super::{RegistryError, Result};

/// How we are called by token servers that want to know.
const CLIENT_ID: &str = "mainstay";
const TOKEN_BYTES_MAX: usize = 1024 * 1024;

/// What is to be done in a repository.
#[derive(Debug, Clone)]
pub(super) enum Access {
    Pull,
    /// Push, with blobs that may be taken over from another repository of the registry.
    Push {
        from: Option<String>,
    },
}

impl Access {
    pub fn action(&self) -> &'static str {
        match self {
            Self::Pull => "pull from",
            Self::Push { .. } => "push to",
        }
    }

    /// As token servers want them.
    pub fn scopes(&self, repository: &str) -> Vec<String> {
        match self {
            Self::Pull => vec![format!("repository:{repository}:pull")],
            Self::Push { from } => {
                let mut scopes = vec![format!("repository:{repository}:pull,push")];
                scopes.extend(from.iter().map(|other| format!("repository:{other}:pull")));
                scopes
            }
        }
    }
}

/// What stands in `Authorization`.
#[derive(Clone)]
pub(super) enum Authorization {
    Basic(String, Secret),
    Bearer(Secret),
}

impl Authorization {
    pub fn header(&self) -> Result<HeaderValue> {
        let text = match self {
            Self::Basic(username, password) => {
                format!("Basic {}", STANDARD.encode(format!("{username}:{}", password.reveal())))
            }
            Self::Bearer(token) => format!("Bearer {}", token.reveal()),
        };
        let bad = |_| RegistryError::Protocol {
            url: "the token server".into(),
            cause: "its token cannot stand in a header".into(),
        };
        let mut value = HeaderValue::try_from(text).map_err(bad)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

impl Registries {
    /// Gets what a challenge asks for.
    pub(super) async fn authorize(
        &self,
        endpoint: &Endpoint,
        access: &Access,
        scopes: &[String],
        challenge: Challenge,
    ) -> Result<Authorization> {
        let credentials = self.credentials(endpoint).await?;
        let denied = |message: String| RegistryError::Denied {
            registry: endpoint.name.clone(),
            action: access.action(),
            repository: endpoint.repository.clone(),
            had_credentials: credentials.is_some(),
            message,
        };
        let (realm, service) = match (challenge, &credentials) {
            (Challenge::Basic, Some(Credentials::Password { username, password })) => {
                return Ok(Authorization::Basic(username.clone(), password.clone()));
            }
            (Challenge::Basic, _) => return Err(denied("it wants a name and a password".into())),
            (Challenge::Bearer { realm, service }, _) => (realm, service),
        };
        let refused =
            |cause: &str| RegistryError::Protocol { url: endpoint.name.clone(), cause: cause.into() };
        let realm =
            Url::parse(&realm).map_err(|_| refused("the address of its token server is malformed"))?;
        // A registry with TLS that sends us to a token server without would have our password read on the way.
        let is_safe = realm.scheme() == "https" || (realm.scheme() == "http" && endpoint.is_plain());
        if !is_safe {
            return Err(refused(
                "its token server is to be spoken to without TLS; no credentials are shown there",
            ));
        }
        let request = self.token_request(&realm, service.as_deref(), scopes, credentials.as_ref())?;
        let response = request.send().await.map_err(|e| connection(&realm, e))?;
        if is_denied(response.status()) {
            return Err(denied(words(response).await));
        }
        if !response.status().is_success() {
            return Err(refusal(response).await);
        }
        #[derive(Deserialize)]
        struct Answer {
            token: Option<String>,
            access_token: Option<String>,
        }
        let answer = body(response, TOKEN_BYTES_MAX).await?;
        // The library's message could quote the token.
        let answer: Answer =
            serde_json::from_slice(&answer).map_err(|_| strange(&realm, "its token is not a JSON object"))?;
        let token = answer.token.or(answer.access_token).filter(|token| !token.is_empty());
        token
            .map(|token| Authorization::Bearer(Secret::new(token)))
            .ok_or_else(|| strange(&realm, "it gave no token"))
    }

    fn token_request(
        &self,
        realm: &Url,
        service: Option<&str>,
        scopes: &[String],
        credentials: Option<&Credentials>,
    ) -> Result<reqwest::RequestBuilder> {
        let client = self.http.client(realm)?;
        if let Some(Credentials::IdentityToken(token)) = credentials {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            form.append_pair("grant_type", "refresh_token").append_pair("client_id", CLIENT_ID);
            form.append_pair("refresh_token", token.reveal()).append_pair("scope", &scopes.join(" "));
            form.append_pair("service", service.unwrap_or_default());
            let kind = "application/x-www-form-urlencoded";
            return Ok(client.post(realm.clone()).header("content-type", kind).body(form.finish()));
        }
        let mut url = realm.clone();
        {
            let mut query = url.query_pairs_mut();
            if let Some(service) = service {
                query.append_pair("service", service);
            }
            for scope in scopes {
                query.append_pair("scope", scope);
            }
        }
        let request = client.get(url);
        Ok(match credentials {
            Some(Credentials::Password { username, password }) => {
                let basic = Authorization::Basic(username.clone(), password.clone());
                request.header(AUTHORIZATION, basic.header()?)
            }
            _ => request,
        })
    }
}
