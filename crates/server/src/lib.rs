//! The REST server: routes, access, and the conversion between the wire and the engine.
//!
//! Handlers are thin: they check what came, ask the engine or the database, and convert the
//! answer. Nothing is scheduled or decided here. The router and the OpenAPI document come from
//! one list, [`routes`], so that they cannot differ.

mod access;
mod app;
mod convert;
mod error;
mod limits;
mod listen;
mod lock;
mod published;
mod retention;
mod routes;
mod schedules;
mod sdk;
mod serve;
mod tls;

pub use limits::Limits;
pub use routes::openapi;
pub use serve::{Endpoint, Mode, ServeConfig, ServeError, serve};
pub use tls::{TlsError, TlsFiles};
