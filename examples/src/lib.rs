//! The examples of millpond: `convert`, `stream_folder`, `tokio_service`, `traces` and
//! `scaling_lab`.
