//! From YAML text to scenarios: reading, checking, multiplying by axes.

pub mod model;
