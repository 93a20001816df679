//! The recipes of the integration guide, compiled and run with the servers that they name.
#![cfg_attr(doctest, doc = include_str!("../../../docs/integration.md"))]
