//! The wish to end: Ctrl-C, on Unix also SIGTERM, and where it is asked for a standard input that closes.

use std::io::{ErrorKind, Read as _};
use std::thread;

use tokio::sync::oneshot;

use super::failure::Failure;

/// Signals that are listened for from now on: made before anything is started, so that none is missed.
#[derive(Debug)]
pub struct Signals {
    #[cfg(unix)]
    interrupt: tokio::signal::unix::Signal,
    #[cfg(unix)]
    terminate: tokio::signal::unix::Signal,
    /// Comes when standard input has closed, if that is heeded.
    stdin: Option<oneshot::Receiver<()>>,
}

impl Signals {
    /// Begins to listen.
    ///
    /// # Errors
    /// If the system refuses.
    pub fn new() -> Result<Self, Failure> {
        #[cfg(unix)]
        {
            use tokio::signal::unix::{SignalKind, signal};
            let listen =
                |kind| signal(kind).map_err(|error| Failure::io("listen for signals", &error));
            Ok(Self {
                interrupt: listen(SignalKind::interrupt())?,
                terminate: listen(SignalKind::terminate())?,
                stdin: None,
            })
        }
        #[cfg(not(unix))]
        Ok(Self { stdin: None })
    }

    /// From now on the end of standard input is a wish to end, too. What it says is read and left aside.
    ///
    /// # Errors
    /// If no thread can be started.
    pub fn heed_stdin(&mut self) -> Result<(), Failure> {
        let (tell, closed) = oneshot::channel();
        // A thread of its own: the runtime would wait for one of its own that reads for ever.
        let read = move || {
            let mut some = [0; 256];
            let mut stdin = std::io::stdin().lock();
            loop {
                match stdin.read(&mut some) {
                    Err(error) if error.kind() == ErrorKind::Interrupted => {}
                    Ok(0) | Err(_) => break,
                    Ok(_) => {}
                }
            }
            // Nobody listens any more when the program ends already.
            let _ = tell.send(());
        };
        let started = thread::Builder::new().name("stdin".to_owned()).spawn(read);
        started.map_err(|error| Failure::io("start a thread", &error))?;
        self.stdin = Some(closed);
        Ok(())
    }

    /// Waits for the wish to end.
    pub async fn end(&mut self) {
        #[cfg(unix)]
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            () = closed(&mut self.stdin) => {}
        }
        #[cfg(not(unix))]
        tokio::select! {
            heard = tokio::signal::ctrl_c() => if heard.is_err() {
                // Without a way to hear Ctrl-C the system's own end of the process remains.
                closed(&mut self.stdin).await;
            },
            () = closed(&mut self.stdin) => {}
        }
    }
}

/// Waits until standard input has closed; for ever if that is not heeded. It is told once.
async fn closed(stdin: &mut Option<oneshot::Receiver<()>>) {
    match stdin {
        Some(told) => {
            // A reader that is gone has read to the end.
            let _ = told.await;
            *stdin = None;
        }
        None => std::future::pending().await,
    }
}
