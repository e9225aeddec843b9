//! Planning and applying a stack.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use diag::{Diagnostic, Diagnostics};
use engine::stack::StackInput;
use engine::stack::apply::{Applied, ApplyOptions, Execution, Ways};
use engine::stack::plan::{StackMode, StackPlan};
use engine::stack::planning::{self, StackRequest};
use engine::{Address, EnvironmentName, Events, Target};
use lang::configuration::VariableSource;
use provisioners::StandardProvisioners;
use tokio_util::sync::CancellationToken;
use value::{Marks, Value};

use super::overlay::Overlay;
use super::programs::Given;
use super::variables::Ask;
use super::{LoadedStack, Locking, SavedPlan, StackFolder, StackProviderSource, StackState};
use crate::lease::Held;
use crate::recording::RecordingFiles;
use crate::{Fault, clock};

/// The code of a fault that references go in a circle.
const CYCLE: &str = "reference-cycle";

/// What a plan is asked for.
#[derive(Clone)]
pub struct PlanRequest {
    /// What is to be.
    pub mode: StackMode,
    /// Only these; empty: everything.
    pub targets: Vec<Target>,
    /// What is to be replaced.
    pub replaced: Vec<Address>,
    /// Whether what is there is read anew.
    pub refreshes: bool,
    /// Whether configuration is written for imported objects that have none.
    pub generates: bool,
    /// How many providers' calls at once.
    pub parallelism: usize,
    /// Values of variables from outside, in the order in which they were given.
    pub variables: Vec<VariableSource>,
    /// Who is asked for values that nobody gave; none: nobody.
    pub ask: Option<Arc<Ask>>,
    /// How the lock is taken, where it is: for an apply, or to settle what an interrupted run has left.
    pub locking: Locking,
    /// Whether the lock is taken now and kept for the apply, so that nothing comes between. A plan by itself needs none: it reads the
    /// state as of one moment.
    pub keeps_lock: bool,
}

/// How a plan is applied.
#[derive(Debug, Clone, Copy)]
pub struct Applying {
    /// How many providers' calls at once.
    pub parallelism: usize,
    /// How the workspace's lock is taken.
    pub locking: Locking,
}

/// A plan with what it was computed from.
pub struct Planned {
    /// The plan.
    pub plan: StackPlan,
    /// Errors and warnings of planning; the configuration's warnings are in it.
    pub diagnostics: Diagnostics,
    /// The configuration.
    pub stack: LoadedStack,
    /// The state.
    pub state: StackState,
    /// Values of root variables, by their place.
    pub variables: Vec<Option<Value>>,
    /// What was given to them, by name, before it was made of their types; without what is never stored.
    pub given: BTreeMap<Arc<str>, Value>,
    /// The lock, where it was taken for the apply.
    held: Mutex<Option<Held>>,
}

impl Planned {
    /// Gives the lock back that was taken for the apply, where nothing is applied.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn release(&self) -> Result<(), Fault> {
        let held = self.take_lock();
        match held {
            Some(held) => Ok(held.release().await?),
            None => Ok(()),
        }
    }

    fn take_lock(&self) -> Option<Held> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The plan as it is written to a file.
    #[must_use]
    pub fn saved(&self) -> SavedPlan {
        let variables = self.stack.tree.root().map_or(&[][..], |root| &root.variables);
        let given =
            variables.iter().zip(&self.variables).filter(|(it, value)| it.ephemeral && value.is_some());
        SavedPlan {
            plan: self.plan.clone(),
            files: self.stack.files.recorded(),
            given: self.given.clone(),
            ephemeral: given.map(|(it, _)| it.name.name.clone()).collect(),
        }
    }
}

impl StackFolder {
    /// What a walk over the stack needs.
    pub(super) fn input(
        &self,
        stack: &LoadedStack,
        environment: &EnvironmentName,
        variables: Vec<Option<Value>>,
        now_ms: u64,
    ) -> StackInput {
        StackInput {
            tree: stack.tree.clone(),
            files: stack.files.clone(),
            environment: environment.clone(),
            variables,
            environments: Vec::new(),
            providers: Arc::new(StackProviderSource::new(self, Given::Ours)),
            provisioners: Some(Arc::new(StandardProvisioners::from_environment())),
            now_ms,
        }
    }
}

/// Everything that is wrong with a stack as far as it shows without a state. The warnings are among it.
///
/// # Errors
/// If the folder cannot be read at all.
pub async fn validate(folder: &StackFolder) -> Result<(Diagnostics, LoadedStack), Fault> {
    let stack = folder.load()?;
    let diagnostics = if stack.diagnostics.has_errors() {
        stack.diagnostics.clone()
    } else {
        validate_read(folder, &stack).await
    };
    Ok((diagnostics, stack))
}

/// The same of a configuration that could be read.
async fn validate_read(folder: &StackFolder, stack: &LoadedStack) -> Diagnostics {
    let mut diagnostics = stack.diagnostics.clone();
    diagnostics.extend(stack.references.clone());
    match folder.check_providers(stack, None) {
        Ok(developed) => diagnostics.extend(developed),
        Err(lacking) => return lacking.diagnostics().clone(),
    }
    // Where references go in a circle, nothing can be worked out.
    if !stack.references.0.iter().any(|fault| fault.code == CYCLE) {
        let input = folder.input(stack, &folder.workspace(), Vec::new(), clock::now_ms());
        let mut found = planning::validate(Arc::new(input)).await;
        let is_told = |fault: &Diagnostic| {
            stack.references.0.iter().any(|known| known.code == fault.code && known.span == fault.span)
        };
        found.0.retain(|fault| !is_told(fault));
        diagnostics.extend(found);
    }
    diagnostics.sort();
    diagnostics
}

/// Plans. Faults of the plan are in what it answers, with what was planned so far.
///
/// # Errors
/// If the configuration is invalid, a value is missing, or the state cannot be had.
pub async fn plan(folder: &StackFolder, request: PlanRequest, events: &Events) -> Result<Planned, Fault> {
    plan_of(folder, folder.load()?, request, events).await
}

/// The same of a configuration that was read.
pub(super) async fn plan_of(
    folder: &StackFolder,
    mut stack: LoadedStack,
    request: PlanRequest,
    events: &Events,
) -> Result<Planned, Fault> {
    if stack.diagnostics.has_errors() {
        return Err(stack.fault(stack.diagnostics.clone()));
    }
    if request.mode != StackMode::Destroy && !folder.is_configured()? {
        let fault = Diagnostic::error("no-configuration", "No configuration files")
            .because(
                "a plan without any configuration would remove everything, which is hardly what is wanted",
            )
            .hint("write a .tf file; to remove everything, plan with -destroy");
        return Err(Fault::Usage(fault.into()));
    }
    let found = folder.variables(&mut stack, &request.variables, request.ask.as_deref());
    let given = given_by_name(&stack, found.given);
    let (variables, told) = (found.values, found.diagnostics);
    if told.has_errors() {
        return Err(stack.fault(told));
    }
    if stack.references.has_errors() {
        return Err(stack.fault(validate_read(folder, &stack).await));
    }
    if stack.planning.has_errors() {
        let found = validate_read(folder, &stack).await;
        return Err(stack.fault(if found.has_errors() { found } else { stack.planning.clone() }));
    }
    let mut state = folder.state(stack.tree.root()).await?;
    let held = if request.keeps_lock { state.hold(request.locking, "apply").await? } else { None };
    let notes = folder.settle(&state, held.is_some(), request.locking, events).await?;
    state.notes.extend(notes);
    let snapshot = state.store.snapshot(&state.environment).await?;
    let developed = folder.check_providers(&stack, Some(&snapshot))?;
    let input = folder.input(&stack, &state.environment, variables.clone(), clock::now_ms());
    let request = StackRequest {
        input: Arc::new(input),
        state: snapshot,
        mode: request.mode,
        targets: request.targets,
        replaced: request.replaced,
        refreshes: request.refreshes,
        generates: request.generates,
        parallelism: request.parallelism,
        events: events.clone(),
        doubts: crate::doubts::doubts(&state.environment, state.store.as_ref(), held.is_some()).await?,
        ways: Ways::Terraform,
        adopted: Vec::new(),
    };
    let (plan, found) = planning::plan(request).await;
    let mut diagnostics = stack.diagnostics.clone();
    diagnostics.extend(developed);
    diagnostics.extend(told);
    diagnostics.extend(found);
    Ok(Planned { plan, diagnostics, stack, state, variables, given, held: Mutex::new(held) })
}

/// What is given to variables that may be kept, by their names; marked where they are sensitive.
fn given_by_name(stack: &LoadedStack, given: Vec<Option<Value>>) -> BTreeMap<Arc<str>, Value> {
    let variables = stack.tree.root().map_or(&[][..], |root| &root.variables);
    let kept = variables.iter().zip(given).filter(|(variable, _)| !variable.ephemeral);
    let named = kept.filter_map(|(variable, value)| {
        let marks = if variable.sensitive { Marks::SENSITIVE } else { Marks::NONE };
        Some((variable.name.name.clone(), value?.with_marks(marks)))
    });
    named.collect()
}

/// Makes a plan real, under the workspace's lock.
///
/// # Errors
/// If the lock cannot be had. What went wrong in the apply itself is in what it answers.
pub async fn apply(
    folder: &StackFolder,
    planned: &Planned,
    applying: Applying,
    events: &Events,
    cancel: &CancellationToken,
) -> Result<Applied, Fault> {
    let state = &planned.state;
    let held = match planned.take_lock() {
        Some(held) => Some(held),
        None => state.hold(applying.locking, "apply").await?,
    };
    let now = clock::now_ms();
    let input = folder.input(
        &planned.stack,
        &state.environment,
        planned.variables.clone(),
        planned.plan.created_at_ms,
    );
    let mut options = ApplyOptions::new(clock::deployment_id(now));
    options.parallelism = applying.parallelism;
    let execution = Execution { plan: &planned.plan, input: &input, store: state.store.as_ref(), options };
    let stop = cancel.child_token();
    let watch = held.as_ref().map(|held| {
        let (lost, stop) = (held.lost.clone(), stop.clone());
        tokio::spawn(async move {
            lost.cancelled().await;
            stop.cancel();
        })
    });
    let applied = engine::stack::apply::apply(execution, events, &stop).await;
    if let Some(watch) = watch {
        watch.abort();
    }
    if let Some(held) = held {
        held.release().await?;
    }
    Ok(applied)
}

/// A saved plan with the configuration that it was computed from.
///
/// # Errors
/// If its files are no valid configuration here, a value is given that the plan has otherwise, or one is missing that is never stored.
pub async fn open_saved(
    folder: &StackFolder,
    saved: SavedPlan,
    given: &[VariableSource],
) -> Result<Planned, Fault> {
    let (stack, state) = saved_stack(folder, &saved).await?;
    let mut stack = stack;
    let (variables, told) = folder.variables_of_saved(&mut stack, &saved.plan, &saved.ephemeral, given);
    if told.has_errors() {
        return Err(stack.fault(told));
    }
    let mut diagnostics = stack.diagnostics.clone();
    diagnostics.extend(told);
    let held = Mutex::default();
    Ok(Planned { plan: saved.plan, diagnostics, stack, state, variables, given: saved.given, held })
}

/// The same for whoever only looks at it: nothing is missing then.
///
/// # Errors
/// If its files are no valid configuration here.
pub async fn show_saved(folder: &StackFolder, saved: SavedPlan) -> Result<Planned, Fault> {
    let (stack, state) = saved_stack(folder, &saved).await?;
    Ok(Planned {
        diagnostics: stack.diagnostics.clone(),
        plan: saved.plan,
        stack,
        state,
        variables: Vec::new(),
        given: saved.given,
        held: Mutex::default(),
    })
}

/// What a saved plan was computed from, and the state that it is for.
async fn saved_stack(folder: &StackFolder, saved: &SavedPlan) -> Result<(LoadedStack, StackState), Fault> {
    let overlay = Overlay::new(saved.files.clone(), folder.files()?);
    let stack = folder.load_files(Arc::new(RecordingFiles::new(Arc::new(overlay))))?;
    if stack.diagnostics.has_errors() {
        return Err(stack.fault(stack.diagnostics.clone()));
    }
    let state = folder.state(stack.tree.root()).await?;
    if state.environment != saved.plan.environment {
        let fault = Diagnostic::error(
            "plan-environment",
            format!(
                "this plan is for the workspace `{}`, not `{}`",
                saved.plan.environment, state.environment
            ),
        );
        return Err(Fault::Usage(fault.hint("choose that workspace first").into()));
    }
    Ok((stack, state))
}
