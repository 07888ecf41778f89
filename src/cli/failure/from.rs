//! Codes and exit codes of the rooms' errors.

use super::{Exit, Failure};
use crate::api::WindowError;
use crate::chain::amount::AmountError;
use crate::chain::genesis::GenesisError;
use crate::chain::hash::HashError;
use crate::chain::key::AddressError;
use crate::chain::name::NameError;
use crate::chain::query::{AnswerError, Unavailable};
use crate::chain::rules::Rejection;
use crate::chain::transaction::MemoTooLong;
use crate::directory::address::AddressFault;
use crate::directory::bootstrap::BootstrapError;
use crate::directory::development::DevelopmentKeyExposed;
use crate::directory::invite::InviteError;
use crate::node::bench::BenchError;
use crate::node::devnet::DevnetError;
use crate::node::home::HomeError;
use crate::node::inquiry::InquiryError;
use crate::node::network::{NetworkError, RequestError};
use crate::node::profile::ProfileError;
use crate::node::runner::{Cause, NodeError};
use crate::node::welcome::WelcomeError;
use crate::sim::{NoThread, PlanError, UnknownProfile};
use crate::wallet::contacts::ContactError;
use crate::wallet::dealings::machine::ActError;
use crate::wallet::journal::JournalError;
use crate::wallet::memo::SealRefusal;
use crate::wallet::receipt::ReceiptError;
use crate::wallet::vault::VaultError;
use crate::wallet::voucher::CodeError;

const ORIGINAL_FILE: &str = "get the network's bootstrap.toml again from somebody you trust";

impl From<SealRefusal> for Failure {
    fn from(refusal: SealRefusal) -> Self {
        let (exit, code) = match refusal {
            SealRefusal::TooLong { .. } => (Exit::Usage, "memo_too_long"),
            SealRefusal::WeakKey { .. } => (Exit::Rejected, "weak_key"),
        };
        Self::of(exit, code, &refusal, "say less, or say it in public")
    }
}

impl From<CodeError> for Failure {
    fn from(error: CodeError) -> Self {
        let code = match error {
            CodeError::Malformed { .. } => "voucher_invalid",
            CodeError::OtherNetwork { .. } => "other_network",
        };
        Self::of(Exit::Usage, code, &error, "copy the code again")
    }
}

impl From<InviteError> for Failure {
    fn from(error: InviteError) -> Self {
        Self::of(
            Exit::Usage,
            "invite_invalid",
            &error,
            "copy the invite again",
        )
    }
}

impl From<WelcomeError> for Failure {
    fn from(error: WelcomeError) -> Self {
        let (exit, code) = match error {
            WelcomeError::NoNode { .. } => (Exit::Unreachable, "no_node_reachable"),
            WelcomeError::NotTheFile { .. } => (Exit::Rejected, "invite_stale"),
            WelcomeError::Behaviour(_) => (Exit::Usage, "invite_invalid"),
            WelcomeError::Network(error) => return error.into(),
        };
        Self::of(exit, code, &error, "ask who invited you for a newer invite")
    }
}

impl From<ContactError> for Failure {
    fn from(error: ContactError) -> Self {
        let hint = "choose another label, or remove a contact";
        Self::of(Exit::Usage, "contact_refused", &error, hint)
    }
}

impl From<ActError> for Failure {
    fn from(error: ActError) -> Self {
        let code = match error {
            ActError::Seal(refusal) => return refusal.into(),
            ActError::UnknownRequest(_) => "request_unknown",
            ActError::UnknownPayment(_) => "payment_unknown",
            ActError::Settled(_) => "request_settled",
            ActError::OtherPayment { .. } => "other_payment",
            ActError::Refused(_) => "refused",
        };
        let hint = "see `natcoin wallet dealings`";
        Self::of(Exit::Rejected, code, &error, hint)
    }
}

impl From<BootstrapError> for Failure {
    fn from(error: BootstrapError) -> Self {
        let code = match &error {
            BootstrapError::HashMismatch { .. } => "genesis_changed",
            BootstrapError::DevelopmentKey { .. } => "development_key_exposed",
            BootstrapError::SignatureMalformed { .. }
            | BootstrapError::SignatureOfOther { .. }
            | BootstrapError::SignatureMissing(_)
            | BootstrapError::SignatureWrong(_) => "founders_signature_wrong",
            _ => "bootstrap_invalid",
        };
        Self::of(Exit::Usage, code, &error, ORIGINAL_FILE)
    }
}

impl From<HomeError> for Failure {
    fn from(error: HomeError) -> Self {
        let (exit, code) = match &error {
            HomeError::Bootstrap { path, error } => {
                let inner = Self::from((**error).clone());
                let message = format!("{}: {}", path.display(), inner.message);
                return Self { message, ..inner };
            }
            HomeError::NotAHome { .. } => (Exit::Usage, "home_missing"),
            HomeError::NotEmpty { .. } => (Exit::Usage, "folder_not_empty"),
            HomeError::Unfinished { .. } => (Exit::Locked, "founding_unfinished"),
            HomeError::NothingPending { .. } => (Exit::Usage, "nothing_to_finish"),
            HomeError::SignedAnother { .. } => (Exit::Locked, "signed_another"),
            HomeError::NotInDraft { .. } => (Exit::Usage, "not_in_draft"),
            HomeError::NotSigned => (Exit::Usage, "not_signed"),
            HomeError::Config { .. } | HomeError::Key { .. } => (Exit::Usage, "home_invalid"),
            HomeError::OtherKey { .. } => (Exit::Usage, "other_key"),
            HomeError::OtherNetwork { .. } => (Exit::Usage, "other_network"),
            HomeError::DevelopmentKey(_) => (Exit::Usage, "development_key_exposed"),
            HomeError::NodeCount(_) => (Exit::Usage, "node_count"),
            HomeError::TooLarge { .. } | HomeError::NotText { .. } => (Exit::Usage, "file_invalid"),
            HomeError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound => {
                (Exit::Usage, "file_missing")
            }
            HomeError::Io { .. } => (Exit::Unexpected, "io"),
        };
        let hint = match &error {
            HomeError::NodeCount(_) => "choose another number with --nodes",
            _ => "check the path that you gave",
        };
        Self::of(exit, code, &error, hint)
    }
}

impl From<ProfileError> for Failure {
    fn from(error: ProfileError) -> Self {
        let (exit, code) = match &error {
            ProfileError::BadName { .. } => (Exit::Usage, "profile_invalid"),
            ProfileError::NoHome => (Exit::Usage, "no_data_dir"),
            ProfileError::NoWallet { .. } => (Exit::Usage, "wallet_missing"),
            ProfileError::AlreadyThere { .. } => (Exit::Usage, "wallet_exists"),
            ProfileError::InUse { .. } => (Exit::Locked, "wallet_in_use"),
            ProfileError::TooLarge { .. } => (Exit::Unexpected, "file_invalid"),
            ProfileError::Seen { .. } => (Exit::Unexpected, "seen_damaged"),
            ProfileError::Journal { .. } => (Exit::Unexpected, "journal_damaged"),
            ProfileError::Dealings { .. } => (Exit::Unexpected, "dealings_damaged"),
            ProfileError::Contacts { .. } => (Exit::Unexpected, "contacts_damaged"),
            ProfileError::Io { .. } => (Exit::Unexpected, "io"),
        };
        Self::of(exit, code, &error, "name a wallet with --profile")
    }
}

impl From<VaultError> for Failure {
    fn from(error: VaultError) -> Self {
        let (exit, code) = match &error {
            VaultError::WrongPassword => (Exit::Locked, "password_wrong"),
            VaultError::PasswordTooShort { .. } => (Exit::Usage, "password_too_short"),
            VaultError::PasswordTooLong { .. } => (Exit::Usage, "password_too_long"),
            VaultError::WordsTooLong { .. }
            | VaultError::WordCount { .. }
            | VaultError::UnknownWord { .. }
            | VaultError::WordChecksum => (Exit::Usage, "words_wrong"),
            VaultError::OutOfMemory { .. } => (Exit::Unexpected, "out_of_memory"),
            VaultError::TooLarge { .. }
            | VaultError::Malformed { .. }
            | VaultError::UnknownVersion { .. }
            | VaultError::Limit { .. } => (Exit::Unexpected, "keystore_damaged"),
        };
        Self::of(
            exit,
            code,
            &error,
            "restore the wallet from its twelve words",
        )
    }
}

impl From<NodeError> for Failure {
    fn from(error: NodeError) -> Self {
        let (exit, code) = match error.cause() {
            Cause::HomeInUse => (Exit::Locked, "home_in_use"),
            Cause::PortInUse => (Exit::Locked, "port_in_use"),
            Cause::CannotListen => (Exit::Usage, "cannot_listen"),
            Cause::DiskFull => (Exit::Unexpected, "disk_full"),
            Cause::DiskFailed => (Exit::Unexpected, "disk_failed"),
            Cause::StoreDamaged => (Exit::Unexpected, "store_damaged"),
            Cause::OtherNetwork => (Exit::Usage, "other_network"),
            Cause::NewerVersion => (Exit::Usage, "newer_version"),
            Cause::EarlierVersion => (Exit::Usage, "earlier_version"),
            Cause::DevelopmentKey => (Exit::Usage, "development_key_exposed"),
            Cause::Unsound => (Exit::Unexpected, "unexpected"),
        };
        Self::of(
            exit,
            code,
            &error,
            "see the message; the node's data is kept as it is",
        )
    }
}

impl From<InquiryError> for Failure {
    fn from(error: InquiryError) -> Self {
        let (exit, code) = match error {
            InquiryError::Network(error) => return error.into(),
            InquiryError::NotRunning { .. } => (Exit::Unreachable, "node_not_running"),
            InquiryError::Doubtful { .. } => (Exit::Unreachable, "answer_not_proven"),
            InquiryError::Behaviour(_) => (Exit::Usage, "bootstrap_invalid"),
        };
        Self::of(exit, code, &error, ORIGINAL_FILE)
    }
}

impl From<ReceiptError> for Failure {
    fn from(error: ReceiptError) -> Self {
        let (exit, code) = match &error {
            ReceiptError::TooLarge { .. }
            | ReceiptError::NotAReceipt(_)
            | ReceiptError::Malformed { .. } => (Exit::Usage, "receipt_invalid"),
            ReceiptError::Version(_) => (Exit::Usage, "newer_version"),
            ReceiptError::OtherNetwork { .. } => (Exit::Usage, "other_network"),
            ReceiptError::Changed { .. } => (Exit::Rejected, "receipt_changed"),
            ReceiptError::Unproven(_) => (Exit::Rejected, "receipt_not_proven"),
        };
        Self::of(exit, code, &error, "ask for the file again")
    }
}

impl From<WindowError> for Failure {
    fn from(error: WindowError) -> Self {
        let (exit, code) = match error {
            WindowError::InUse(_) => (Exit::Locked, "port_in_use"),
            WindowError::CannotListen { .. } => (Exit::Usage, "cannot_listen"),
            WindowError::Thread(_) => (Exit::Unexpected, "thread_refused"),
        };
        Self::of(exit, code, &error, "name another address with --http")
    }
}

impl From<DevnetError> for Failure {
    fn from(error: DevnetError) -> Self {
        let (exit, code) = match error {
            DevnetError::Home(error) => return error.into(),
            DevnetError::Profile(error) => return error.into(),
            DevnetError::Vault(error) => return error.into(),
            DevnetError::Node(error) => return error.into(),
            DevnetError::Count { .. } => (Exit::Usage, "count_invalid"),
            DevnetError::NotADevnet(_) => (Exit::Usage, "folder_not_empty"),
            DevnetError::NoPorts(_) => (Exit::Locked, "port_in_use"),
            DevnetError::Password { .. } => (Exit::Unexpected, "io"),
        };
        Self::of(exit, code, &error, "choose another number")
    }
}

impl From<BenchError> for Failure {
    fn from(error: BenchError) -> Self {
        let (exit, code) = match error {
            BenchError::Ports(error) => return error.into(),
            BenchError::Home(error) => return error.into(),
            BenchError::Node(error) => return error.into(),
            BenchError::Network(error) => return error.into(),
            BenchError::NotEmpty(_) => (Exit::Usage, "folder_not_empty"),
            BenchError::Ended => (Exit::Unexpected, "aborted"),
            BenchError::Connections { .. } => (Exit::Unreachable, "no_node_reachable"),
            BenchError::Process { .. } => (Exit::Unexpected, "node_failed"),
            BenchError::Thread(_) => (Exit::Unexpected, "thread_refused"),
            BenchError::Genesis(_)
            | BenchError::Unproven(_)
            | BenchError::Observer
            | BenchError::Signature => (Exit::Unexpected, "internal"),
        };
        Self::of(exit, code, &error, "run it again")
    }
}

impl From<PlanError> for Failure {
    fn from(error: PlanError) -> Self {
        let PlanError::Count { what, least, .. } = &error;
        let hint = match *what {
            "nodes" if *least > 1 => {
                "one of four is malicious then; choose another number with --nodes, or another --profile".to_owned()
            }
            "wallets" => "choose another number with --wallets; 0 is for none".to_owned(),
            what => format!("choose another number with --{what}"),
        };
        Self::of(Exit::Usage, "count_invalid", &error, &hint)
    }
}

impl From<NoThread> for Failure {
    fn from(error: NoThread) -> Self {
        let hint = "end other programs, or raise the limit of processes";
        Self::of(Exit::Unexpected, "thread_refused", &error, hint)
    }
}

impl From<Rejection> for Failure {
    fn from(rejection: Rejection) -> Self {
        Self::of(
            Exit::Rejected,
            rejection.code(),
            &rejection,
            "nothing was paid; see `natcoin wallet history`",
        )
    }
}

impl From<JournalError> for Failure {
    fn from(error: JournalError) -> Self {
        let (exit, code) = match &error {
            JournalError::TooManyUnresolved { .. } => (Exit::NotFinal, "too_many_waiting"),
            _ => (Exit::Unexpected, "journal_damaged"),
        };
        Self::of(exit, code, &error, "see `natcoin wallet history`")
    }
}

impl From<NetworkError> for Failure {
    fn from(error: NetworkError) -> Self {
        let (exit, code) = match &error {
            NetworkError::AddressInUse { .. } => (Exit::Locked, "port_in_use"),
            NetworkError::Listen { .. } => (Exit::Usage, "cannot_listen"),
            _ => (Exit::Unexpected, "network"),
        };
        Self::of(
            exit,
            code,
            &error,
            "check the listen addresses in node.toml",
        )
    }
}

impl From<RequestError> for Failure {
    fn from(error: RequestError) -> Self {
        Self::of(
            Exit::Unreachable,
            "no_answer",
            &error,
            "see `natcoin wallet nodes`, and try again",
        )
    }
}

impl From<AnswerError> for Failure {
    fn from(error: AnswerError) -> Self {
        let (exit, code) = match &error {
            AnswerError::Unavailable(Unavailable::Unknown) => (Exit::Rejected, "unknown"),
            AnswerError::Unavailable(Unavailable::Busy) => (Exit::Unreachable, "busy"),
            _ => (Exit::Unreachable, "answer_not_proven"),
        };
        Self::of(
            exit,
            code,
            &error,
            "the wallet believed nothing of it; try again",
        )
    }
}

macro_rules! values {
    ($($error:ty => $code:literal, $hint:literal;)*) => {$(
        impl From<$error> for Failure {
            fn from(error: $error) -> Self {
                Self::of(Exit::Usage, $code, &error, $hint)
            }
        }
    )*};
}

values! {
    AmountError => "amount_invalid", "write NAT with at most 8 decimals, such as 12.5";
    NameError => "name_invalid", "write a name as @alice";
    AddressError => "address_invalid", "copy the address again; it begins with nat1";
    HashError => "hash_invalid", "copy the hash again, whole";
    UnknownProfile => "profile_invalid", "choose one of them with --profile";
    MemoTooLong => "memo_too_long", "shorten the memo";
    GenesisError => "genesis_invalid", "correct the value and try again";
    AddressFault => "address_invalid", "write it as /ip4/192.0.2.1/udp/18000/quic-v1";
    DevelopmentKeyExposed => "development_key_exposed", "make your own network with `natcoin network new`";
}
