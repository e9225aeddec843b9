//! Messages that describe what a block may hold. An attribute's fields differ between the versions, and everything that holds one
//! with them: the same messages are written once and made twice.

macro_rules! schema_messages {
    ($version:literal, { $($more:tt)* }, { $($types:tt)* }) => {
        /// A kind's schema.
        #[derive(Clone, PartialEq, ::prost::Message)]
        pub struct Schema {
            /// Its version.
            #[prost(int64, tag = "1")]
            pub version: i64,
            /// What it may hold.
            #[prost(message, optional, tag = "2")]
            pub block: Option<Block>,
        }

        /// What a block may hold.
        #[derive(Clone, PartialEq, ::prost::Message)]
        pub struct Block {
            /// Unused.
            #[prost(int64, tag = "1")]
            pub version: i64,
            /// Attributes.
            #[prost(message, repeated, tag = "2")]
            pub attributes: Vec<Attribute>,
            /// Blocks.
            #[prost(message, repeated, tag = "3")]
            pub block_types: Vec<NestedBlock>,
            /// What it is.
            #[prost(string, tag = "4")]
            pub description: String,
            /// 0: plain text; 1: Markdown.
            #[prost(int32, tag = "5")]
            pub description_kind: i32,
            /// Whether it should no longer be used.
            #[prost(bool, tag = "6")]
            pub deprecated: bool,
        }

        /// An attribute.
        #[derive(Clone, PartialEq, ::prost::Message)]
        pub struct Attribute {
            /// Its name.
            #[prost(string, tag = "1")]
            pub name: String,
            /// Its type as JSON; empty where it is nested.
            #[prost(bytes = "vec", tag = "2")]
            pub r#type: Vec<u8>,
            /// What it means.
            #[prost(string, tag = "3")]
            pub description: String,
            /// The configuration has to give it.
            #[prost(bool, tag = "4")]
            pub required: bool,
            /// The configuration may give it.
            #[prost(bool, tag = "5")]
            pub optional: bool,
            /// The provider may tell it.
            #[prost(bool, tag = "6")]
            pub computed: bool,
            /// It is never printed.
            #[prost(bool, tag = "7")]
            pub sensitive: bool,
            /// 0: plain text; 1: Markdown.
            #[prost(int32, tag = "8")]
            pub description_kind: i32,
            /// Whether it should no longer be used.
            #[prost(bool, tag = "9")]
            pub deprecated: bool,
            $($more)*
        }

        /// A block in a block.
        #[derive(Clone, PartialEq, ::prost::Message)]
        pub struct NestedBlock {
            /// Its type.
            #[prost(string, tag = "1")]
            pub type_name: String,
            /// What it may hold.
            #[prost(message, optional, tag = "2")]
            pub block: Option<Block>,
            /// 1: single, 2: list, 3: set, 4: map, 5: group.
            #[prost(int32, tag = "3")]
            pub nesting: i32,
            /// How many there have to be.
            #[prost(int64, tag = "4")]
            pub min_items: i64,
            /// How many there may be; 0: any number.
            #[prost(int64, tag = "5")]
            pub max_items: i64,
        }

        $($types)*
    };
}

/// Version 5.
pub mod v5 {
    schema_messages!(
        5,
        {
            /// It is given to the provider and never kept.
            #[prost(bool, tag = "10")]
            pub write_only: bool,
        },
        {}
    );
}

/// Version 6.
pub mod v6 {
    schema_messages!(
        6,
        {
            /// What its objects hold, in place of a type.
            #[prost(message, optional, tag = "10")]
            pub nested_type: Option<Object>,
            /// It is given to the provider and never kept.
            #[prost(bool, tag = "11")]
            pub write_only: bool,
        },
        {
            /// What the objects of an attribute hold.
            #[derive(Clone, PartialEq, ::prost::Message)]
            pub struct Object {
                /// Their attributes.
                #[prost(message, repeated, tag = "1")]
                pub attributes: Vec<Attribute>,
                /// 1: single, 2: list, 3: set, 4: map.
                #[prost(int32, tag = "3")]
                pub nesting: i32,
            }
        }
    );
}
