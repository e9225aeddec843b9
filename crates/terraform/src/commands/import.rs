//! `import`.

use engine::Address;
use operations::stack::{self, ImportRequest};

use super::shared::{STATE_FILES, asker, locking, parallelism, variables, view};
use super::{Context, DONE};
use crate::arguments::{Flags, Usage};

const USAGE: Usage = Usage {
    verb: "import",
    arguments: "ADDRESS ID",
    least: 2,
    most: 2,
    about: "Take an object that exists over into the state. An `import` block does the same with the next apply, and shows it in the plan.",
    flags: Flags {
        switches: &["input", "lock", "no-color", "ignore-remote-version"],
        values: &["config", "lock-timeout", "parallelism", "var", "var-file"],
        refused: &[STATE_FILES],
    },
};

pub(super) async fn run(context: &Context, arguments: &[String]) -> u8 {
    match attempt(context, arguments).await {
        Ok(code) | Err(code) => code,
    }
}

async fn attempt(context: &Context, arguments: &[String]) -> Result<u8, u8> {
    let given = super::read(context, &USAGE, arguments)?;
    let view = view(&given);
    let (text, id) = match given.rest.as_slice() {
        [address, id] => (address, id),
        _ => return Err(super::FAILED),
    };
    let address: Address = text
        .parse()
        .map_err(|fault: engine::ParseAddressError| view.usage("Invalid address", &fault.to_string()))?;
    let told = |fault| view.fault(&fault);
    let folder = context.stack().map_err(told)?;
    if let Some(other) = given.value("config")
        && folder.root.join(other).canonicalize().ok().as_deref() != Some(folder.root.as_path())
    {
        return Err(view.usage(
            "Option not supported",
            "-config names another folder than the one with the state: use -chdir for both.",
        ));
    }
    let request = ImportRequest {
        address: address.clone(),
        id: id.clone(),
        variables: variables(&given, &view)?,
        ask: asker(context, &given, &view),
        parallelism: parallelism(&given, &view)?,
        locking: locking(&given, &view)?,
    };
    let (warnings, sources) = stack::import(&folder, request, &view.events()).await.map_err(told)?;
    view.diagnostics(&warnings, &sources);
    view.done("Import successful!");
    view.text("\nThe resources that were imported are shown above. These resources are now in\nyour Terraform state and will henceforth be managed by Terraform.\n\n");
    Ok(DONE)
}
