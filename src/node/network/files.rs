//! Open files: each TCP connection takes one, and a system gives a program only so many.
//!
//! Systems give few at first and more to whoever asks (1,024 and 524,288 on most Linux machines), so a node asks for
//! all that it needs. What it does not get, it takes from the strangers' places: to run out of files would lose
//! connections of the trusted, or the store's own files.
//!
//! Never: fail; a node with few places is a node. Next: [`crate::behaviour::limits`] for the numbers.

use crate::behaviour::limits::{OTHER_FILES, STRANGERS};

/// Open files that a node wants: a place for each stranger, and all else.
const WANTED: usize = STRANGERS + OTHER_FILES;
/// However few files there are, so many strangers are taken.
const LEAST: usize = 16;

/// Raises this program's limit as far as it is needed and allowed, and says so where that is not enough.
#[cfg(target_os = "linux")]
pub(super) fn ask_for_enough() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let wanted = WANTED as u64;
    let is_enough = |given: Option<u64>| given.is_none_or(|given| given >= wanted);
    if !is_enough(limit.current) {
        let most = limit.maximum.map_or(wanted, |most| most.min(wanted));
        let raised = setrlimit(
            Resource::Nofile,
            Rlimit {
                current: Some(most),
                ..limit
            },
        );
        if let Err(error) = raised {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
    let given = getrlimit(Resource::Nofile).current;
    if !is_enough(given) {
        let (given, places) = (given.unwrap_or(wanted), strangers());
        tracing::warn!(
            "the system lets this node open {given} files, so {places} wallets find a place here instead of {STRANGERS}: \
             give it {WANTED}, with `LimitNOFILE={WANTED}` in its systemd unit or `ulimit -Hn {WANTED}` before it starts"
        );
    }
}

/// Elsewhere the system's own number has to do.
#[cfg(not(target_os = "linux"))]
pub(super) fn ask_for_enough() {}

/// Raises this program's limit by so many files for what is beside the network, as far as that is allowed; gives how many
/// there are.
#[cfg(target_os = "linux")]
pub(crate) fn ask_for_more(wanted: usize) -> usize {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let limit = getrlimit(Resource::Nofile);
    let all = (WANTED + wanted) as u64;
    if limit.current.is_some_and(|given| given < all) {
        let raised = Rlimit {
            current: Some(limit.maximum.map_or(all, |most| most.min(all))),
            ..limit
        };
        if let Err(error) = setrlimit(Resource::Nofile, raised) {
            tracing::debug!(%error, "the limit of open files stays as it is");
        }
    }
    beside(given(), wanted)
}

/// How many of so many wanted files there are, beside the network's.
#[cfg(target_os = "linux")]
fn beside(files: Option<u64>, wanted: usize) -> usize {
    let Some(files) = files else {
        return wanted;
    };
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    files.saturating_sub(WANTED).min(wanted)
}

/// Elsewhere the system's own number has to do.
#[cfg(not(target_os = "linux"))]
pub(crate) fn ask_for_more(wanted: usize) -> usize {
    wanted
}

/// How many strangers there are files for.
pub(super) fn strangers() -> usize {
    places(given())
}

#[cfg(target_os = "linux")]
fn given() -> Option<u64> {
    use rustix::process::{Resource, getrlimit};
    getrlimit(Resource::Nofile).current
}

#[cfg(not(target_os = "linux"))]
fn given() -> Option<u64> {
    None
}

fn places(files: Option<u64>) -> usize {
    let Some(files) = files else {
        return STRANGERS;
    };
    let files = usize::try_from(files).unwrap_or(usize::MAX);
    files.saturating_sub(OTHER_FILES).clamp(LEAST, STRANGERS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_files_take_places_from_strangers_and_never_all() {
        assert_eq!(places(None), STRANGERS);
        assert_eq!(places(Some(WANTED as u64)), STRANGERS);
        assert_eq!(places(Some(WANTED as u64 - 48)), STRANGERS - 48);
        assert_eq!(places(Some(256)), LEAST);
        assert_eq!(places(Some(u64::MAX)), STRANGERS);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn what_is_beside_the_network_gets_only_what_the_network_leaves() {
        assert_eq!(beside(None, 512), 512);
        assert_eq!(beside(Some(1_048_576), 512), 512);
        assert_eq!(beside(Some(WANTED as u64 + 9), 512), 9);
        assert_eq!(beside(Some(256), 512), 0);
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
        if most.is_none_or(|most| most >= WANTED as u64 + 512) {
            assert_eq!(ask_for_more(512), 512);
        }
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_node_gets_as_many_files_as_it_needs_where_the_system_allows_it() {
        use rustix::process::{Resource, getrlimit};
        ask_for_enough();
        let limit = getrlimit(Resource::Nofile);
        let possible = limit.maximum.unwrap_or(u64::MAX).min(WANTED as u64);
        assert!(limit.current.unwrap_or(u64::MAX) >= possible);
    }
}
