//! Dynamic types and values: unknowns, marks, exact numbers, JSON.
