//! `backend "pg"`: a schema in a PostgreSQL database, beside the one that Terraform keeps its states in.

use std::collections::BTreeMap;

use store::PostgresOptions;

use super::Backend;
use super::settings::Settings;

/// The schema that Terraform takes where none is named.
const SCHEMA: &str = "terraform_remote_state";

pub(super) fn backend(settings: &mut Settings, variables: &BTreeMap<String, String>) -> Backend {
    let url = settings.required(
        "conn_str",
        variables.get("PG_CONN_STR"),
        "write `conn_str = \"postgres://user@host/database\"`, or give it as PG_CONN_STR",
    );
    if !url.is_empty() && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
        settings.wrong("`conn_str` is written as an address: `postgres://user@host/database`");
    }
    let named = settings.text("schema_name").or_else(|| variables.get("PG_SCHEMA_NAME").cloned());
    let terraform_schema = named.unwrap_or_else(|| SCHEMA.to_owned());
    // Tables are made where they are missing, whatever may be made is asked of the database.
    settings.pass_over(&["skip_schema_creation", "skip_table_creation", "skip_index_creation"]);
    let options = PostgresOptions { url, schema: format!("{terraform_schema}_mainstay") };
    Backend::Postgres { options, terraform_schema }
}
