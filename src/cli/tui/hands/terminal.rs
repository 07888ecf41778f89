//! The terminal: taken whole, and given back as it was, however the program ends.
//!
//! Given back by dropping [`Screen`], by a panic of any thread (before its message is printed), and on the signals that
//! the loop hears. What cannot be given back is a terminal whose program was killed outright: `reset` helps then.

use std::io::{self, IsTerminal as _, Stdout};
use std::sync::Once;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ratatui::Terminal;
use ratatui::backend::CrosstermBackend;
use ratatui::crossterm::cursor::Show;
use ratatui::crossterm::event::{
    self, DisableBracketedPaste, EnableBracketedPaste, KeyCode, KeyEventKind, KeyModifiers,
};
use ratatui::crossterm::execute;
use ratatui::crossterm::terminal::{
    self, EnterAlternateScreen, LeaveAlternateScreen, disable_raw_mode, enable_raw_mode,
};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use crate::cli::context::Context;
use crate::cli::failure::{Exit, Failure};
use crate::cli::log;
use crate::cli::output;
use crate::cli::tui::core::model::{Look, Model};
use crate::cli::tui::core::{Event, Key};
use crate::cli::tui::view;

/// How long the thread that reads keys waits before it looks whether it is still wanted.
const LOOK: Duration = Duration::from_millis(100);
/// Keys that wait: more than anybody types while a frame is drawn. Paste comes as one.
const KEYS: usize = 64;

/// Whether the terminal is ours.
static IS_TAKEN: AtomicBool = AtomicBool::new(false);
/// Whether a thread has panicked since.
static HAS_PANICKED: AtomicBool = AtomicBool::new(false);
static HOOK: Once = Once::new();

/// Whether screens can be drawn here, and how.
///
/// # Errors
/// `terminal_needed`, `terminal_too_plain`.
pub fn fit(context: &Context) -> Result<Look, Failure> {
    let is_terminal = io::stdin().is_terminal() && io::stdout().is_terminal();
    if context.output.is_json() || !is_terminal {
        return Err(Failure::new(
            Exit::Usage,
            "terminal_needed",
            "the wallet's screens need a terminal to be shown on and typed in",
            "run `natcoin wallet` in a terminal; in scripts use `natcoin wallet shell`, or a command of `natcoin wallet --help`",
        ));
    }
    let term = std::env::var("TERM").unwrap_or_default();
    if cfg!(unix) && (term.is_empty() || term == "dumb") {
        return Err(Failure::new(
            Exit::Usage,
            "terminal_too_plain",
            format!("a terminal of the kind {term:?} cannot show screens"),
            "use `natcoin wallet shell`, or set TERM to what your terminal is, such as xterm-256color",
        ));
    }
    Ok(Look {
        coloured: output::colours_are_welcome(),
        unicode: output::is_unicode_welcome(),
    })
}

/// The whole terminal; given back when dropped.
pub struct Screen(Terminal<CrosstermBackend<Stdout>>);

impl Screen {
    /// Takes the terminal.
    ///
    /// # Errors
    /// What the system says.
    pub fn take() -> Result<Self, Failure> {
        let failed = |error: io::Error| Failure::io("take the terminal", &error);
        HOOK.call_once(|| {
            let before = std::panic::take_hook();
            std::panic::set_hook(Box::new(move |panic| {
                HAS_PANICKED.store(true, Ordering::SeqCst);
                give_back();
                before(panic);
            }));
        });
        enable_raw_mode().map_err(failed)?;
        IS_TAKEN.store(true, Ordering::SeqCst);
        log::hush(true);
        let taken = execute!(io::stdout(), EnterAlternateScreen, EnableBracketedPaste)
            .and_then(|()| Terminal::new(CrosstermBackend::new(io::stdout())))
            .and_then(|mut terminal| terminal.clear().map(|()| terminal));
        match taken {
            Ok(terminal) => Ok(Self(terminal)),
            Err(error) => {
                give_back();
                Err(failed(error))
            }
        }
    }

    /// Draws the model.
    ///
    /// # Errors
    /// If the terminal has gone.
    pub fn draw(&mut self, model: &Model) -> Result<(), Failure> {
        let drawn = self.0.draw(|frame| view::draw(frame, model));
        drawn
            .map(drop)
            .map_err(|error| Failure::io("draw on the terminal", &error))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        give_back();
    }
}

/// Whether a thread has panicked while the terminal was ours.
pub fn has_panicked() -> bool {
    HAS_PANICKED.load(Ordering::SeqCst)
}

/// How large the terminal is.
pub fn size() -> (u16, u16) {
    terminal::size().unwrap_or((0, 0))
}

/// Gives the terminal back, once.
fn give_back() {
    if IS_TAKEN.swap(false, Ordering::SeqCst) {
        // Whoever has closed the terminal does not miss it.
        let _ = execute!(
            io::stdout(),
            DisableBracketedPaste,
            LeaveAlternateScreen,
            Show
        );
        let _ = disable_raw_mode();
        log::hush(false);
    }
}

/// What is typed, read by a thread of its own; it ends soon after what is returned was dropped.
///
/// # Errors
/// If no thread can be started.
pub fn keys() -> Result<mpsc::Receiver<Event>, Failure> {
    let (tell, typed) = mpsc::channel(KEYS);
    let read = move || {
        while !tell.is_closed() {
            match event::poll(LOOK) {
                Ok(false) => continue,
                Ok(true) => {}
                Err(_) => return,
            }
            let Ok(event) = event::read() else {
                return;
            };
            if let Some(event) = translated(event)
                && tell.blocking_send(event).is_err()
            {
                return;
            }
        }
    };
    let started = std::thread::Builder::new()
        .name("keys".to_owned())
        .spawn(read);
    started.map_err(|error| Failure::io("start a thread", &error))?;
    Ok(typed)
}

fn translated(event: event::Event) -> Option<Event> {
    match event {
        event::Event::Key(key) if key.kind != KeyEventKind::Release => {
            let is_control = key.modifiers.contains(KeyModifiers::CONTROL);
            let key = match key.code {
                KeyCode::Char(c) if is_control => Key::Ctrl(c.to_ascii_lowercase()),
                KeyCode::Char(c) => Key::Char(c),
                KeyCode::F(number) => Key::F(number),
                KeyCode::Enter => Key::Enter,
                KeyCode::Esc => Key::Esc,
                KeyCode::Tab => Key::Tab,
                KeyCode::BackTab => Key::BackTab,
                KeyCode::Up => Key::Up,
                KeyCode::Down => Key::Down,
                KeyCode::Left => Key::Left,
                KeyCode::Right => Key::Right,
                KeyCode::Home => Key::Home,
                KeyCode::End => Key::End,
                KeyCode::PageUp => Key::PageUp,
                KeyCode::PageDown => Key::PageDown,
                KeyCode::Backspace => Key::Backspace,
                KeyCode::Delete => Key::Delete,
                _ => return None,
            };
            Some(Event::Key(key))
        }
        event::Event::Paste(text) => Some(Event::Pasted(Zeroizing::new(text))),
        event::Event::Resize(width, height) => Some(Event::Resized(width, height)),
        _ => None,
    }
}
