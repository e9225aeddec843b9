//! Arguments to operations, results to views.
