//! The examples of millpond: `convert`, `stream_folder`, `tokio_service` and `scaling_lab`.
