//! Panics of what is simulated: kept as words with their place, and not printed.
//!
//! A panic within a seed is a finding about that seed, not about this program; ten thousand seeds on all cores must not
//! write over each other on the terminal. Other threads' panics are shown as ever.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, PanicHookInfo, catch_unwind, set_hook, take_hook};
use std::sync::Once;

thread_local! {
    /// What this thread's last panic said, while it is inside [`catch`].
    static WORDS: RefCell<Option<String>> = const { RefCell::new(None) };
}

static HOOK: Once = Once::new();

/// Does the work; a panic becomes its words and its place.
///
/// # Errors
/// If the work panics.
pub(super) fn catch<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let usual = take_hook();
        set_hook(Box::new(move |info| {
            if !keep(info) {
                usual(info);
            }
        }));
    });
    WORDS.set(Some(String::new()));
    let done = catch_unwind(AssertUnwindSafe(work));
    let words = WORDS.take().unwrap_or_default();
    done.map_err(|_| words)
}

/// Keeps what a panic says, if its thread is inside [`catch`].
fn keep(info: &PanicHookInfo<'_>) -> bool {
    WORDS.with_borrow_mut(|words| match words {
        Some(words) => {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            let place = info.location().map(ToString::to_string);
            *words = format!(
                "{} (at {})",
                text.unwrap_or("a panic without words"),
                place.as_deref().unwrap_or("an unknown place")
            );
            true
        }
        None => false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_is_kept_with_its_words_and_its_place() {
        let number = 7;
        let words = catch(|| panic!("seven is {number}")).unwrap_err();
        assert!(words.starts_with("seven is 7 (at "), "{words}");
        assert!(words.contains("panics.rs:"), "{words}");
        let words = catch(|| std::panic::panic_any(5)).unwrap_err();
        assert!(words.starts_with("a panic without words (at "), "{words}");
        assert_eq!(catch(|| 5), Ok(5));
    }

    #[test]
    fn a_panic_that_was_caught_within_is_not_the_works_own() {
        let done = catch(|| {
            let inner = catch_unwind(|| panic!("contained"));
            inner.is_err()
        });
        assert_eq!(done, Ok(true));
    }
}
