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
    /// `project.name`.
    ProjectName,
    /// `cluster.name`.
    ClusterName,
    /// `terraform.workspace`: the environment's name.
    Workspace,
    /// A name that a `for`, a `dynamic` block or the place itself binds; the outermost is 0.
    Slot(u32),
}
