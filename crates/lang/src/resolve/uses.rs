//! What expressions use of other modules and of providers: noted on the way, for whoever loads modules and starts providers.

use std::collections::HashMap;
use std::sync::Arc;

use diag::Span;

use super::reference::{CallId, Reference};

/// What the expressions of a module use of others.
#[derive(Debug, Default)]
pub struct Uses {
    /// By [`CallId`].
    calls: Vec<CallUses>,
    /// Every place where an output of a call is named: the call, the output by its number, the name's place.
    pub places: Vec<(CallId, u32, Span)>,
    /// Functions of providers.
    pub functions: Vec<ProviderFunction>,
}

/// What is used of one call.
#[derive(Debug, Default)]
struct CallUses {
    ids: HashMap<Arc<str>, u32>,
    outputs: Vec<(Arc<str>, Span)>,
}

/// A function of a provider that an expression calls: `provider::aws::arn_parse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ProviderFunction {
    /// The provider's name in the module.
    pub provider: Arc<str>,
    /// The function's name.
    pub function: Arc<str>,
    /// Where it is called.
    pub span: Span,
}

impl Uses {
    /// The reference to an output of a call, named at a place.
    pub(super) fn output(&mut self, call: CallId, name: &Arc<str>, span: Span) -> Reference {
        let at = call.0 as usize;
        if self.calls.len() <= at {
            self.calls.resize_with(at + 1, CallUses::default);
        }
        let uses = &mut self.calls[at];
        let id = match uses.ids.get(name) {
            Some(id) => *id,
            None => {
                let id = u32::try_from(uses.outputs.len()).unwrap_or(u32::MAX);
                uses.ids.insert(name.clone(), id);
                uses.outputs.push((name.clone(), span));
                id
            }
        };
        self.places.push((call, id, span));
        Reference::ModuleOutput(call, id)
    }

    /// The outputs that are named of a call, in the order of their numbers.
    pub(crate) fn take_outputs(&mut self, call: CallId) -> Vec<(Arc<str>, Span)> {
        self.calls.get_mut(call.0 as usize).map(|uses| std::mem::take(&mut uses.outputs)).unwrap_or_default()
    }
}
