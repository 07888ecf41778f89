//! What proves itself is proven by the bootstrap file alone, and by nothing that was changed on its way.

use natcoin::chain::{
    codec::Decode as _,
    hash::unhex,
    query::{Answer, AnswerError, Query, Trust},
};
use serde_json::Value;

use super::common::window::Shown;

/// Checks a proof as a stranger would: the height at which it holds.
fn verify(trust: &Trust, proof: &Value) -> Result<u64, AnswerError> {
    let bytes = |key: &str| unhex(proof[key].as_str().unwrap()).unwrap();
    let query = Query::from_bytes(&bytes("query")).unwrap();
    let answer = Answer::from_bytes(&bytes("answer")).unwrap();
    let at = match (query, answer) {
        (Query::Account(address), Answer::Account(answer)) => answer.verify(trust, &address)?.at,
        (Query::Name(name), Answer::Name(answer)) => answer.verify(trust, &name)?.at,
        (Query::Transaction(id), Answer::Transaction(answer)) => answer.verify(trust, &id)?.at,
        (Query::Block(height), Answer::Block(answer)) => answer.verify(trust, height)?.at,
        (Query::Activities { address, .. }, Answer::Activities(answer)) => {
            answer.verify(trust, &address)?.at
        }
        (query, answer) => panic!("{query:?} is answered by {answer:?}"),
    };
    Ok(at.height)
}

#[test]
fn every_proof_holds_under_the_bootstrap_file_and_under_no_other() {
    let shown = Shown::start(4);
    let id = shown.pay(0, 1, 5, "tea");
    let trust = Trust::new(shown.devnet.bootstrap.genesis());
    let mut foreign = shown.devnet.bootstrap.genesis().clone();
    foreign.network = "another".to_owned();
    let foreign = Trust::new(&foreign);
    for path in [
        "/v1/accounts/@bob".to_owned(),
        format!(
            "/v1/accounts/{}",
            shown.devnet.bootstrap.nodes()[0].key.address()
        ),
        "/v1/accounts/@bob/activities".to_owned(),
        "/v1/names/bob".to_owned(),
        "/v1/names/nobody".to_owned(),
        "/v1/blocks/1".to_owned(),
        format!("/v1/transactions/{id}"),
    ] {
        let answer = shown.json(&path);
        let proof = &answer["proof"];
        let height = verify(&trust, proof).unwrap_or_else(|error| panic!("{path}: {error}"));
        assert!(height >= 1, "{path}");
        assert_eq!(proof["anchor"]["height"], height, "{path}");
        assert!(
            proof["anchor"]["signed_by"].as_array().unwrap().len() >= 3,
            "{path}"
        );
        assert!(verify(&foreign, proof).is_err(), "{path}");
        let join = if path.contains('?') { '&' } else { '?' };
        let without = shown.json(&format!("{path}{join}proof=none"));
        assert!(without.get("proof").is_none(), "{path}");
    }
}
