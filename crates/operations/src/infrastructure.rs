//! The infrastructure of a project: its stacks and the resources of its root, planned and applied as one graph, beside the services.
//! Nothing is decided here that the engine decides.

use std::sync::Arc;

use diag::Diagnostics;
use engine::stack::StackInput;
use engine::stack::apply::{self, Applied, ApplyOptions, Execution};
use engine::stack::plan::{StackMode, StackPlan};
use engine::stack::planning::{self, StackRequest};
use engine::{Address, DeploymentId, Event, Snapshot, Target};
use packages::{ProviderEvent, ProviderSetup, shown_provider};
use provisioners::StandardProvisioners;
use tokio_util::sync::CancellationToken;
use value::Value;

use crate::environments::PlannedOutputs;
use crate::planning::Watch;
use crate::session::Description;
use crate::stack::{
    Given, LoadedStack, Look, StackFolder, StackProviderSource, Unconfigured, provider_requirements,
};
use crate::{Fault, Session, clock};

/// The plan of a project's infrastructure, with what it was computed from.
#[derive(Clone)]
pub struct Infrastructure {
    /// The plan.
    pub plan: StackPlan,
    /// What should be known of it, without errors.
    pub warnings: Diagnostics,
    /// The configuration.
    pub stack: LoadedStack,
    variables: Vec<Option<Value>>,
}

impl std::fmt::Debug for Infrastructure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // A plan holds values in clear.
        f.debug_struct("Infrastructure").field("changes", &self.plan.changes.len()).finish_non_exhaustive()
    }
}

/// What is planned of the infrastructure.
pub(crate) struct Wanted<'a> {
    pub mode: StackMode,
    /// Only these; empty: everything.
    pub targets: &'a [Target],
    /// Whether what is there is read anew.
    pub refreshes: bool,
    /// Outputs of environments that are planned in the same run.
    pub environments: &'a PlannedOutputs,
    /// Objects that are taken over, with what they are looked up by.
    pub adopted: Vec<(Address, String)>,
    /// Whether the environment's lock is ours.
    pub is_locked: bool,
}

impl<'a> Wanted<'a> {
    /// What is there is read anew, and the lock is somebody else's or nobody's.
    pub fn new(mode: StackMode, targets: &'a [Target], environments: &'a PlannedOutputs) -> Self {
        Self { mode, targets, refreshes: true, environments, adopted: Vec::new(), is_locked: false }
    }
}

impl Session {
    /// Plans the infrastructure; `None` where there is none, neither described nor made.
    ///
    /// # Errors
    /// If its configuration is invalid, or something cannot be planned.
    pub(crate) async fn plan_infrastructure(
        &self,
        description: &Description,
        snapshot: &Snapshot,
        wanted: Wanted<'_>,
        watch: &Watch,
    ) -> Result<Option<Infrastructure>, Fault> {
        let configuration = &description.configuration;
        let is_described = !configuration.calls.is_empty() || !configuration.resources.is_empty();
        let is_made = snapshot.rows.iter().any(|row| !row.record.provider.is_empty());
        if !is_described && !is_made {
            return Ok(None);
        }
        let stack = self.stack(description).await?;
        let mut warnings = stack.checked(Look::Planning)?;
        self.install_providers(&stack, snapshot, watch).await?;
        crate::targets::check(wanted.targets, &stack.tree, snapshot)?;
        let variables: Vec<Option<Value>> = description.variables.iter().cloned().map(Some).collect();
        let mut input = self.stack_input(&stack, variables.clone(), clock::now_ms());
        input.environments = self.other_environments(description, wanted.environments).await?;
        let request = StackRequest {
            mode: wanted.mode,
            targets: wanted.targets.to_vec(),
            refreshes: wanted.refreshes,
            doubts: crate::doubts::doubts(&self.environment, self.store.as_ref(), wanted.is_locked).await?,
            adopted: wanted.adopted,
            events: watch.events.clone(),
            ..StackRequest::new(Arc::new(input), snapshot.clone())
        };
        let (mut plan, found) = planning::plan(request).await;
        // Outputs of the project may hang on services, which are planned apart.
        plan.outputs.clear();
        if found.has_errors() {
            return Err(stack.fault(found));
        }
        warnings.extend(found);
        Ok(Some(Infrastructure { plan, warnings, stack, variables }))
    }

    /// A plan that was saved, with the configuration that it was computed from.
    pub(crate) async fn saved_infrastructure(
        &self,
        description: &Description,
        plan: StackPlan,
    ) -> Result<Infrastructure, Fault> {
        let stack = self.stack(description).await?;
        let warnings = stack.checked(Look::Planning)?;
        let variables = description.variables.iter().cloned().map(Some).collect();
        Ok(Infrastructure { plan, warnings, stack, variables })
    }

    /// Makes a plan of the infrastructure real. The caller holds the lock.
    pub(crate) async fn apply_infrastructure(
        &self,
        infrastructure: &Infrastructure,
        deployment: &DeploymentId,
        environments: Vec<(Arc<str>, Value)>,
        watch: &Watch,
        cancel: &CancellationToken,
    ) -> Applied {
        let plan = &infrastructure.plan;
        let mut input =
            self.stack_input(&infrastructure.stack, infrastructure.variables.clone(), plan.created_at_ms);
        input.environments = environments;
        let options = ApplyOptions::new(deployment.clone());
        let execution = Execution { plan, input: &input, store: self.store.as_ref(), options };
        apply::apply(execution, &watch.events, cancel).await
    }

    /// Finds out what a killed run left open of the infrastructure, and tells of it. The caller holds the lock.
    pub(crate) async fn settle_infrastructure(&self, watch: &Watch) -> Result<Diagnostics, Fault> {
        let source = self.provider_source();
        let (settled, mut notes) =
            apply::settle(&self.environment, &Unconfigured(source), self.store.as_ref(), &watch.events)
                .await
                .map_err(Fault::Failed)?;
        notes.extend(crate::stack::settled_notes(settled));
        Ok(notes)
    }

    /// The tree of the project's modules. Modules that are not in the project's folder are installed where they are missing.
    async fn stack(&self, description: &Description) -> Result<LoadedStack, Fault> {
        self.folder().load_project(description.files.clone()).await
    }

    /// Installs the providers that the project needs and that are not there.
    async fn install_providers(
        &self,
        stack: &LoadedStack,
        snapshot: &Snapshot,
        watch: &Watch,
    ) -> Result<(), Fault> {
        let folder = self.folder();
        let requirements = provider_requirements(&stack.tree, Some(snapshot));
        let installed = folder.installed_providers()?;
        let is_there = tokio::task::spawn_blocking(move || installed.check(&requirements).is_ok()).await;
        if is_there.unwrap_or_default() {
            return Ok(());
        }
        let events = watch.events.clone();
        let progress = move |event: ProviderEvent| {
            let message = match event {
                ProviderEvent::Installing { provider, version, .. } => {
                    format!("installing {} {version}", shown_provider(&provider))
                }
                ProviderEvent::Waiting { folder } => {
                    format!("waiting for another installation into {}", folder.display())
                }
                ProviderEvent::Retrying { url, cause } => format!("asking {url} again: {cause}"),
                ProviderEvent::Warning(warning) => warning.message,
                _ => return,
            };
            events.send(Event::Step { message });
        };
        folder.ensure(stack, Some(snapshot), ProviderSetup::default(), Arc::new(progress)).await?;
        Ok(())
    }

    /// The project's folder as that of a stack.
    pub(crate) fn folder(&self) -> StackFolder {
        StackFolder {
            root: self.root.clone(),
            data: self.root.join(".mainstay"),
            wiring: self.wiring.clone(),
        }
    }

    /// Where providers come from: with what the environment declares for them, and nothing besides.
    fn provider_source(&self) -> StackProviderSource {
        let declared = self.description.environment(&self.environment);
        let given = Given::Declared {
            environment: self.environment.to_string(),
            providers: declared.map_or_else(Arc::default, |it| it.providers.clone().into()),
        };
        StackProviderSource::new(&self.folder(), given)
    }

    fn stack_input(&self, stack: &LoadedStack, variables: Vec<Option<Value>>, now_ms: u64) -> StackInput {
        StackInput {
            tree: stack.tree.clone(),
            files: stack.files.clone(),
            environment: self.environment.clone(),
            variables,
            environments: Vec::new(),
            providers: Arc::new(self.provider_source()),
            provisioners: Some(Arc::new(StandardProvisioners::from_environment())),
            now_ms,
        }
    }
}

/// Whether something of the infrastructure would be changed, in the world or in what is known of it.
pub(crate) fn has_changes(plan: &StackPlan, snapshot: &Snapshot) -> bool {
    let rows = snapshot.rows.iter().filter(|row| !row.record.provider.is_empty());
    plan.has_changes() || !rows.eq(plan.prior.iter())
}
