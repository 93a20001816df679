//! Where the workers of a pool run on a machine with several NUMA nodes.

use std::fmt;
use std::str::FromStr;

use crate::error::ParseError;

/// How the workers of a pool are dealt to the NUMA nodes of a machine. Within a node each core gets
/// one worker before a second hardware thread of any core gets one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerPlacement {
    /// To each node in turn. Few workers have the memory bandwidth of all nodes, and each node that
    /// submits has a worker nearby.
    #[default]
    Spread,
    /// To one node until each of its hardware threads has a worker, then to the node that is
    /// nearest. Few workers share a cache and steal from near.
    Packed,
}

/// The cores that a worker is bound to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum WorkerPinning {
    /// All cores of its node. The kernel balances the workers of a node.
    #[default]
    Node,
    /// One core, with all its hardware threads. For machines that run nothing else: a worker does
    /// not move away from a core that another thread takes.
    Core,
}

impl fmt::Display for WorkerPlacement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Spread => "spread",
            Self::Packed => "packed",
        })
    }
}

impl FromStr for WorkerPlacement {
    type Err = ParseError;

    /// Parses the names that `Display` writes, in upper or lower case.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        ParseError::find("worker placement", name, &[Self::Spread, Self::Packed])
    }
}

impl fmt::Display for WorkerPinning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Node => "node",
            Self::Core => "core",
        })
    }
}

impl FromStr for WorkerPinning {
    type Err = ParseError;

    /// Parses the names that `Display` writes, in upper or lower case.
    fn from_str(name: &str) -> Result<Self, ParseError> {
        ParseError::find("worker pinning", name, &[Self::Node, Self::Core])
    }
}
