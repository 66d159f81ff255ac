//! The agent's HTTP API: `GET` and `POST /v1/commands/`, over TLS.

use std::convert::Infallible;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::{Method, Request, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsAcceptor;

use super::Ramdisk;
use crate::net::TcpListener;
use crate::wire::ipa::{Command, CommandResult, CommandStatus};

/// An answer; none closes the connection instead.
type Answer = Option<(u16, Value)>;

impl Ramdisk {
    pub(super) async fn accept(self: Arc<Self>, listener: TcpListener, acceptor: Option<TlsAcceptor>) {
        while let Ok((stream, _)) = listener.accept().await {
            let (ramdisk, acceptor) = (self.clone(), acceptor.clone());
            let connection = async move {
                match acceptor {
                    None => ramdisk.converse(stream).await,
                    Some(acceptor) => match acceptor.accept(stream).await {
                        Ok(stream) => ramdisk.converse(stream).await,
                        Err(error) => tracing::debug!(%error, "simulated agent: no TLS"),
                    },
                }
            };
            self.tasks.spawn(self.stop.clone().run_until_cancelled_owned(connection));
        }
    }

    async fn converse(self: Arc<Self>, stream: impl AsyncRead + AsyncWrite + Unpin) {
        let lost = Arc::new(tokio::sync::Notify::new());
        let service = hyper::service::service_fn(|request| {
            let (ramdisk, lost) = (self.clone(), lost.clone());
            async move {
                match ramdisk.respond(request).await {
                    Some(response) => Ok::<_, Infallible>(response),
                    None => {
                        // The connection ends below before this could be answered.
                        lost.notify_one();
                        std::future::pending().await
                    }
                }
            }
        });
        let connection = hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        tokio::select! {
            biased;
            () = lost.notified() => {}
            ended = connection => if let Err(error) = ended { tracing::debug!(%error, "simulated agent: connection") },
        }
    }

    async fn respond(self: &Arc<Self>, request: Request<Incoming>) -> Option<Response<Full<Bytes>>> {
        let (status, body) = self.route(request).await?;
        let garbage = self.faults.takes(|knobs| &mut knobs.garbage_answers);
        let text = if garbage { "<html>\u{0}not what you think".to_owned() } else { body.to_string() };
        let mut response = Response::new(Full::new(Bytes::from(text)));
        *response.status_mut() = hyper::StatusCode::from_u16(status).unwrap_or_default();
        Some(response)
    }

    async fn route(self: &Arc<Self>, request: Request<Incoming>) -> Answer {
        let query = request.uri().query().unwrap_or_default().to_owned();
        let parameter = |name: &str| {
            let value = query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))?;
            Some(percent_encoding::percent_decode_str(value).decode_utf8_lossy())
        };
        let path = request.uri().path().trim_start_matches("/v1").to_owned();
        let (method, commands) = (request.method().clone(), path.starts_with("/commands"));
        if commands && (parameter("agent_token").as_deref() != self.state().token.as_deref()) {
            return fault(401, "Token invalid.");
        }
        match (method, path.as_str()) {
            (Method::GET, "/status") => Some((200, json!({"started_at": 0, "version": "13.0.0"}))),
            (Method::GET, "/commands/") => Some((200, json!({"commands": self.listed()}))),
            (Method::GET, path) if path.starts_with("/commands/") => {
                let id = path.trim_start_matches("/commands/").to_owned();
                match self.state().commands.iter().find(|command| command.id == id) {
                    Some(command) => Some((200, json!(command))),
                    None => fault(404, "Command not found"),
                }
            }
            (Method::POST, "/commands/") => self.post(request, parameter("wait").as_deref() == Some("true")).await,
            _ => fault(404, "The requested URL was not found."),
        }
    }

    async fn post(self: &Arc<Self>, request: Request<Incoming>, wait: bool) -> Answer {
        // A config drive of 64 MiB is a command of 90.
        let Ok(body) = Limited::new(request.into_body(), 128 << 20).collect().await else {
            return fault(400, "the body did not arrive");
        };
        let Ok(command) = serde_json::from_slice::<Command>(&body.to_bytes()) else {
            return fault(400, "Missing or invalid name or params");
        };
        if self.faults.takes(|knobs| &mut knobs.busy_answers) {
            return fault(409, "Agent is busy: executing command execute_deploy_step");
        }
        if command.name == "log.collect_system_logs" && self.faults.logs_hang() {
            return std::future::pending().await;
        }
        let done = self.execute(command, wait).await;
        if self.faults.takes(|knobs| &mut knobs.lost_answers) {
            return None;
        }
        match done {
            Ok(result) => Some((200, json!(result))),
            Err((status, text)) => fault(status, &text),
        }
    }

    /// The commands as they are, or as a fault makes them look.
    fn listed(&self) -> Vec<CommandResult> {
        let mut commands = self.state().commands.clone();
        if self.faults.takes(|knobs| &mut knobs.late_results)
            && let Some(last) = commands.last_mut()
        {
            last.command_status = CommandStatus::Running;
            (last.command_result, last.command_error) = (None, None);
        }
        if self.faults.takes(|knobs| &mut knobs.foreign_results) {
            commands.push(CommandResult {
                id: self.world.random.uuid().to_string(),
                command_name: "execute_clean_step".into(),
                command_status: CommandStatus::Succeeded,
                command_result: Some(
                    json!({"clean_result": null, "clean_step": {"step": "burnin_cpu", "interface": "deploy"}}),
                ),
                ..Default::default()
            });
        }
        commands
    }
}

fn fault(status: u16, text: &str) -> Answer {
    let code = if status >= 500 { "Server" } else { "Client" };
    Some((status, json!({"faultcode": code, "faultstring": text})))
}
