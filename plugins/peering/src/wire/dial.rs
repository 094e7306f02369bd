//! The way to another appliance: name, connection, TLS; each failure in words that tell which.

use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::client::TlsStream;

use super::Tls;
use super::line::line;
use crate::sister::certificate::Seen;
use crate::sister::frame::Frame;
use crate::sister::status::{Trouble, Word};

/// Most addresses of a name that are tried.
const MOST_ADDRESSES: usize = 4;
const NAME_WITHIN: Duration = Duration::from_secs(5);
const CONNECT_WITHIN: Duration = Duration::from_secs(3);
const TLS_WITHIN: Duration = Duration::from_secs(5);

fn unreachable(detail: String) -> Trouble {
    Trouble::new(Word::Unreachable, detail)
}

/// Connects; the certificate is the caller's to judge.
pub async fn connect(
    tls: &Tls,
    hostname: &str,
    address: &str,
) -> Result<(TlsStream<TcpStream>, Seen), Trouble> {
    let socket = reach(address).await?;
    // Small frames go at once; a system that cannot do that only delays them.
    let _ = socket.set_nodelay(true);
    let name = ServerName::try_from(hostname.to_owned())
        .map_err(|_| unreachable(format!("{hostname:?} is no host name")))?;
    let shaken = match timeout(TLS_WITHIN, tls.connector.connect(name, socket)).await {
        Err(_) => {
            return Err(unreachable(format!(
                "{address} takes connections, but TLS does not begin within 5 seconds"
            )));
        }
        Ok(Err(e)) => {
            return Err(unreachable(format!(
                "{address} takes connections, but TLS fails there: {e}; is it the port of peering?"
            )));
        }
        Ok(Ok(shaken)) => shaken,
    };
    let certificate = shaken.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let seen = certificate.and_then(|leaf| Seen::of(leaf));
    let seen =
        seen.ok_or_else(|| unreachable(format!("{address} shows a certificate that cannot be read")))?;
    Ok((shaken, seen))
}

async fn reach(address: &str) -> Result<TcpStream, Trouble> {
    let mut last = format!("{address} has no address");
    for place in places(address).await? {
        match timeout(CONNECT_WITHIN, TcpStream::connect(place)).await {
            Ok(Ok(socket)) => return Ok(socket),
            Ok(Err(e)) => last = format!("{place} takes no connection: {e}"),
            Err(_) => last = format!("{place} did not answer within 3 seconds"),
        }
    }
    Err(unreachable(last))
}

async fn places(address: &str) -> Result<Vec<SocketAddr>, Trouble> {
    if let Ok(place) = address.parse() {
        return Ok(vec![place]);
    }
    let found = match timeout(NAME_WITHIN, lookup_host(address)).await {
        Err(_) => {
            return Err(unreachable(format!("the name in {address} was not resolved within 5 seconds")));
        }
        Ok(Err(e)) => return Err(unreachable(format!("the name in {address} is not found: {e}"))),
        Ok(Ok(found)) => found,
    };
    Ok(found.take(MOST_ADDRESSES).collect())
}

/// Looks at the certificate, says one thing and brings the answer.
pub async fn errand(
    tls: &Tls,
    (hostname, address): (&str, &str),
    judge: impl FnOnce(&Seen) -> Result<(), Trouble>,
    frame: Option<Frame>,
) -> Result<(Seen, Option<Frame>), Trouble> {
    let (socket, seen) = connect(tls, hostname, address).await?;
    judge(&seen)?;
    let Some(frame) = frame else { return Ok((seen, None)) };
    let (out, line) = line();
    out.send(&frame).map_err(unreachable)?;
    out.know();
    let mut answer = None;
    let take = |frame| {
        answer = Some(frame);
        std::future::ready(false)
    };
    let why = line.run(socket, &out, take).await;
    match answer {
        Some(Frame::Refuse(refuse)) => Err(Trouble::of(&refuse)),
        Some(frame) => Ok((seen, Some(frame))),
        None => Err(unreachable(format!("{address} gave no answer: {why}"))),
    }
}

/// Host and port of an address; the error ends a sentence.
pub fn split(address: &str) -> Result<(String, u16), &'static str> {
    const SAYS: &str = "must be HOST:PORT, such as uc.example.com:8444; IPv6 in brackets";
    let (host, port) = address.rsplit_once(':').ok_or(SAYS)?;
    let port: u16 = port.parse().ok().filter(|port| *port > 0).ok_or(SAYS)?;
    let plain = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let fits = match plain {
        Some(inside) => matches!(inside.parse(), Ok(IpAddr::V6(_))),
        None => ServerName::try_from(host.to_owned()).is_ok() && !host.contains(':'),
    };
    if fits { Ok((host.to_owned(), port)) } else { Err(SAYS) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_a_host_and_a_port() {
        assert_eq!(split("uc.example:8444"), Ok(("uc.example".to_owned(), 8444)));
        assert_eq!(split("127.0.0.1:1"), Ok(("127.0.0.1".to_owned(), 1)));
        assert_eq!(split("[::1]:8444"), Ok(("[::1]".to_owned(), 8444)));
        for wrong in
            ["", "uc.example", "uc.example:", "uc.example:0", "uc.example:70000", "::1:8444", "a b:1", ":1"]
        {
            assert!(split(wrong).is_err(), "{wrong}");
        }
    }
}
