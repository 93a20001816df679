//! A gRPC server of tonic with the layer: answered on the pool, and a refusal is a status.

use std::net::Ipv4Addr;
use std::time::Duration;

use crate::pool_support::{fixed, hold, in_time_async};
use millpond::AdaptiveThreadPool;
use millpond::service::{Admission, OffloadLayer, ServiceError};
use millpond::test_util::assert_no_leaks;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::transport::{Channel, Endpoint, Server};
use tonic::{Code, Status};
use tonic_health::pb::HealthCheckRequest;
use tonic_health::pb::health_client::HealthClient;
use tower::{BoxError, ServiceBuilder};

/// What a refusal is to a client of gRPC.
fn status<E: Into<BoxError>>(error: ServiceError<E>) -> BoxError {
    match error.try_into_inner() {
        Ok(inner) => inner.into(),
        Err(refusal) => match refusal {
            ServiceError::Overloaded { .. } | ServiceError::ShuttingDown => {
                Status::unavailable(refusal.to_string())
            }
            ServiceError::DeadlineExceeded => Status::deadline_exceeded(refusal.to_string()),
            ServiceError::TooLarge { .. } => Status::out_of_range(refusal.to_string()),
            _ => Status::internal("the request could not be processed"),
        }
        .into(),
    }
}

async fn serve(pool: &AdaptiveThreadPool, admission: Admission) -> HealthClient<Channel> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = format!("http://{}", listener.local_addr().unwrap());
    let layers = ServiceBuilder::new()
        .map_err(status)
        .layer(OffloadLayer::new(pool.clone()).admission(admission))
        .into_inner();
    let (_reporter, health) = tonic_health::server::health_reporter();
    let server = Server::builder().layer(layers).add_service(health);
    tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
    HealthClient::new(Endpoint::from_shared(address).unwrap().connect().await.unwrap())
}

#[test]
fn a_call_is_answered_on_the_pool() {
    in_time_async(|| async {
        let pool = fixed(1).build().unwrap();
        let mut client = serve(&pool, Admission::WaitUpTo(Duration::MAX)).await;
        client.check(HealthCheckRequest::default()).await.unwrap();
        assert!(pool.statistics().tasks_completed >= 1);
        assert_no_leaks(&pool);
    });
}

#[test]
fn a_call_for_which_there_is_no_place_is_unavailable() {
    in_time_async(|| async {
        let pool = fixed(1).max_queue_size(1).build().unwrap();
        let mut client = serve(&pool, Admission::Shed).await;
        let held = hold(&pool, 1);
        let queued = pool.try_spawn(|| ()).unwrap();
        let refused = client.check(HealthCheckRequest::default()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unavailable, "{refused}");
        held.end();
        queued.await.unwrap();
        client.check(HealthCheckRequest::default()).await.unwrap();
        assert_no_leaks(&pool);
    });
}
