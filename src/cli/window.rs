//! `--http`: the page and the API of a node, where the command line says.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use super::context::Context;
use super::failure::{Exit, Failure};
use super::report::node::NodeEvent;
use crate::api::{self, Window};
use crate::node::window::View;

/// Opens the window, if one is wished for, and says where it is.
///
/// # Errors
/// If the address makes no sense, or cannot be served.
pub fn open(
    context: &Context,
    wish: Option<&str>,
    view: Option<View>,
) -> Result<Option<Window>, Failure> {
    let (Some(wish), Some(view)) = (wish, view) else {
        return Ok(None);
    };
    let window = api::open(address(wish)?, view)?;
    let is_public = !window.address().ip().is_loopback();
    context.output.report(&NodeEvent::Serving {
        page: window.url(),
        address: window.address().to_string(),
        is_public,
    })?;
    if is_public {
        context.output.note(
            "Whoever reaches this address sees the page, without encryption; a proxy with a certificate makes it https.",
        );
    }
    Ok(Some(window))
}

/// An address with its port, or a port of this machine.
fn address(wish: &str) -> Result<SocketAddr, Failure> {
    let port = wish.trim_start_matches(':').parse::<u16>();
    let on_this_machine = port.map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port));
    on_this_machine.or_else(|_| wish.parse()).map_err(|_| {
        Failure::new(
            Exit::Usage,
            "address_invalid",
            format!("{wish:?} is no address to serve on"),
            format!(
                "write a number and a port, such as --http {} or --http 0.0.0.0:80",
                api::DEFAULT_ADDRESS
            ),
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_port_alone_is_one_of_this_machine() {
        assert_eq!(address("8080").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(address(":8080").unwrap().to_string(), "127.0.0.1:8080");
        assert_eq!(address("0.0.0.0:80").unwrap().to_string(), "0.0.0.0:80");
        assert_eq!(address("[::1]:80").unwrap().to_string(), "[::1]:80");
        for wrong in ["", "here", "127.0.0.1", "example.org:80", "70000"] {
            assert_eq!(
                address(wrong).unwrap_err().code,
                "address_invalid",
                "{wrong}"
            );
        }
    }
}
