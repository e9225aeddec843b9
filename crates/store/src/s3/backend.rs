//! A block `backend "s3"` as people have it for Terraform: what its arguments mean here, together with the variables of the process
//! environment and the files of AWS's own programs.
//!
//! Every fault is told at once. What an argument asks of Terraform alone (its table of locks) is passed over with a note, never
//! without one where somebody could rely on it. No server is asked.

use std::collections::BTreeMap;
use std::path::PathBuf;

use diag::{Diagnostic, Diagnostics, closest};
use value::Value;

use super::credentials::{S3Credentials, S3Role, WebIdentity};
use super::options::{MAX_RETRIES, S3Encryption, S3Options};
use super::profile::Profiles;

/// The arguments that Terraform 1.11 knows.
const ARGUMENTS: [&str; 55] = [
    "access_key",
    "acl",
    "allowed_account_ids",
    "assume_role",
    "assume_role_duration_seconds",
    "assume_role_policy",
    "assume_role_policy_arns",
    "assume_role_tags",
    "assume_role_transitive_tag_keys",
    "assume_role_with_web_identity",
    "bucket",
    "custom_ca_bundle",
    "dynamodb_endpoint",
    "dynamodb_table",
    "ec2_metadata_service_endpoint",
    "ec2_metadata_service_endpoint_mode",
    "encrypt",
    "endpoint",
    "endpoints",
    "external_id",
    "forbidden_account_ids",
    "force_path_style",
    "http_proxy",
    "https_proxy",
    "iam_endpoint",
    "insecure",
    "key",
    "kms_key_id",
    "max_retries",
    "no_proxy",
    "profile",
    "region",
    "retry_mode",
    "role_arn",
    "secret_key",
    "session_name",
    "shared_config_files",
    "shared_credentials_file",
    "shared_credentials_files",
    "skip_credentials_validation",
    "skip_metadata_api_check",
    "skip_region_validation",
    "skip_requesting_account_id",
    "skip_s3_checksum",
    "source_identity",
    "sse_customer_key",
    "sts_endpoint",
    "sts_region",
    "token",
    "use_dualstack_endpoint",
    "use_fips_endpoint",
    "use_legacy_workflow",
    "use_lockfile",
    "use_path_style",
    "workspace_key_prefix",
];

/// What a block says.
#[derive(Clone)]
pub struct S3Backend {
    /// Where the state is and how it is reached.
    pub options: S3Options,
    /// Whether Terraform locks its state by an object beside it, which is worth a look before it is taken over.
    pub terraform_locks_by_object: bool,
    /// What should be known: arguments that are passed over.
    pub notes: Diagnostics,
}

impl S3Backend {
    /// What the arguments of a block mean. `arguments`: each with its value, nested blocks as objects. `variables`: those of the
    /// process environment.
    ///
    /// # Errors
    /// If one is missing, of another type, unknown or contradicts another. `subject` of each fault is the argument.
    pub fn read(
        arguments: &BTreeMap<String, Value>,
        variables: &BTreeMap<String, String>,
    ) -> Result<Self, Diagnostics> {
        let mut reader =
            Reader { arguments, variables, faults: Diagnostics::default(), notes: Diagnostics::default() };
        let options = reader.options();
        let terraform_locks_by_object = reader.flag("use_lockfile");
        match options {
            Some(options) if reader.faults.is_empty() => {
                Ok(Self { options, terraform_locks_by_object, notes: reader.notes })
            }
            _ => Err(reader.faults),
        }
    }
}

struct Reader<'a> {
    arguments: &'a BTreeMap<String, Value>,
    variables: &'a BTreeMap<String, String>,
    faults: Diagnostics,
    notes: Diagnostics,
}

impl<'a> Reader<'a> {
    fn fault(&mut self, argument: &str, why: impl Into<String>) {
        let fault = Diagnostic::error("backend", "the backend \"s3\" cannot be used");
        self.faults.push(fault.about(argument).because(why.into()));
    }

    fn note(&mut self, argument: &str, why: &str) {
        if self.given(argument).is_some() {
            let note = Diagnostic::warning(
                "backend",
                format!("`{argument}` of the backend \"s3\" does nothing here"),
            );
            self.notes.push(note.about(argument).because(why));
        }
    }

    fn given(&self, name: &str) -> Option<&'a Value> {
        self.arguments.get(name).filter(|value| !value.is_null())
    }

    fn text_of(&mut self, name: &str, value: Option<&Value>) -> Option<String> {
        let value = value?;
        let text = value.as_str().map(str::to_owned).or_else(|| value.as_number().map(ToString::to_string));
        if text.is_none() && !value.is_null() {
            self.fault(name, "it has to be a text that is known");
        }
        // Terraform takes an empty text for none.
        text.filter(|text| !text.is_empty())
    }

    fn text(&mut self, name: &str) -> Option<String> {
        self.text_of(name, self.given(name))
    }

    fn variable(&self, name: &str) -> Option<String> {
        self.variables.get(name).filter(|text| !text.is_empty()).cloned()
    }

    fn flag(&mut self, name: &str) -> bool {
        let Some(value) = self.given(name) else { return false };
        match value.as_bool().or_else(|| value.as_str().and_then(|text| text.parse().ok())) {
            Some(flag) => flag,
            None => {
                self.fault(name, "it has to be true or false");
                false
            }
        }
    }

    fn texts_of(&mut self, name: &str, value: Option<&Value>) -> Vec<String> {
        let Some(value) = value.filter(|value| !value.is_null()) else { return Vec::new() };
        match value.as_slice() {
            Some(parts) => parts.iter().filter_map(|part| self.text_of(name, Some(part))).collect(),
            None => {
                self.fault(name, "it has to be a list of texts");
                Vec::new()
            }
        }
    }

    /// A member of an argument that is an object, or of a block.
    fn member(&mut self, name: &str, member: &str) -> Option<&'a Value> {
        let value = self.given(name)?;
        // A block may come as a list of one.
        let value = value.as_slice().map_or(Some(value), <[Value]>::first)?;
        let Some(members) = value.as_entries() else {
            self.fault(name, "it has to be an object");
            return None;
        };
        members.get(member).filter(|value| !value.is_null())
    }

    fn options(&mut self) -> Option<S3Options> {
        for name in self.arguments.keys() {
            if !ARGUMENTS.contains(&name.as_str()) {
                let hint = closest(name, ARGUMENTS).map(|it| format!(": did you mean `{it}`?"));
                self.fault(name, format!("there is no such argument{}", hint.unwrap_or_default()));
            }
        }
        self.note("dynamodb_table", "it is Terraform's lock; ours is in the bucket, and who still runs Terraform on this state is not kept from it");
        self.note("acl", "it is for Terraform's own object; ours are as the bucket is set");
        for name in ["allowed_account_ids", "forbidden_account_ids"] {
            self.note(name, "which account the credentials belong to is not asked");
        }
        let profiles = self.profiles();
        let profile = self.text("profile");
        let used =
            profile.clone().or_else(|| self.variable("AWS_PROFILE")).unwrap_or_else(|| "default".into());
        let region = self
            .text("region")
            .or_else(|| self.variable("AWS_REGION"))
            .or_else(|| self.variable("AWS_DEFAULT_REGION"))
            .or_else(|| profiles.region(&used).map(str::to_owned));
        if region.is_none() {
            self.fault("region", "it is missing, and so are AWS_REGION and AWS_DEFAULT_REGION");
        }
        let (bucket, key) = (self.text("bucket"), self.text("key"));
        for (name, text) in [("bucket", &bucket), ("key", &key)] {
            if text.is_none() {
                self.fault(name, "it is missing");
            }
        }
        let region = region?;
        let credentials = self.credentials(&profiles, profile.as_deref(), &used, &region);
        let mut options = S3Options::new(&bucket?, &key?, self.with_roles(credentials?, &region));
        options.endpoint = self.endpoint(&region);
        options.region = region;
        options.path_style = self.flag("use_path_style") || self.flag("force_path_style");
        if let Some(prefix) = self.text("workspace_key_prefix") {
            options.workspace_key_prefix = prefix;
        }
        options.encryption = self.encryption();
        options.checksums = !self.flag("skip_s3_checksum");
        options.insecure = self.flag("insecure");
        options.max_retries = self.number("max_retries").unwrap_or(MAX_RETRIES);
        options.proxy = self.text("https_proxy").or_else(|| self.text("http_proxy"));
        if let Some(path) = self.text("custom_ca_bundle").or_else(|| self.variable("AWS_CA_BUNDLE")) {
            match std::fs::read(&path) {
                Ok(pem) => options.certificates = Some(pem),
                Err(fault) => self.fault("custom_ca_bundle", format!("{path} cannot be read: {fault}")),
            }
        }
        Some(options)
    }

    fn number(&mut self, name: &str) -> Option<usize> {
        let text = self.text(name)?;
        let number = text.parse().ok();
        if number.is_none() {
            self.fault(name, "it has to be a whole number");
        }
        number
    }

    fn endpoint(&mut self, region: &str) -> Option<String> {
        let of_services = self.member("endpoints", "s3");
        let given = self
            .text_of("endpoints", of_services)
            .or_else(|| self.text("endpoint"))
            .or_else(|| self.variable("AWS_ENDPOINT_URL_S3"))
            .or_else(|| self.variable("AWS_S3_ENDPOINT"))
            .or_else(|| self.variable("AWS_ENDPOINT_URL"));
        let (fips, dual) = (self.flag("use_fips_endpoint"), self.flag("use_dualstack_endpoint"));
        match given {
            // One without a scheme is an address of AWS's own kind.
            Some(endpoint) if endpoint.contains("://") => Some(endpoint),
            Some(endpoint) => Some(format!("https://{endpoint}")),
            None if fips || dual => Some(format!(
                "https://s3{}{}.{region}.amazonaws.com",
                if fips { "-fips" } else { "" },
                if dual { ".dualstack" } else { "" }
            )),
            None => None,
        }
    }

    fn encryption(&mut self) -> S3Encryption {
        let customer = self.text("sse_customer_key").or_else(|| self.variable("AWS_SSE_CUSTOMER_KEY"));
        match (self.text("kms_key_id"), customer) {
            (Some(_), Some(_)) => {
                self.fault(
                    "kms_key_id",
                    "there is a key of one's own (`sse_customer_key`), too: only one can be used",
                );
                S3Encryption::Bucket
            }
            (Some(key), None) => S3Encryption::Kms(key),
            (None, Some(key)) => S3Encryption::Customer(key),
            (None, None) if self.flag("encrypt") => S3Encryption::Server,
            (None, None) => S3Encryption::Bucket,
        }
    }

    fn profiles(&mut self) -> Profiles {
        let home = self.variable("HOME").map(PathBuf::from);
        let expanded = |text: String| match (text.strip_prefix("~/"), &home) {
            (Some(rest), Some(home)) => home.join(rest),
            _ => PathBuf::from(text),
        };
        let mut files = |list: &str, single: &str, variable: &str, otherwise: &str| -> Vec<PathBuf> {
            let mut given = self.texts_of(list, self.given(list));
            given.extend(self.text(single));
            if given.is_empty() {
                given.extend(self.variable(variable));
            }
            if given.is_empty() {
                return home.iter().map(|home| home.join(otherwise)).collect();
            }
            given.into_iter().map(&expanded).collect()
        };
        let keys = files(
            "shared_credentials_files",
            "shared_credentials_file",
            "AWS_SHARED_CREDENTIALS_FILE",
            ".aws/credentials",
        );
        let settings = files("shared_config_files", "", "AWS_CONFIG_FILE", ".aws/config");
        Profiles::read(&keys, &settings).unwrap_or_else(|why| {
            self.fault("profile", why);
            Profiles::default()
        })
    }

    /// In the order of AWS's own programs: what is written here, the profile that is named here, the process environment, the profile
    /// that is named there or is the default one, the machine.
    fn credentials(
        &mut self,
        profiles: &Profiles,
        profile: Option<&str>,
        used: &str,
        region: &str,
    ) -> Option<S3Credentials> {
        let (access_key, secret_key) = (self.text("access_key"), self.text("secret_key"));
        let token = self.text("token");
        match (access_key, secret_key) {
            (Some(access_key), Some(secret_key)) => {
                return Some(S3Credentials::Keys { access_key, secret_key, token });
            }
            (None, None) => {}
            (Some(_), None) => self.fault("secret_key", "there is an `access_key` and no secret to it"),
            (None, Some(_)) => {
                self.fault("access_key", "there is a `secret_key` and nothing that it belongs to")
            }
        }
        let machine = self.machine();
        if profile.is_none()
            && let (Some(access_key), Some(secret_key)) =
                (self.variable("AWS_ACCESS_KEY_ID"), self.variable("AWS_SECRET_ACCESS_KEY"))
        {
            let token = self.variable("AWS_SESSION_TOKEN");
            return Some(S3Credentials::Keys { access_key, secret_key, token });
        }
        if profile.is_some() || self.variable("AWS_PROFILE").is_some() || profiles.has(used) {
            match profiles.credentials(
                used,
                region,
                machine.as_ref().unwrap_or(&S3Credentials::Machine(Vec::new())),
            ) {
                Ok(Some(credentials)) => return Some(credentials),
                Ok(None) => {}
                Err(why) => {
                    self.fault("profile", why);
                    return None;
                }
            }
        }
        if machine.is_none() {
            self.fault(
                "access_key",
                "there are no credentials: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, name a `profile`, or let the machine's own be used (`skip_metadata_api_check`)",
            );
        }
        machine
    }

    /// What the machine has, as far as it may be asked.
    fn machine(&mut self) -> Option<S3Credentials> {
        let mut settings: Vec<(String, String)> = Vec::new();
        for name in [
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
        ] {
            settings.extend(self.variable(name).map(|value| (name.to_ascii_lowercase(), value)));
        }
        let has_own = settings.iter().any(|(name, _)| name.contains("token_file") || name.contains("_uri"));
        let told_not_to = self.flag("skip_metadata_api_check")
            || self.variable("AWS_EC2_METADATA_DISABLED").is_some_and(|it| it.eq_ignore_ascii_case("true"));
        if told_not_to && !has_own {
            return None;
        }
        let metadata = self
            .text("ec2_metadata_service_endpoint")
            .or_else(|| self.variable("AWS_EC2_METADATA_SERVICE_ENDPOINT"));
        settings.extend(metadata.map(|endpoint| ("aws_metadata_endpoint".to_owned(), endpoint)));
        Some(S3Credentials::Machine(settings))
    }

    /// The credentials with the roles that they take: first by a token, then by the block `assume_role`, or by the arguments that
    /// were before it.
    fn with_roles(&mut self, credentials: S3Credentials, region: &str) -> S3Credentials {
        let of_services = self.member("endpoints", "sts");
        let endpoint = self
            .text_of("endpoints", of_services)
            .or_else(|| self.text("sts_endpoint"))
            .or_else(|| self.variable("AWS_ENDPOINT_URL_STS"));
        let region = self.text("sts_region").unwrap_or_else(|| region.to_owned());
        let mut credentials = credentials;
        let block = "assume_role_with_web_identity";
        if self.given(block).is_some() {
            let mut role = self.role(block);
            let token = self.member_text(block, "web_identity_token").map(WebIdentity::Token);
            role.web_identity = token.or_else(|| {
                let file = self.member_text(block, "web_identity_token_file");
                let file = file.or_else(|| self.variable("AWS_WEB_IDENTITY_TOKEN_FILE"));
                file.map(|path| WebIdentity::File(path.into()))
            });
            if role.web_identity.is_none() {
                self.fault(block, "`web_identity_token` or `web_identity_token_file` is missing");
            }
            role.region.clone_from(&region);
            role.endpoint.clone_from(&endpoint);
            credentials = S3Credentials::Role(Box::new(role), Box::new(credentials));
        }
        let role = if self.given("assume_role").is_some() {
            Some(self.role("assume_role"))
        } else {
            self.text("role_arn").map(|arn| S3Role {
                arn,
                session_name: self.text("session_name").unwrap_or_else(|| "mainstay".into()),
                duration_seconds: self.number("assume_role_duration_seconds").map(|seconds| seconds as u64),
                external_id: self.text("external_id"),
                policy: self.text("assume_role_policy"),
                policy_arns: self.texts_of("assume_role_policy_arns", self.given("assume_role_policy_arns")),
                ..S3Role::default()
            })
        };
        match role {
            None => credentials,
            Some(role) => {
                let role = S3Role { region, endpoint, ..role };
                S3Credentials::Role(Box::new(role), Box::new(credentials))
            }
        }
    }

    fn member_text(&mut self, block: &str, member: &str) -> Option<String> {
        let value = self.member(block, member);
        self.text_of(block, value)
    }

    fn role(&mut self, block: &str) -> S3Role {
        let arn = self.member_text(block, "role_arn").unwrap_or_default();
        if arn.is_empty() {
            self.fault(block, "`role_arn` is missing");
        }
        let duration = self.member_text(block, "duration");
        let duration_seconds = duration.as_deref().and_then(seconds);
        if duration.is_some() && duration_seconds.is_none() {
            self.fault(block, "`duration` is a number of hours, minutes and seconds: `1h30m`");
        }
        let (arns, keys) = (self.member(block, "policy_arns"), self.member(block, "transitive_tag_keys"));
        let tags = self.member(block, "tags").and_then(Value::as_entries);
        let tags = tags.into_iter().flatten();
        S3Role {
            arn,
            session_name: self.member_text(block, "session_name").unwrap_or_else(|| "mainstay".into()),
            duration_seconds,
            external_id: self.member_text(block, "external_id"),
            policy: self.member_text(block, "policy"),
            policy_arns: self.texts_of(block, arns),
            tags: tags
                .filter_map(|(name, value)| Some((name.to_string(), value.as_str()?.to_owned())))
                .collect(),
            transitive_tag_keys: self.texts_of(block, keys),
            source_identity: self.member_text(block, "source_identity"),
            ..S3Role::default()
        }
    }
}

/// A duration as Go writes it, in seconds.
fn seconds(text: &str) -> Option<u64> {
    let mut total = 0;
    let mut rest = text;
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit())?;
        let number: u64 = rest[..end].parse().ok()?;
        let unit = match rest.as_bytes()[end] {
            b'h' => 3600,
            b'm' => 60,
            b's' => 1,
            _ => return None,
        };
        total += number * unit;
        rest = &rest[end + 1..];
    }
    Some(total)
}
