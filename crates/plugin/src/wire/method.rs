//! Which call has which name in which version.

/// A version of the protocol.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Protocol {
    /// Version 5.
    V5,
    /// Version 6.
    V6,
}

impl Protocol {
    /// Of its number.
    #[must_use]
    pub fn of_number(number: u32) -> Option<Self> {
        match number {
            5 => Some(Self::V5),
            6 => Some(Self::V6),
            _ => None,
        }
    }

    /// Its number.
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::V5 => 5,
            Self::V6 => 6,
        }
    }
}

macro_rules! methods {
    ($($(#[$doc:meta])* $name:ident = $five:literal, $six:literal;)*) => {
        /// A call of the protocol.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum Method {
            $($(#[$doc])* $name,)*
        }

        impl Method {
            /// Every call.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// Its path in a version: `/tfplugin6.Provider/ReadResource`.
            #[must_use]
            pub fn path(self, protocol: Protocol) -> &'static str {
                match (self, protocol) {
                    $((Self::$name, Protocol::V5) => concat!("/tfplugin5.Provider/", $five),
                      (Self::$name, Protocol::V6) => concat!("/tfplugin6.Provider/", $six),)*
                }
            }
        }
    };
}

methods! {
    /// What it makes.
    GetProviderSchema = "GetSchema", "GetProviderSchema";
    /// What it identifies objects by.
    GetResourceIdentitySchemas = "GetResourceIdentitySchemas", "GetResourceIdentitySchemas";
    /// Whether its configuration is right.
    ValidateProviderConfig = "PrepareProviderConfig", "ValidateProviderConfig";
    /// Whether a resource's configuration is right.
    ValidateResourceConfig = "ValidateResourceTypeConfig", "ValidateResourceConfig";
    /// Whether a data source's configuration is right.
    ValidateDataResourceConfig = "ValidateDataSourceConfig", "ValidateDataResourceConfig";
    /// Whether an ephemeral resource's configuration is right.
    ValidateEphemeralResourceConfig = "ValidateEphemeralResourceConfig", "ValidateEphemeralResourceConfig";
    /// A state in the form of the present schema.
    UpgradeResourceState = "UpgradeResourceState", "UpgradeResourceState";
    /// An identity in the form of the present schema.
    UpgradeResourceIdentity = "UpgradeResourceIdentity", "UpgradeResourceIdentity";
    /// Gives it its configuration.
    ConfigureProvider = "Configure", "ConfigureProvider";
    /// What is there.
    ReadResource = "ReadResource", "ReadResource";
    /// What would be made.
    PlanResourceChange = "PlanResourceChange", "PlanResourceChange";
    /// Makes it.
    ApplyResourceChange = "ApplyResourceChange", "ApplyResourceChange";
    /// Looks an object up.
    ImportResourceState = "ImportResourceState", "ImportResourceState";
    /// Takes over another kind's state.
    MoveResourceState = "MoveResourceState", "MoveResourceState";
    /// Reads a data source.
    ReadDataSource = "ReadDataSource", "ReadDataSource";
    /// Opens an ephemeral resource.
    OpenEphemeralResource = "OpenEphemeralResource", "OpenEphemeralResource";
    /// Renews it.
    RenewEphemeralResource = "RenewEphemeralResource", "RenewEphemeralResource";
    /// Closes it.
    CloseEphemeralResource = "CloseEphemeralResource", "CloseEphemeralResource";
    /// Calls a function.
    CallFunction = "CallFunction", "CallFunction";
    /// Asks it to end what it is doing.
    StopProvider = "Stop", "StopProvider";
}

impl std::fmt::Display for Method {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Debug::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn calls_have_the_names_of_their_version() {
        assert_eq!(Method::GetProviderSchema.path(Protocol::V5), "/tfplugin5.Provider/GetSchema");
        assert_eq!(Method::ConfigureProvider.path(Protocol::V5), "/tfplugin5.Provider/Configure");
        assert_eq!(Method::StopProvider.path(Protocol::V6), "/tfplugin6.Provider/StopProvider");
    }
}
