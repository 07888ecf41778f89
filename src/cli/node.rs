//! `natcoin node`.

use super::arguments::NodeHome;
use super::failure::Failure;
use super::report::node::NodeId;
use crate::node::home::Home;

/// `node id`: who the node of a home is.
///
/// # Errors
/// If the home cannot be read.
pub fn id(arguments: &NodeHome) -> Result<NodeId, Failure> {
    let home = Home::load(&arguments.home)?;
    Ok(NodeId {
        status: "ok",
        name: home.name().to_string(),
        peer_id: home.peer_id().to_string(),
        address: home.secret().address(),
    })
}
