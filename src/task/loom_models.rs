//! Models of the protocol, checked by loom.
