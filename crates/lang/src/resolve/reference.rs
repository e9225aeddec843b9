//! What a name can mean.

/// Which variable: its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct VariableId(pub u32);

/// Which local: its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LocalId(pub u32);

/// Which service: its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ServiceId(pub u32);

/// Which image: its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ImageId(pub u32);

/// Which resource, data source or ephemeral resource: its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(pub u32);

/// Which module call: its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CallId(pub u32);

/// Which environment: its place in the configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct EnvironmentId(pub u32);

/// What a name refers to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Reference {
    /// `var.x`.
    Variable(VariableId),
    /// `local.x`.
    Local(LocalId),
    /// `service.x`: an object; a tuple of them under `count`, an object of them under `for_each`.
    Service(ServiceId),
    /// `image.x` or `image["x/y"]`.
    Image(ImageId),
    /// `aws_vpc.x`, `data.aws_ami.x`, `ephemeral.k.x`: an object; a tuple of them under `count`, an object of them under `for_each`.
    Resource(ResourceId),
    /// `module.x`: an object of all its outputs; a tuple or an object of such where the call is repeated.
    Module(CallId),
    /// The same with one output in each object: where no more is referred to. Counts in [`Call::outputs`](crate::configuration::Call).
    ModuleOutput(CallId, u32),
    /// `each.key`.
    EachKey,
    /// `each.value`.
    EachValue,
    /// `count.index`.
    CountIndex,
    /// `self`.
    SelfObject,
    /// `path.module`.
    PathModule,
    /// `path.root`.
    PathRoot,
    /// `path.cwd`.
    PathCwd,
    /// `environment.name`.
    EnvironmentName,
    /// `environment.x`: an object of the outputs of an environment of the project.
    Environment(EnvironmentId),
    /// `project.name`.
    ProjectName,
    /// `cluster.name`.
    ClusterName,
    /// `terraform.workspace`: the environment's name.
    Workspace,
    /// `terraform.applying`: whether this is an apply; an ephemeral value.
    Applying,
    /// A name that a `for`, a `dynamic` block or the place itself binds; the outermost is 0.
    Slot(u32),
}
