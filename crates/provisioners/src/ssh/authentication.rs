//! Logging in: certificate, key, agent, password, in this order, until the machine lets us in.
//!
//! What an agent says is tried like a key; an agent that is not there is a fault only where it was asked for by name.

use russh::MethodKind;
use russh::client::{AuthResult, Handle, KeyboardInteractiveAuthResponse};
use russh::keys::agent::AgentIdentity;
use russh::keys::agent::client::AgentClient;
use russh::keys::{HashAlg, PrivateKeyWithHashAlg, PublicKey};

use crate::connection::{Agent, Machine};
use crate::ssh::SshError;
use crate::ssh::host_key::HostCheck;

/// Rounds of questions that `keyboard-interactive` may have: a server that asks for ever is not answered for ever.
const ROUNDS_MAX: usize = 8;

/// Keys of an agent that are tried. A server counts each, and hangs up: OpenSSH after six.
const AGENT_KEYS_MAX: usize = 20;

/// What was tried so far, for the message.
#[derive(Default)]
struct Attempts {
    tried: Vec<&'static str>,
    causes: Vec<String>,
}

impl Attempts {
    /// Whether an attempt let us in.
    fn note(&mut self, method: &'static str, result: Result<AuthResult, String>) -> bool {
        if !self.tried.contains(&method) {
            self.tried.push(method);
        }
        match result {
            Ok(result) => result.success(),
            Err(cause) => {
                self.causes.push(format!("{method}: {cause}"));
                false
            }
        }
    }
}

/// Logs in.
pub(crate) async fn authenticate(handle: &mut Handle<HostCheck>, machine: &Machine) -> Result<(), SshError> {
    let mut attempts = Attempts::default();
    if with_everything(handle, machine, &mut attempts).await? {
        return Ok(());
    }
    if attempts.tried.is_empty() {
        attempts.causes.push(
            "neither `password`, `private_key` nor an agent with keys is given in the connection".to_owned(),
        );
    }
    let causes = attempts.causes.iter().map(|cause| format!("; {cause}")).collect();
    Err(SshError::Refused { login: machine.login(), tried: attempts.tried.join(" "), causes })
}

async fn with_everything(
    handle: &mut Handle<HostCheck>,
    machine: &Machine,
    attempts: &mut Attempts,
) -> Result<bool, SshError> {
    // A machine may let anybody in; the answer also tells which methods it has.
    match handle.authenticate_none(&machine.user).await? {
        AuthResult::Success => return Ok(true),
        AuthResult::Failure { .. } => {}
    }
    let text = |error: russh::Error| error.to_string();
    if let (Some(key), Some(certificate)) = (&machine.key, &machine.certificate) {
        let result = handle.authenticate_openssh_cert(&machine.user, key.clone(), certificate.clone()).await;
        if attempts.note("certificate", result.map_err(text)) {
            return Ok(true);
        }
    }
    if let Some(key) = &machine.key {
        let hash = rsa_hash(handle, key.algorithm().is_rsa()).await?;
        let key = PrivateKeyWithHashAlg::new(key.clone(), hash);
        let result = handle.authenticate_publickey(&machine.user, key).await;
        if attempts.note("publickey", result.map_err(text)) {
            return Ok(true);
        }
    }
    if let Some(agent) = &machine.agent
        && with_agent(handle, machine, agent, attempts).await?
    {
        return Ok(true);
    }
    if let Some(password) = &machine.password {
        let result = handle.authenticate_password(&machine.user, password).await;
        let interactive = match &result {
            Ok(AuthResult::Failure { remaining_methods, .. }) => {
                remaining_methods.contains(&MethodKind::KeyboardInteractive)
            }
            _ => false,
        };
        if attempts.note("password", result.map_err(text)) {
            return Ok(true);
        }
        if interactive {
            let result = answer(handle, &machine.user, password).await;
            return Ok(attempts.note("keyboard-interactive", result.map_err(text)));
        }
    }
    Ok(false)
}

/// The best hash that the machine takes for RSA; without an answer the old one, which is all that such a machine knows.
async fn rsa_hash(handle: &Handle<HostCheck>, is_rsa: bool) -> Result<Option<HashAlg>, SshError> {
    Ok(if is_rsa { handle.best_supported_rsa_hash().await?.flatten() } else { None })
}

async fn with_agent(
    handle: &mut Handle<HostCheck>,
    machine: &Machine,
    agent: &Agent,
    attempts: &mut Attempts,
) -> Result<bool, SshError> {
    let known = async {
        let mut client = AgentClient::connect_uds(&agent.socket).await?;
        let identities = client.request_identities().await?;
        Ok::<_, russh::keys::Error>((client, identities))
    };
    let (mut client, mut identities) = match known.await {
        Ok(known) => known,
        Err(error) if agent.asked_for => return Err(SshError::Agent(error.to_string())),
        Err(error) => {
            attempts.causes.push(format!("agent: {error}"));
            return Ok(false);
        }
    };
    if let Some(wanted) = &agent.identity {
        let wanted = Wanted::new(wanted);
        if !identities.iter().any(|identity| wanted.is(identity)) {
            attempts.causes.push("agent: it has no key that `agent_identity` names".to_owned());
        }
        identities.sort_by_key(|identity| !wanted.is(identity));
    }
    for identity in identities.into_iter().take(AGENT_KEYS_MAX) {
        let is_rsa = identity.public_key().algorithm().is_rsa();
        let hash = rsa_hash(handle, is_rsa).await?;
        let result = match identity {
            AgentIdentity::PublicKey { key, .. } => {
                handle.authenticate_publickey_with(&machine.user, key, hash, &mut client).await
            }
            AgentIdentity::Certificate { certificate, .. } => {
                handle.authenticate_certificate_with(&machine.user, certificate, hash, &mut client).await
            }
        };
        if attempts.note("agent", result.map_err(|error| error.to_string())) {
            return Ok(true);
        }
    }
    Ok(false)
}

/// What `agent_identity` names.
struct Wanted<'a> {
    text: &'a str,
    key: Option<PublicKey>,
}

impl<'a> Wanted<'a> {
    fn new(text: &'a str) -> Self {
        // The text may be the key itself, or the path of its file with or without `.pub`.
        let files = [format!("{text}.pub"), text.to_owned()];
        let key = PublicKey::from_openssh(text).ok().or_else(|| {
            files
                .iter()
                .find_map(|path| PublicKey::from_openssh(std::fs::read_to_string(path).ok()?.trim()).ok())
        });
        Self { text, key }
    }

    fn is(&self, identity: &AgentIdentity) -> bool {
        identity.comment() == self.text
            || self.key.as_ref().is_some_and(|key| key.key_data() == identity.public_key().key_data())
    }
}

/// Answers each question with the password.
async fn answer(
    handle: &mut Handle<HostCheck>,
    user: &str,
    password: &str,
) -> Result<AuthResult, russh::Error> {
    let mut response = handle.authenticate_keyboard_interactive_start(user, None).await?;
    for _ in 0..ROUNDS_MAX {
        match response {
            KeyboardInteractiveAuthResponse::Success => return Ok(AuthResult::Success),
            KeyboardInteractiveAuthResponse::Failure { remaining_methods, partial_success } => {
                return Ok(AuthResult::Failure { remaining_methods, partial_success });
            }
            KeyboardInteractiveAuthResponse::InfoRequest { prompts, .. } => {
                let answers = prompts.iter().map(|_| password.to_owned()).collect();
                response = handle.authenticate_keyboard_interactive_respond(answers).await?;
            }
        }
    }
    Err(russh::Error::NoAuthMethod)
}
