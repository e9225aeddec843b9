//! Calls of one process.

use std::time::{Duration, Instant};

use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc;
use tonic::{Code, Request, Status};
use tonic_prost::ProstCodec;

use crate::failure::{CallFailure, how_it_ended};
use crate::process::Process;
use crate::wire::Method;
use crate::wire::messages::Empty;

/// The schema of the largest provider is about 60 MiB, and grows.
const MESSAGE_BYTES_MAX: usize = 256 << 20;
/// A process that is ending breaks its connection a moment before it is gone.
const END_PATIENCE: Duration = Duration::from_millis(500);
/// How long a provider may take to end by itself; that of Terraform.
const SHUTDOWN_PATIENCE: Duration = Duration::from_secs(2);
/// The call that ends any plugin.
const SHUTDOWN: &str = "/plugin.GRPCController/Shutdown";

impl Process {
    /// Calls, and waits for the answer however long that takes.
    pub(crate) async fn call<Q, A>(&self, method: Method, request: Q) -> Result<A, CallFailure>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let begun = Instant::now();
        let answer = self.unary(method.path(self.protocol), request).await;
        tracing::debug!(took_ms = begun.elapsed().as_millis(), is_answered = answer.is_ok(), "{method:?}");
        match answer {
            Ok(answer) => Ok(answer),
            Err(status) => Err(self.failure(method, &status).await),
        }
    }

    async fn unary<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let mut grpc = Grpc::new(self.channel.clone())
            .max_decoding_message_size(MESSAGE_BYTES_MAX)
            .max_encoding_message_size(MESSAGE_BYTES_MAX);
        grpc.ready().await.map_err(|error| Status::unavailable(error.to_string()))?;
        let path = PathAndQuery::from_static(path);
        let answer = grpc.unary(Request::new(request), path, ProstCodec::<Q, A>::default()).await?;
        Ok(answer.into_inner())
    }

    async fn failure(&self, method: Method, status: &Status) -> CallFailure {
        if status.code() == Code::Unimplemented {
            return CallFailure::Unknown(method);
        }
        if matches!(status.code(), Code::Unavailable | Code::Cancelled | Code::Unknown | Code::Internal)
            && let Some(ended) = self.life.ended(END_PATIENCE).await
        {
            let (ended, log) = (how_it_ended(Some(ended)), self.life.last_words());
            return CallFailure::Ended { method, ended, log };
        }
        let why = match status.message() {
            "" => format!("{:?}", status.code()),
            message => message.to_owned(),
        };
        CallFailure::Failed { method, why }
    }

    /// Asks it to end, and sees to it that it does.
    pub(crate) async fn shut_down(&self) {
        if !self.life.is_own() || self.life.is_over() {
            return;
        }
        let ending = async {
            // Whether it answers or is gone before it does is the same to us.
            let _ = self.unary::<_, Empty>(SHUTDOWN, Empty {}).await;
            self.life.ended(SHUTDOWN_PATIENCE).await
        };
        if !matches!(tokio::time::timeout(SHUTDOWN_PATIENCE, ending).await, Ok(Some(_))) {
            self.life.kill();
        }
    }
}
