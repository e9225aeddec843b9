//! What is measured: the cases and their sizes.

use crate::bench::stack::Shape;

/// What is done with a configuration.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deed {
    /// A plan with no state: everything is to be created.
    Create,
    /// A plan with a state that has everything.
    Unchanged,
    /// An apply with no state.
    Apply,
}

/// One case, measured at each of its sizes.
pub struct Case {
    pub name: &'static str,
    pub what: &'static str,
    pub shape: Shape,
    pub deed: Deed,
    /// Numbers of resources, from the smallest.
    pub sizes: &'static [usize],
    /// The oracle's cost grows at least with this power of the size: what it took at one size tells where it need not be tried.
    pub oracle_power_min: i32,
}

const SIZES: &[usize] = &[1_000, 10_000, 100_000];

pub const CASES: [Case; 7] = [
    Case {
        name: "create",
        what: "a block for each, planned to be created",
        shape: Shape::Blocks,
        deed: Deed::Create,
        sizes: SIZES,
        oracle_power_min: 1,
    },
    Case {
        name: "unchanged",
        what: "a block for each, planned with nothing to change",
        shape: Shape::Blocks,
        deed: Deed::Unchanged,
        sizes: SIZES,
        oracle_power_min: 1,
    },
    Case {
        name: "count",
        what: "one block with `count`, planned with nothing to change",
        shape: Shape::Count,
        deed: Deed::Unchanged,
        sizes: SIZES,
        oracle_power_min: 1,
    },
    Case {
        name: "pairs",
        what: "one half refers to the other, each to one, planned to be created",
        shape: Shape::Pairs,
        deed: Deed::Create,
        sizes: SIZES,
        oracle_power_min: 1,
    },
    Case {
        name: "count-pairs",
        what: "the same with two blocks with `count`, planned to be created",
        shape: Shape::CountPairs,
        deed: Deed::Create,
        sizes: SIZES,
        // It joins every instance of the one with every instance of the other: 1.7 GB at 2,000.
        oracle_power_min: 2,
    },
    Case {
        name: "modules",
        what: "modules of ten, planned to be created",
        shape: Shape::Modules,
        deed: Deed::Create,
        sizes: SIZES,
        oracle_power_min: 1,
    },
    Case {
        name: "apply",
        what: "a block for each, applied from nothing",
        shape: Shape::Blocks,
        deed: Deed::Apply,
        // The goal is for 5,000.
        sizes: &[1_000, 5_000, 10_000, 100_000],
        oracle_power_min: 1,
    },
];
