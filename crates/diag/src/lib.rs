//! Diagnostics: code, message, place, hint, cause.
