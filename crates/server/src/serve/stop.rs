//! When a server ends: asked by a signal or a request, or with nothing to do.

use std::sync::Arc;
use std::time::Duration;

use tokio::signal::unix::{SignalKind, signal};

use crate::app::{App, now};

/// Ends when the server should.
pub(super) async fn asked(idle_exit: Option<Duration>, app: Arc<App>) {
    let (Ok(mut terminate), Ok(mut interrupt)) = (
        signal(SignalKind::terminate()),
        signal(SignalKind::interrupt()),
    ) else {
        return app.stop.notified().await;
    };
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
        () = app.stop.notified() => {}
        () = idle(idle_exit, &app) => tracing::info!("nothing to do; stopping"),
    }
}

/// Ends when there has been neither request nor run for long enough.
async fn idle(limit: Option<Duration>, app: &App) {
    let Some(limit) = limit else {
        return std::future::pending().await;
    };
    let limit_ms = i64::try_from(limit.as_millis()).unwrap_or(i64::MAX);
    let active = app.engine.active_runs();
    app.activity.touch();
    loop {
        tokio::time::sleep(limit.min(Duration::from_secs(5))).await;
        // A schedule that is enabled needs a server at its times.
        if *active.borrow() > 0 || app.workspace.schedules.enabled() > 0 {
            app.activity.touch();
        }
        let idle = app
            .activity
            .idle_since()
            .map(|since| now().as_millis() - since.as_millis());
        if idle.is_some_and(|idle| idle >= limit_ms) {
            return;
        }
    }
}
