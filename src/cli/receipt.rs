//! `natcoin wallet receipt` and `natcoin verify`: a file that proves a payment, written and checked.
//!
//! Checking opens no connection: the file and the bootstrap file are all that is asked. Next: `wallet/receipt.rs`.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use super::arguments::{Receipt as ReceiptArguments, Verify};
use super::context::Context;
use super::failure::{Exit, Failure};
use super::online::with_session;
use super::report::receipt::{Proved, ReceiptShown, ReceiptWritten};
use crate::chain::hash::Hash;
use crate::chain::query::Trust;
use crate::directory::bootstrap::Bootstrap;
use crate::directory::utc;
use crate::wallet::receipt::{MAX_RECEIPT_BYTES, Receipt, Receipted};

/// `wallet receipt`: asks for the proof, and keeps it in a file.
///
/// # Errors
/// If no node can be reached, none knows the transaction, or the file cannot be written.
pub async fn write(
    context: &Context,
    arguments: &ReceiptArguments,
) -> Result<ReceiptWritten, Failure> {
    let transaction: Hash = arguments.transaction.parse()?;
    let named = || PathBuf::from(format!("receipt-{}.json", transaction.short()));
    let file = arguments.out.clone().unwrap_or_else(named);
    let proven = with_session(context, async |session| {
        Ok(session.receipt(transaction).await?)
    })
    .await?;
    keep(&file, proven.value.write().as_bytes())?;
    Ok(ReceiptWritten {
        status: "ok",
        transaction,
        height: proven.at.height,
        file,
    })
}

/// Writes a new file; never over another one.
fn keep(path: &Path, bytes: &[u8]) -> Result<(), Failure> {
    let made = OpenOptions::new().write(true).create_new(true).open(path);
    let mut file = match made {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::new(
                Exit::Usage,
                "file_exists",
                format!("{} is there already", path.display()),
                "name another file with --out",
            ));
        }
        Err(error) => return Err(unwritten(path, &error)),
    };
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|error| {
        // Half a receipt is of no use to anybody, and would be in the way of the next try.
        let _ = std::fs::remove_file(path);
        unwritten(path, &error)
    })
}

fn unwritten(path: &Path, error: &std::io::Error) -> Failure {
    Failure::io(&format!("write {}", path.display()), error)
}

/// `verify`: what a receipt proves.
///
/// # Errors
/// If the file is no receipt, was changed, is of another network, or proves nothing.
pub fn verify(context: &Context, arguments: &Verify) -> Result<ReceiptShown, Failure> {
    let bootstrap = context.bootstrap()?;
    let file = read(&arguments.receipt)?;
    let receipted = Receipt::read(&file)?.verify(&Trust::new(bootstrap.genesis()))?;
    Ok(shown(&bootstrap, &receipted))
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    // One byte more than there may be tells that there is too much.
    let most = MAX_RECEIPT_BYTES as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut bytes));
    match read {
        Ok(_) => Ok(bytes),
        Err(error) if error.kind() == ErrorKind::NotFound => Err(Failure::new(
            Exit::Usage,
            "file_missing",
            format!("there is no file {}", path.display()),
            "check the path that you gave",
        )),
        Err(error) => Err(Failure::io(&format!("read {}", path.display()), &error)),
    }
}

fn shown(bootstrap: &Bootstrap, receipted: &Receipted) -> ReceiptShown {
    let (record, at) = (&receipted.record.value, receipted.record.at);
    let validators = &bootstrap.genesis().validators;
    let name_of = |place: &u16| {
        let key = validators.get(usize::from(*place))?.key;
        let node = bootstrap.nodes().iter().find(|node| node.key == key)?;
        Some(node.name.to_string())
    };
    ReceiptShown {
        status: "proven",
        network: bootstrap.network().to_owned(),
        transaction: record.transaction.id(),
        proved: Proved::of(&record.transaction.transaction),
        height: at.height,
        block: at.block,
        time: utc::format(at.time_ms),
        signed_by: receipted.signers.iter().filter_map(name_of).collect(),
        validators: validators.count(),
    }
}
