//! A project in one of its environments: configuration, values, store, clusters.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use diag::{Diagnostic, Diagnostics, Sources, closest};
use engine::{
    ClusterName, DeploymentOutcome, EnvironmentName, ProjectName, Providers, Release, Revision, Store,
};
use fleet::{Cluster, Fleet, FleetOptions, TagsAnew};
use lang::{Configuration, ProjectFiles, VariableInput};
use store::KeyRing;
use value::{Marks, Value};

use crate::backend::{Backend, GivenSettings, Kept, STATE};
use crate::recording::{RecordingFiles, RevisionFiles};
use crate::workspace::Checks;
use crate::{Fault, Wiring, Workspace, default_data_dir, explaining, workspace};

/// How to open a project's environment.
#[derive(Debug, Clone)]
pub struct SessionOptions {
    /// The environment; none: `dev`, or the only one.
    pub environment: Option<String>,
    /// `NAME=VALUE` for variables.
    pub variables: Vec<String>,
    /// What the composition root hands in.
    pub wiring: Wiring,
}

/// A configuration and the values that it is read with.
#[derive(Debug)]
pub(crate) struct Description {
    pub configuration: Arc<Configuration>,
    pub sources: Sources,
    pub files: Arc<RecordingFiles>,
    /// Values of all variables, by their place in the configuration.
    pub variables: Vec<Value>,
    /// Those that were given from outside.
    pub given: BTreeMap<String, VariableInput>,
}

/// A project in one of its environments.
pub struct Session {
    /// The environment.
    pub environment: EnvironmentName,
    /// The project's folder.
    pub root: PathBuf,
    pub(crate) project: ProjectName,
    pub(crate) description: Arc<Description>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) keys: KeyRing,
    pub(crate) wiring: Wiring,
}

/// Where a cluster's agent is.
pub(crate) struct AgentPlace {
    pub cluster: String,
    pub socket: PathBuf,
    pub data_dir: PathBuf,
    pub listen: Option<String>,
    /// Whether it is this machine's own, which we may start.
    pub own: bool,
}

impl Session {
    /// Opens an environment of a project.
    ///
    /// # Errors
    /// If there is no such environment, a value is missing or wrong, or the store cannot be opened.
    pub async fn open(workspace: Workspace, options: SessionOptions) -> Result<Self, Fault> {
        let Workspace { root, sources, configuration, files, .. } = workspace;
        let name = environment_name(&configuration, options.environment.as_deref())?;
        let environment = EnvironmentName::new(name);
        let given = given(&configuration, &options)?;
        let description = Description::new(configuration, sources, files, &environment, given)?;
        let kept = description.store(&root, &options.wiring).await?;
        Ok(Self::new(environment, root, description, kept, options.wiring))
    }

    /// Opens an environment for what looks at it or takes it back: where the folder's configuration is invalid, by what was last
    /// deployed. Then the folder's faults are answered as well.
    ///
    /// # Errors
    /// As [`Session::open`]; the folder's faults where nothing was deployed.
    pub async fn open_standing(
        folder: Option<&Path>,
        options: SessionOptions,
    ) -> Result<(Self, Option<Fault>), Fault> {
        match Workspace::open(folder, Checks::Shape) {
            Ok(workspace) => Ok((Self::open(workspace, options).await?, None)),
            Err(invalid @ Fault::Configuration { .. }) => {
                match Self::of_last_revision(folder, options).await? {
                    Some(session) => Ok((session, Some(invalid))),
                    None => Err(invalid),
                }
            }
            Err(other) => Err(other),
        }
    }

    async fn of_last_revision(folder: Option<&Path>, options: SessionOptions) -> Result<Option<Self>, Fault> {
        const HISTORY: u32 = 500;
        let disk = workspace::disk(folder)?;
        let root = disk.root().to_owned();
        if !root.join(STATE).exists() {
            return Ok(None);
        }
        let environment = EnvironmentName::new(options.environment.as_deref().unwrap_or("dev"));
        // Where else the state may be is said in a configuration that cannot be read.
        let kept = Backend::default().open(&root, &options.wiring.variables).await?;
        let kept = options.wiring.wrapped(kept);
        let store = &kept.store;
        let deployments = store.deployments(&environment, HISTORY).await?;
        let stood = deployments.iter().filter(|d| d.outcome == Some(DeploymentOutcome::Succeeded));
        let Some(id) = stood.filter_map(|d| d.revision.as_ref()).next() else { return Ok(None) };
        let Some(revision) = store.revision(&environment, id.as_str()).await? else { return Ok(None) };
        let description = Description::of_revision(&root, disk.home(), &environment, &revision)?;
        Ok(Some(Self::new(environment, root, description, kept, options.wiring)))
    }

    fn new(
        environment: EnvironmentName,
        root: PathBuf,
        description: Description,
        Kept { keys, store, .. }: Kept,
        wiring: Wiring,
    ) -> Self {
        let project = ProjectName::new(description.configuration.project.name.clone());
        Self { environment, root, project, description: Arc::new(description), store, keys, wiring }
    }

    /// Whether caution counts more than speed here.
    #[must_use]
    pub fn is_protected(&self) -> bool {
        self.description.environment(&self.environment).is_some_and(|e| e.protected)
    }

    pub(crate) fn agent_places(&self) -> Vec<AgentPlace> {
        self.description.agent_places(&self.environment, &self.wiring)
    }

    /// What an earlier revision described.
    pub(crate) fn earlier(&self, revision: &Revision) -> Result<Description, Fault> {
        let home = self.description.files.home();
        Description::of_revision(&self.root, home, &self.environment, revision)
    }

    /// What makes resources, for a description and the releases that go with it.
    pub(crate) fn providers(
        &self,
        description: &Description,
        releases: &BTreeMap<String, Release>,
    ) -> Providers {
        vec![Arc::new(self.fleet_of(description, releases, TagsAnew::None))]
    }

    pub(crate) async fn fleet(&self) -> Result<Fleet, Fault> {
        let releases = engine::Ledger::releases(self.store.as_ref(), &self.environment).await?;
        Ok(self.fleet_of(&self.description, &releases, TagsAnew::None))
    }

    pub(crate) fn fleet_of(
        &self,
        description: &Description,
        releases: &BTreeMap<String, Release>,
        tags_anew: TagsAnew,
    ) -> Fleet {
        self.fleet_at(&self.environment, description, releases, tags_anew)
    }

    /// The fleet of another environment, without what is pinned there; and its clusters.
    pub(crate) fn fleet_in(&self, environment: &EnvironmentName) -> (Fleet, Vec<ClusterName>) {
        let places = self.description.agent_places(environment, &self.wiring);
        let clusters = places.into_iter().map(|place| ClusterName::new(place.cluster)).collect();
        (self.fleet_at(environment, &self.description, &BTreeMap::new(), TagsAnew::None), clusters)
    }

    fn fleet_at(
        &self,
        environment: &EnvironmentName,
        description: &Description,
        releases: &BTreeMap<String, Release>,
        tags_anew: TagsAnew,
    ) -> Fleet {
        let places = description.agent_places(environment, &self.wiring);
        Fleet::new(FleetOptions {
            project: self.project.clone(),
            environment: environment.clone(),
            protected: description.environment(environment).is_some_and(|e| e.protected),
            clusters: places
                .into_iter()
                .map(|p| (ClusterName::new(p.cluster), Cluster::agent(p.socket)))
                .collect(),
            releases: releases.iter().map(|(name, release)| (name.clone(), release.digest.clone())).collect(),
            images: self.images_dir(),
            built: description.configuration.images.iter().map(|it| it.name.name.to_string()).collect(),
            registries: self.registries(description),
            tags_anew,
        })
    }

    /// Who is asked for images in registries.
    pub(crate) fn registries(&self, description: &Description) -> Arc<oci::registry::Registries> {
        crate::registries::of_description(description, &self.wiring)
    }

    /// Where the project's images are.
    pub(crate) fn images_dir(&self) -> PathBuf {
        self.root.join(".mainstay/images")
    }
}

impl Description {
    fn new(
        configuration: Arc<Configuration>,
        sources: Sources,
        files: Arc<RecordingFiles>,
        environment: &EnvironmentName,
        given: BTreeMap<String, VariableInput>,
    ) -> Result<Self, Fault> {
        let Some(described) = configuration.environment(environment.as_str()) else {
            return Err(Fault::usage(
                format!("the revision has no environment `{environment}`"),
                "`mainstay history` names the revisions",
            ));
        };
        let of_variables = given.iter().filter(|(name, _)| explaining::launched(name).is_none());
        let of_variables = of_variables.map(|(name, input)| (name.clone(), input.clone())).collect();
        let (variables, faults) =
            lang::resolve_variables(&configuration, described, &of_variables, files.as_ref());
        if faults.has_errors() {
            return Err(Fault::Configuration { diagnostics: faults, sources: Box::new(sources) });
        }
        Ok(Self { configuration, sources, files, variables, given })
    }

    /// Where the project's state is kept, by its `backend` block.
    async fn store(&self, root: &Path, wiring: &Wiring) -> Result<Kept, Fault> {
        let backend = Backend::read(
            Some(&self.configuration),
            self.files.as_ref(),
            &GivenSettings::default(),
            &wiring.variables,
        );
        let kept = backend.map_err(|faults| self.fault(faults))?.open(root, &wiring.variables).await?;
        Ok(wiring.wrapped(kept))
    }

    /// What an earlier revision described.
    pub fn of_revision(
        root: &Path,
        home: Option<&Path>,
        environment: &EnvironmentName,
        revision: &Revision,
    ) -> Result<Self, Fault> {
        let earlier = RevisionFiles::new(revision.files.clone(), root, home);
        let files = Arc::new(RecordingFiles::new(Arc::new(earlier)));
        let (configuration, sources, _) = workspace::load(files.clone(), Checks::Shape)?;
        let given = revision.values.iter().filter_map(|(name, value)| {
            let origin = format!("revision {}", revision.id);
            Some((name.clone(), VariableInput { text: value.as_str()?.to_owned(), origin }))
        });
        Self::new(configuration, sources, files, environment, given.collect())
    }

    /// The values that were given, for a revision: a sensitive one is sealed when it is stored, an ephemeral one is not stored.
    pub fn stored_values(&self) -> BTreeMap<String, Value> {
        let stored = self.given.iter().filter_map(|(name, input)| {
            if explaining::launched(name).is_some() {
                // Whoever gives a secret so has it in a history of commands, and not in clear in ours.
                let text = Value::string(input.text.as_str());
                return Some((name.clone(), text.with_marks(Marks::SENSITIVE)));
            }
            let variable = self.configuration.variables.iter().find(|v| v.name.name.as_ref() == name)?;
            let marks = if variable.sensitive { Marks::SENSITIVE } else { Marks::NONE };
            (!variable.ephemeral)
                .then(|| (name.clone(), Value::string(input.text.as_str()).with_marks(marks)))
        });
        stored.collect()
    }

    pub(crate) fn environment(&self, name: &EnvironmentName) -> Option<&lang::Environment> {
        self.configuration.environment(name.as_str())
    }

    /// Images by the services that run them; every service is in it.
    pub fn service_images(&self) -> BTreeMap<String, Option<String>> {
        let image = |s: &lang::Service| {
            let attribute = s.body.attribute("image")?;
            match &attribute.expr.kind {
                lang::syntax::ExprKind::Literal(v) => v.as_str().map(str::to_owned),
                lang::syntax::ExprKind::Reference(lang::Reference::Image(id)) => {
                    self.configuration.image(*id).map(|i| i.name.name.to_string())
                }
                _ => None,
            }
        };
        self.configuration.services.iter().map(|s| (s.name.name.to_string(), image(s))).collect()
    }

    /// That there is no such service; `None` if there is.
    pub fn unknown_service(&self, name: &str) -> Option<Diagnostic> {
        let declared: Vec<&str> =
            self.configuration.services.iter().map(|it| it.name.name.as_ref()).collect();
        if declared.contains(&name) {
            return None;
        }
        let fault = Diagnostic::error("unknown-service", format!("there is no service `{name}`"));
        Some(match closest(name, declared.iter().copied()) {
            Some(near) => fault.hint(format!("did you mean `{near}`?")),
            None => fault.hint(format!("there are {}", declared.join(", "))),
        })
    }

    /// Whether an `image` block of this name says how it is built.
    pub fn declares_image(&self, name: &str) -> bool {
        self.configuration.images.iter().any(|i| i.name.name.as_ref() == name)
    }

    /// Faults that point into the configuration are invalid input; where none does, the world refused.
    pub fn fault(&self, diagnostics: Diagnostics) -> Fault {
        if diagnostics.0.iter().all(|d| d.span.is_none()) {
            return Fault::Failed(diagnostics);
        }
        Fault::Configuration { diagnostics, sources: Box::new(self.sources.clone()) }
    }
}

/// The environment that is meant.
fn environment_name(configuration: &Configuration, wanted: Option<&str>) -> Result<String, Fault> {
    let names: Vec<&str> = configuration.environments.iter().map(|e| e.name.as_ref()).collect();
    let listed = names.iter().map(|n| format!("`{n}`")).collect::<Vec<_>>().join(", ");
    match (wanted, names.as_slice()) {
        (Some(name), names) if names.contains(&name) => Ok(name.to_owned()),
        (Some(name), names) => {
            let hint = match closest(name, names.iter().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("there is {listed}"),
            };
            Err(Fault::usage(format!("there is no environment `{name}`"), hint))
        }
        (None, names) if names.contains(&"dev") => Ok("dev".into()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, _) => {
            Err(Fault::usage("which environment?", format!("name it with `--env`: there is {listed}")))
        }
    }
}

/// Values that were given: `MAINSTAY_VAR_x` of the process, and over them `--var x=…`.
fn given(
    configuration: &Configuration,
    options: &SessionOptions,
) -> Result<BTreeMap<String, VariableInput>, Fault> {
    const PREFIX: &str = "MAINSTAY_VAR_";
    let mut inputs: BTreeMap<String, VariableInput> = BTreeMap::new();
    let declared: Vec<&str> = configuration.variables.iter().map(|v| v.name.name.as_ref()).collect();
    for (name, text) in &options.wiring.variables {
        // A variable of another project in the process environment is no fault.
        if let Some(name) = name.strip_prefix(PREFIX).filter(|n| declared.contains(n)) {
            let origin = format!("{PREFIX}{name}");
            inputs.insert(name.to_owned(), VariableInput { text: text.clone(), origin });
        }
    }
    let mut faults = Diagnostics::default();
    for pair in &options.variables {
        match pair.split_once('=') {
            None => faults.push(
                Diagnostic::error("usage", format!("`--var {pair}` has no value"))
                    .hint(format!("write `--var {pair}=VALUE`")),
            ),
            Some((name, text)) if explaining::launched(name).is_some() => {
                let (service, variable) = explaining::launched(name).unwrap_or_default();
                let services = || configuration.services.iter().map(|it| it.name.name.as_ref());
                let origin = format!("--set-env {service}.{variable}");
                if services().any(|it| it == service) {
                    inputs.insert(name.to_owned(), VariableInput { text: text.to_owned(), origin });
                    continue;
                }
                let fault = Diagnostic::error("usage", format!("there is no service `{service}`"));
                faults.push(match closest(service, services()) {
                    Some(near) => fault.about(origin).hint(format!("did you mean `{near}`?")),
                    None => fault.about(origin).hint("write `--set-env SERVICE.NAME=VALUE`"),
                });
            }
            Some((name, _)) if !declared.contains(&name) => {
                let hint = match closest(name, declared.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("declare it with `variable \"{name}\" {{}}`"),
                };
                faults.push(Diagnostic::error("usage", format!("there is no variable `{name}`")).hint(hint));
            }
            Some((name, text)) => {
                let origin = format!("--var {name}");
                inputs.insert(name.to_owned(), VariableInput { text: text.to_owned(), origin });
            }
        }
    }
    if faults.is_empty() { Ok(inputs) } else { Err(Fault::Usage(faults)) }
}

impl Description {
    /// The clusters of an environment, and where their agents are.
    fn agent_places(&self, environment: &EnvironmentName, wiring: &Wiring) -> Vec<AgentPlace> {
        let own = default_data_dir(wiring);
        let clusters =
            self.environment(environment).map(|e| e.clusters.as_slice()).unwrap_or_default().iter();
        clusters
            .map(|cluster| {
                let socket = cluster.socket.as_ref().map(|s| PathBuf::from(s.as_ref()));
                AgentPlace {
                    cluster: cluster.name.to_string(),
                    own: socket.is_none(),
                    socket: socket.unwrap_or_else(|| own.join("agent.sock")),
                    data_dir: own.clone(),
                    listen: Some(cluster.listen.to_string()),
                }
            })
            .collect()
    }
}
