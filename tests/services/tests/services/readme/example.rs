use axum::{Router, extract::State, routing::post};
use millpond::{AdaptiveThreadPool, service::ServiceError};

async fn words(State(pool): State<AdaptiveThreadPool>, text: String) -> Result<String, ServiceError> {
    // Runs on a thread of the pool. Waits while the queue is full; a client that leaves cancels the work.
    let words = pool.run(move || text.split_whitespace().count()).await?;
    Ok(words.to_string())
}

pub fn app(pool: AdaptiveThreadPool) -> Router {
    Router::new().route("/words", post(words)).with_state(pool)
}

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let pool = AdaptiveThreadPool::new();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:3000").await?;
    axum::serve(listener, app(pool)).await
}
