//! HCL text to Configuration: expressions, functions, blocks, formatting.
