//! The table of all error codes: what each means, and the next step. `natcoin errors` shows it, and `docs/errors.md` is made of it.
//!
//! A failure's own message names the value and its limit, and its hint the next step in that case; here stands what holds of
//! every case. Codes are contracts with scripts: one may be added, none renamed. A test finds every code in the program's text
//! and fails if one is not here, or one here is in no text.

#[cfg(test)]
mod tests;

use super::Exit;

/// A way in which a command can fail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Code {
    /// Its code, for scripts.
    pub code: &'static str,
    /// How the program can end with it.
    pub exits: &'static [Exit],
    /// What is wrong.
    pub cause: &'static str,
    /// What to do.
    pub step: &'static str,
}

/// The meaning of a code.
pub fn find(code: &str) -> Option<&'static Code> {
    CODES.iter().find(|known| known.code == code)
}

/// The ways to end, in order, and what each means.
pub const EXITS: &[(u8, &str, &str)] = &[
    (0, "done, or ended by Ctrl-C", "nothing"),
    (
        1,
        "something unexpected, or a check that found a fault",
        "read the message: the disk, the memory, or a mistake of the program",
    ),
    (
        2,
        "what was asked makes no sense: arguments, values, files",
        "correct it; asking the same again fails again",
    ),
    (
        3,
        "no node answers",
        "look at the connection, and try again",
    ),
    (
        4,
        "the network or its rules said no; nothing happened",
        "change what you ask for",
    ),
    (
        5,
        "kept, but not final yet",
        "wait, or try again: that is always safe, and nothing is paid twice",
    ),
    (
        6,
        "locked: a wrong password, or in use elsewhere",
        "give the right password, or end the other program",
    ),
];

macro_rules! codes {
    ($($code:ident: $($exit:ident)|+, $cause:literal => $step:literal;)*) => {
        /// Every code, in the order of the alphabet.
        pub const CODES: &[Code] = &[$(Code {
            code: stringify!($code),
            exits: &[$(Exit::$exit),+],
            cause: $cause,
            step: $step,
        }),*];
    };
}

codes! {
    aborted: Unexpected, "the work was given up before its end" => "read the message, and run it again";
    account_invalid: Usage, "what stands after --account is no account with its money" => "write nat1...=1000 or nat1...=1000@alice";
    address_invalid: Usage, "an address is mistyped, cut, or of another kind" => "copy it again, whole; an account's begins with nat1";
    already_named: Rejected, "the account has a name already, and names are for good" => "use the name that it has";
    amount_invalid: Usage, "the amount is no number of NAT, or out of range" => "write NAT with at most 8 decimals, such as 12.5";
    amount_missing: Usage, "a payment to an account was asked for without an amount" => "write the amount after the payee";
    amount_of_request: Usage, "an amount was given beside a request, which says its own" => "leave the amount away";
    answer_not_proven: Unreachable, "what the node answered is not proven; nothing of it was believed" => "try again; compare your bootstrap file with that of the others";
    bad_signature: Rejected, "the signature is not the sender's" => "make the payment again; if it happens again, report it";
    bootstrap_invalid: Usage, "the bootstrap file does not add up" => "get it again from somebody you trust";
    busy: Unreachable, "the node has too much to do" => "try again in a moment";
    cancelled: Usage, "the question was answered with no, or not at all; nothing was done" => "run the command again, or answer with --yes";
    cannot_listen: Usage, "the node cannot listen on an address of its node.toml" => "name an address of this machine there";
    card_invalid: Usage, "the file is not a founder's card" => "ask its operator for the file that --export wrote";
    chain_behind: Unreachable, "the nodes know an older chain than this wallet has seen final" => "try again later; if it stays so, ask the network's operators";
    clock_wrong: Unexpected, "this machine's clock is wrong" => "let it be set by the network: `timedatectl set-ntp true`";
    closed: Unexpected, "the connection to the network was shut down" => "run the command again";
    code_invalid: Usage, "a room's code is mistyped, cut, or of another kind" => "ask the host for the code, and copy it whole";
    confirmation_needed: Usage, "a question needs an answer, and nobody is at a terminal" => "add --yes if you mean it";
    contact_refused: Usage, "a contact cannot be kept so: its label is taken or too long, or there are too many" => "choose another label, or remove a contact";
    contacts_damaged: Unexpected, "the file of contacts is damaged; it stays as it is" => "move it away, or bring it back from a backup";
    count_invalid: Usage, "a number is out of range" => "choose one within the range of the message";
    dealings_damaged: Unexpected, "the file of requests and notices does not hold what was written" => "put it back from a backup, or move it away; no money is in it";
    development_key_exposed: Usage, "a key that everybody knows would stand where strangers reach it" => "make your own network with `natcoin network new`";
    development_wallet_unknown: Usage, "the development network has no wallet of that name" => "choose alice, bob or carol";
    disk_failed: Unexpected, "the disk failed, or cannot be read or written" => "check the disk and the rights; nothing unsaved was announced";
    disk_full: Unexpected, "the disk is full" => "free space and start again; nothing unsaved was announced";
    duration_invalid: Usage, "the duration is no number with ms, s or m, or out of range" => "write it as 500ms, 30s or 5m";
    dust_account: Rejected, "a new account would have less than the smallest balance" => "pay it at least that much";
    earlier_version: Usage, "the store was written by an earlier version, in a way that is not read any more" => "follow the message; never remove signed.guard";
    expired: Rejected, "the payment was not final before its last height; nothing was paid" => "pay again";
    export_refused: Usage, "the file is there already, or cannot be written" => "choose another file";
    faults_found: Unexpected, "`natcoin doctor` found what keeps the node from its work" => "take the step that stands beside each fault";
    fee_too_low: Rejected, "the fee is below what the network's rules ask" => "pay again: the wallet takes the fee of today";
    file_exists: Usage, "the file is there already, and is not overwritten" => "name another one";
    file_invalid: Usage | Unexpected, "a file is too large, or no text: it is not what it should be" => "check the path";
    file_missing: Usage, "there is no such file" => "check the path";
    file_unreadable: Usage, "a file cannot be read" => "check the path and the rights";
    folder_not_empty: Usage, "the folder is there already and not empty; nothing was changed" => "choose another folder";
    folder_not_writable: Usage, "the node cannot write to its folder" => "make it writable for the user who runs the node";
    foreign_network: Rejected, "the transaction is of another network" => "use the bootstrap file of the network you mean";
    fork: Unexpected, "a quorum has signed two blocks of one height: a third of the validators or more cheat" => "pay nothing, and ask those who run them";
    founding_unfinished: Locked | NotFinal, "a founding was not finished here, and others may have finished it" => "finish it with --finish FILE, or give it up with --forget";
    genesis_changed: Usage, "the bootstrap file states another genesis hash than its genesis has" => "get it again from somebody you trust";
    genesis_invalid: Usage, "the network's rules, accounts or nodes are not sound" => "correct the value that the message names";
    hash_invalid: Usage, "a hash is mistyped or cut" => "copy it again: 64 hexadecimal digits";
    home_in_use: Locked, "another process runs on the node's home" => "end that one, or give this one another home";
    home_invalid: Usage, "the home's node.toml or node.key is not what it should be" => "correct it, or put it back from your backup";
    home_missing: Usage, "no home was named, or the folder is none" => "name it with --home; `natcoin network new` makes homes";
    insufficient_funds: Rejected, "the account has less than amount and fee" => "pay less, or wait until you have been paid";
    internal: Unexpected, "a mistake of this program" => "please report it, with the message";
    invite_invalid: Usage, "an invite is mistyped, cut, or of another kind" => "copy it again, whole";
    invite_stale: Rejected, "what a node gave is not the network of the invite" => "ask who invited you for a newer invite";
    io: Unexpected, "the system refused something" => "check the path, the disk and the rights";
    journal_damaged: Unexpected, "the file of payments under way does not hold what was written" => "put it back from a backup; see the message";
    key_exposed: Usage, "other users of the machine can read a secret key" => "run chmod 600 on it, and make a new key if somebody may have copied it";
    keystore_damaged: Unexpected, "the wallet's keystore does not hold what was written" => "restore the wallet from its twelve words";
    life_invalid: Usage, "the time for which a voucher can be claimed is out of range" => "write 1m to 366d, such as 30d";
    line_invalid: Usage, "the line holds no request and no payment, or is mistyped" => "copy it again, whole";
    load_too_large: Usage, "the load that was asked for does not fit into this machine" => "ask for fewer wallets, or a lower or shorter load";
    memo_of_request: Usage, "a memo was given beside a request, which has its own" => "leave --memo away";
    memo_too_long: Usage, "the memo is longer than it may be" => "shorten it";
    memory_short: Usage, "the simulation would need more memory than there is" => "take fewer nodes or threads, or a shorter time";
    name_invalid: Usage, "a name has letters or a length that names do not have" => "3 to 32 of a-z, 0-9 and -";
    name_taken: Rejected, "somebody else has the name" => "choose another one";
    name_unknown: Rejected, "nobody has the name; this is proven" => "check the spelling, or ask for the address";
    network: Unexpected, "the network cannot be set up on this machine" => "read the message";
    newer_version: Usage, "a file was written by a later version of this program" => "update the program";
    no_answer: Unreachable, "the node did not answer" => "see `natcoin wallet nodes`, and try again";
    no_data_dir: Usage, "there is no place for wallets: the user has no home folder" => "name one with --data-dir";
    no_desk: Unexpected, "requests and notices were asked of a session that keeps none" => "please report it, with the message";
    no_node_reachable: Unreachable, "no node of the bootstrap file can be reached" => "check your connection and --bootstrap; `natcoin wallet nodes` shows each node";
    node_count: Usage, "a network of so many nodes cannot be made" => "choose another number with --nodes";
    node_failed: Unexpected, "a node that this program started has ended by itself" => "read the message, and run it again";
    node_not_running: Unreachable, "the node of the home does not answer" => "start it with `natcoin node --home`; `natcoin doctor` says what is in its way";
    nodes_needed: Usage, "nobody is there to say when all founders have come" => "say how many will be there with --nodes";
    nonce_ahead: Rejected, "the payment waits for an earlier one of the same account" => "see `natcoin wallet history`";
    nonce_used: Rejected, "another payment of the account has taken this one's place" => "see `natcoin wallet history`, and pay again if it is not there";
    not_final: NotFinal, "the payment is kept, and not final yet" => "wait, or try again: nothing is paid twice";
    not_found: Rejected, "no node knows the transaction or block" => "copy it again; it may not be final yet";
    not_in_draft: Usage, "this home's node is not in the draft" => "assemble it again with this home's card";
    not_let_in: Rejected, "the room lets nobody in: it is closed, full, or of another version" => "read the message, and ask the host";
    not_signed: Usage, "not all founders have signed the file" => "gather the missing signatures";
    not_there: Rejected, "nobody told where that account is, or the telling has ended" => "ask whether their wallet or node runs";
    nothing_to_finish: Usage, "no founding is under way in this home" => "name the home in which it began";
    other_key: Usage, "the bootstrap file lists the node's name with another key" => "correct node.key, or the name in node.toml";
    other_network: Usage, "a file is of another network than the one it is used with" => "use the files of one network together";
    other_owner: Usage, "the store is another user's, so it was not looked at" => "run the doctor as the user who runs the node";
    other_payment: Rejected, "the request was paid by another payment" => "see `natcoin wallet dealings`";
    out_missing: Usage, "no file was named to write to" => "name it with --out";
    out_of_memory: Unexpected, "there is not enough memory to open the wallet" => "end other programs, and try again";
    output_closed: Unexpected, "nobody reads the output any more" => "nothing";
    own_address: Rejected, "the payment is to the account that pays" => "name somebody else";
    own_line: Rejected, "the line is your own" => "give it to the other one";
    password_needed: Usage, "the wallet's password is needed, and nobody is at a terminal" => "name a file with --password-file";
    password_too_long: Usage, "the password is longer than it may be" => "choose a shorter one";
    password_too_short: Usage, "the password is too short to protect money" => "choose a longer one";
    password_wrong: Locked, "the password does not open the wallet" => "try again, or restore the wallet from its twelve words";
    passwords_differ: Usage, "the two passwords are not the same" => "type them again";
    paused: NotFinal, "too few nodes are up for anything to become final; nothing is lost" => "wait: the payment is kept, and goes on when they are back";
    payee_invalid: Usage, "the payee is neither a name nor an address" => "write @alice, or an address, which begins with nat1";
    payment_unknown: Rejected, "there is no such payment here, or several" => "see `natcoin wallet dealings`";
    payments_lost: Unexpected, "payments of the load were neither final nor refused" => "run it again; please report it if it happens again";
    peer_invalid: Usage, "a peer id is mistyped" => "copy it again; it begins with 12D3Koo";
    peer_unreachable: Unreachable, "the other wallet cannot be reached" => "ask whether `natcoin wallet watch` runs there";
    plot_not_written: Usage | Unexpected, "the picture cannot be written" => "name another file with --plot";
    port_in_use: Locked, "another program holds a port of the node" => "end it, or choose another port";
    private_request: Usage, "--private was given for a request, whose owner is told that it is paid" => "leave --private away, or pay to the address without the request";
    profile_invalid: Usage, "a wallet's or a simulation's profile has no such name" => "choose another one with --profile";
    rate_invalid: Usage, "the rate is no number of payments a second" => "write a number, or max";
    receipt_changed: Rejected, "the receipt says something else than its proof: the file was changed" => "believe nothing in it, and ask for the file again";
    receipt_invalid: Usage, "the file is no receipt" => "give the file that `natcoin wallet receipt` wrote";
    receipt_not_proven: Rejected, "the receipt proves nothing under this network's validators" => "believe nothing in it";
    refused: Rejected, "what was handed over is not sound" => "ask for it again";
    replaced: Rejected, "another payment of the account took this one's place; nothing was paid by this one" => "see `natcoin wallet history`, and pay again if you mean to";
    request_settled: Rejected, "the request is paid, declined, withdrawn or expired" => "see `natcoin wallet dealings`";
    request_unknown: Rejected, "there is no such request here, or several" => "see `natcoin wallet dealings`";
    room_unreachable: Unreachable, "the room cannot be reached" => "ask whether the host is still there, and look at the connection";
    seeds_invalid: Usage, "the seeds are no number and no range" => "write --seeds 0..100 or --seed 7";
    seen_damaged: Unexpected, "the file of what the wallet has seen does not hold what was written" => "see the message; no money is in it";
    signature_invalid: Usage, "the file is not a founder's signature, or not over this draft" => "ask its operator for the file that --sign wrote";
    signed_another: Locked, "this home has signed another draft, which others may have finished" => "finish that with --finish FILE, or give it up with --forget";
    simulation_failed: Unexpected, "a seed broke an invariant: a mistake of the program" => "play it back with the command that stands beside it, and report it";
    small_share: Rejected, "a voucher's share is too small for a new account" => "make it at least the smallest balance and the fee";
    store_damaged: Unexpected, "the node's store does not hold what was written" => "put it back from a backup, or follow the message; never remove signed.guard";
    terminal_needed: Usage, "the wallet's screens need a terminal" => "run it in one; in scripts use `natcoin wallet shell`";
    terminal_too_plain: Usage, "the terminal cannot show screens" => "use `natcoin wallet shell`, or another terminal";
    thread_refused: Unexpected, "the system gave no thread" => "end other programs, or raise the limit of processes";
    too_far_ahead: Rejected, "the payment would wait longer than the rules allow" => "pay again";
    too_many_cards: Usage, "more cards than are written at once" => "name fewer vouchers";
    too_many_waiting: NotFinal, "too many payments of this wallet wait already" => "wait until some are final; see `natcoin wallet history`";
    trace_is_text: Usage, "--trace shows text, not JSON" => "leave --output json away";
    trace_of_many: Usage, "--trace shows one seed of one size" => "name one with --seed";
    unexpected: Unexpected, "the node must not go on: a mistake of the program, or a lie" => "keep its home as it is, and report the message";
    unknown: Rejected, "no node knows what was asked for" => "copy it again; it may not be final yet";
    unknown_sender: Rejected, "the account has no money yet, so it does not exist" => "ask somebody to pay it";
    usage: Usage, "a command or an option is mistyped or missing" => "see `natcoin --help`, or the command's own";
    voucher_claimed: Rejected, "this account has claimed the voucher already" => "nothing: each account claims once";
    voucher_differs: Rejected, "the voucher is not as the claim says" => "ask a node for it again, and try once more";
    voucher_expired: Rejected, "the voucher's time is over" => "ask whoever gave it for another";
    voucher_gone: Rejected, "nothing is left in the voucher: it was claimed, or taken back" => "ask whoever gave it";
    voucher_invalid: Usage, "a voucher's code is mistyped, cut, or of another kind" => "copy it again, whole";
    voucher_life: Rejected, "the voucher would end too soon or too late" => "choose a time up to 366 days from now";
    voucher_open: Rejected, "a voucher is open under this key" => "make another";
    voucher_unknown: Usage | Rejected, "there is no such voucher of this wallet" => "see `natcoin wallet voucher list`";
    wallet_exists: Usage, "there is a wallet of this name already" => "choose another one with --profile";
    wallet_in_use: Locked, "another program uses the wallet" => "wait for it, or end it";
    wallet_missing: Usage, "there is no wallet of this name" => "make it with `natcoin wallet new`, or name another one with --profile";
    weak_key: Rejected, "the payee's address allows no private memo" => "pay with --public-memo, or without";
    words_not_checked: Usage, "the new wallet's words were not repeated; no wallet was made" => "run `natcoin wallet new` again and write the words down";
    words_refused: Rejected, "the words were not confirmed: nothing was signed" => "compare them again, spoken; begin again if they differ";
    words_wrong: Usage, "the recovery words are not twelve, or one is mistyped" => "read them again from your paper";
    wrong_key: Rejected, "the account has another key than the one that signed" => "use the wallet that has the key of today";
    zero_amount: Rejected, "the amount is zero" => "pay at least 0.00000001 NAT";
}

/// The table as `docs/errors.md`.
pub fn markdown() -> String {
    let mut text = String::from(
        "# Error codes\n\nEvery failure has a code, a message that names the value and its limit, a hint with the next step, and an exit code. With\n`--output json` it is `{\"error\":{\"code\":\"...\",\"message\":\"...\",\"hint\":\"...\"}}` on stdout; a `transaction`, and the `nodes` that were tried,\nstand in it where there are any. Codes are added, never renamed. `natcoin errors` shows this table, `natcoin errors CODE` one line of it.\n\nThis file is made from `src/cli/failure/codes.rs`; a test holds it.\n\n## Exit codes\n\n| exit | meaning | next step |\n|--:|---|---|\n",
    );
    for (exit, meaning, step) in EXITS {
        text.push_str(&format!("| {exit} | {meaning} | {step} |\n"));
    }
    text.push_str("\n## Codes\n\n| code | exit | cause | next step |\n|---|--:|---|---|\n");
    for one in CODES {
        let exits = exits(one);
        let Code {
            code, cause, step, ..
        } = one;
        text.push_str(&format!("| `{code}` | {exits} | {cause} | {step} |\n"));
    }
    text
}

/// The exit codes of a code: `2`, or `1 or 2`.
pub fn exits(code: &Code) -> String {
    let exits = code.exits.iter().map(|exit| (*exit as u8).to_string());
    exits.collect::<Vec<_>>().join(" or ")
}
