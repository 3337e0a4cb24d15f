//! A connection whose client does not take its answers is closed.
//!
//! What counts is the time that writing has to wait, all pauses of a connection together; each byte
//! that is taken earns some of it back, at the rate that bodies must have as well. A client that
//! reads at that rate is never closed, and one that reads nothing holds its place no longer than the
//! grace.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

/// A stream that gives up on a client that takes nothing.
pub(crate) struct Unstalled<S> {
    stream: S,
    grace: Duration,
    /// In bytes a second.
    rate: u64,
    /// How long writing has waited so far, less what was earned.
    waited: Duration,
    stall: Option<(Instant, Pin<Box<Sleep>>)>,
}

impl<S> Unstalled<S> {
    pub(crate) fn new(stream: S, grace: Duration, rate: u64) -> Self {
        Self {
            stream,
            grace,
            rate: rate.max(1),
            waited: Duration::ZERO,
            stall: None,
        }
    }

    fn judge<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
        bytes: impl FnOnce(&T) -> usize,
    ) -> Poll<io::Result<T>> {
        if let Poll::Ready(result) = polled {
            if let Some((since, _)) = self.stall.take() {
                self.waited += since.elapsed();
            }
            let taken = result.as_ref().map_or(0, bytes);
            let earned = Duration::from_millis(taken as u64 * 1_000 / self.rate);
            self.waited = self.waited.saturating_sub(earned);
            return Poll::Ready(result);
        }
        let left = self.grace.saturating_sub(self.waited);
        let (_, end) = self.stall.get_or_insert_with(|| {
            let now = Instant::now();
            (now, Box::pin(sleep_until(now + left)))
        });
        ready!(end.as_mut().poll(cx));
        let text = "the client does not take its answer";
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, text)))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Unstalled<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Unstalled<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.judge(cx, polled, |written| *written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.judge(cx, polled, |written| *written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.judge(cx, polled, |()| 0)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_shutdown(cx);
        self.judge(cx, polled, |()| 0)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, duplex};

    use super::*;

    #[tokio::test]
    async fn a_client_that_takes_nothing_is_given_up_and_one_that_reads_is_not() {
        let (ours, theirs) = duplex(1_000);
        let mut stalled = Unstalled::new(ours, Duration::from_millis(50), 1_000);
        let error = stalled.write_all(&[0; 5_000]).await;
        let error = error.expect_err("nobody reads");
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
        drop(theirs);

        let (ours, mut theirs) = duplex(1_000);
        let mut read = Unstalled::new(ours, Duration::from_secs(60), 1);
        let reading = tokio::spawn(async move {
            let mut all = Vec::new();
            theirs.read_to_end(&mut all).await.expect("read");
            all.len()
        });
        read.write_all(&[0; 100_000]).await.expect("it is taken");
        drop(read);
        assert_eq!(reading.await.expect("all of it"), 100_000);
    }

    #[tokio::test]
    async fn a_byte_now_and_then_earns_no_more_than_its_worth() {
        let (ours, mut theirs) = duplex(1_000);
        // Each byte earns a thousandth of the grace.
        let mut dripped = Unstalled::new(ours, Duration::from_millis(200), 5_000);
        let reading = tokio::spawn(async move {
            let mut byte = [0; 1];
            while theirs.read_exact(&mut byte).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        dripped.write_all(&[0; 5_000]).await.expect_err("too slow");
        drop(dripped);
        reading.abort();
    }
}
