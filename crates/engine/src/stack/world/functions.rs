//! Calls of providers' functions from expressions.

use std::future::Future;

use diag::{Diagnostic, Diagnostics};
use lang::configuration::NodeId;
use lang::functions::FunctionError;
use lang::resolve::ProviderFunction;
use tokio::runtime::{Handle, RuntimeFlavor};
use value::{Step, Value, convert};

use super::World;
use crate::stack::providers::provider_address;

impl World {
    /// Calls `provider::NAME::FUNCTION` from an expression of a module.
    pub(super) fn call_provider(
        &self,
        node: NodeId,
        name: &str,
        given: &[Value],
    ) -> Result<Value, FunctionError> {
        let plain = name.strip_prefix("provider::").and_then(|path| path.split_once("::"));
        let found = plain.and_then(|(local, function)| {
            let address = provider_address(self.configuration(node)?, local);
            let (provider, schema) = self.providers.started(&address)?;
            Some((provider, function, schema.functions.get(function)?))
        });
        let Some((provider, function, schema)) = found else {
            // That was told when the providers were started.
            return Err(FunctionError::new(None, format!("There is no function {name:?} here.")));
        };
        let prepared = schema.prepare(name, given)?;
        let unknown = || Value::unknown(schema.result.clone());
        let Some(arguments) = prepared.arguments else { return Ok(unknown().with_marks(prepared.marks)) };
        let Some(powers) = provider.powers() else {
            return Err(FunctionError::new(None, format!("The provider of {name:?} has no functions.")));
        };
        let answered = wait(powers.call(function, &arguments))?;
        let result = answered.map_err(|remark| {
            let argument = remark.path.0.first().and_then(|step| match step {
                Step::Index(index) => usize::try_from(index.to_i64()?).ok(),
                _ => None,
            });
            let told = if remark.detail.is_empty() { remark.summary } else { remark.detail };
            FunctionError::new(argument, format!("Call to function {name:?} failed: {told}"))
        })?;
        let result = convert(&result, &schema.result).map_err(|error| {
            let why = format!("{name:?} gave something of another type than it says: {}", error.message);
            FunctionError::new(None, why)
        })?;
        Ok(result.with_marks(prepared.marks))
    }

    /// Functions that are called and that their providers do not have.
    pub(super) fn unknown_functions(&self) -> Diagnostics {
        let nodes = self.input.tree.nodes.iter().map(|node| &node.configuration);
        let calls = nodes.flat_map(|configuration| {
            configuration.provider_functions.iter().map(move |call| (configuration, call))
        });
        let faults = calls.filter_map(|(configuration, call)| {
            let ProviderFunction { provider, function, span } = call;
            let address = provider_address(configuration, provider);
            // Of one that did not start, that was told.
            let (_, schema) = self.providers.started(&address)?;
            if schema.functions.contains_key(function) {
                return None;
            }
            let message =
                format!("the function `{function}` is not available from the provider `{provider}`");
            let fault =
                Diagnostic::error("unknown-function", message).summary("Unknown provider function").at(*span);
            Some(match diag::closest(function, schema.functions.keys().map(AsRef::as_ref)) {
                Some(meant) => fault.hint(format!("did you mean `provider::{provider}::{meant}`?")),
                None if schema.functions.is_empty() => {
                    fault.hint(format!("{address} of this version has no functions at all"))
                }
                None => fault.hint(format!(
                    "it has: {}",
                    schema.functions.keys().map(AsRef::as_ref).collect::<Vec<_>>().join(", ")
                )),
            })
        });
        Diagnostics(faults.collect())
    }
}

/// The answer of a provider in the middle of an expression. What else runs on this thread is taken over by others meanwhile.
fn wait<T>(answer: impl Future<Output = T>) -> Result<T, FunctionError> {
    let here = Handle::try_current().ok();
    match here {
        Some(here) if here.runtime_flavor() == RuntimeFlavor::MultiThread => {
            Ok(tokio::task::block_in_place(|| here.block_on(answer)))
        }
        // A provider that is not another process answers at once.
        _ => futures_util::FutureExt::now_or_never(answer).ok_or_else(|| {
            FunctionError::new(None, "a provider's function needs a runtime of several threads".to_owned())
        }),
    }
}
