//! Why a node does not start or has ended, as far as its owner can act on it.

use super::NodeError;
use crate::node::network::NetworkError;
use crate::store::StoreError;

/// The kinds of [`NodeError`] that ask for different steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Another process holds the home.
    HomeInUse,
    /// Another program holds a port.
    PortInUse,
    /// An address cannot be listened on.
    CannotListen,
    /// The disk is full.
    DiskFull,
    /// The disk failed, or cannot be read.
    DiskFailed,
    /// The store does not hold what was written.
    StoreDamaged,
    /// The store is of another network.
    OtherNetwork,
    /// A newer program wrote the store.
    NewerVersion,
    /// The store was written by an earlier version, in a way that is not read any more.
    EarlierVersion,
    /// A development key where strangers could reach it.
    DevelopmentKey,
    /// A mistake of this program, or a lie that it must not go on with.
    Unsound,
}

impl NodeError {
    /// The kind of the error.
    pub fn cause(&self) -> Cause {
        match self {
            Self::Store(error) => of_store(error),
            Self::Start(_) => Cause::StoreDamaged,
            Self::Network(NetworkError::AddressInUse { .. }) => Cause::PortInUse,
            Self::Network(NetworkError::Listen { .. }) => Cause::CannotListen,
            Self::DevelopmentKey(_) => Cause::DevelopmentKey,
            Self::Evidence { .. } => Cause::DiskFailed,
            Self::Network(_)
            | Self::Behaviour(_)
            | Self::Halt(_)
            | Self::Checkpoint
            | Self::Check(_)
            | Self::Thread(_) => Cause::Unsound,
        }
    }
}

fn of_store(error: &StoreError) -> Cause {
    match error {
        StoreError::Fault(fault) if fault.is_disk_full() => Cause::DiskFull,
        StoreError::Fault(_) | StoreError::Unreadable { .. } => Cause::DiskFailed,
        StoreError::InUse { .. } => Cause::HomeInUse,
        StoreError::ForeignGenesis { .. } => Cause::OtherNetwork,
        StoreError::NewerVersion { .. } => Cause::NewerVersion,
        StoreError::Superseded { .. } => Cause::EarlierVersion,
        StoreError::Damaged { .. } | StoreError::GuardMissing { .. } => Cause::StoreDamaged,
        _ => Cause::Unsound,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Fault;
    use std::io::ErrorKind;

    #[test]
    fn a_full_or_failing_disk_is_told_with_its_next_step() {
        for (kind, cause, step) in [
            (ErrorKind::StorageFull, Cause::DiskFull, "; free space"),
            (ErrorKind::QuotaExceeded, Cause::DiskFull, "; free space"),
            (
                ErrorKind::ReadOnlyFilesystem,
                Cause::DiskFailed,
                "; make it writable",
            ),
            (ErrorKind::Other, Cause::DiskFailed, "; check the disk"),
        ] {
            let fault = Fault {
                file: "wal.log".to_owned(),
                operation: "write",
                cause: "the system refuses".to_owned(),
                kind,
            };
            let error = NodeError::from(StoreError::from(fault));
            assert_eq!(error.cause(), cause);
            let text = error.to_string();
            assert!(text.contains("wal.log") && text.contains(step), "{text}");
        }
    }
}
