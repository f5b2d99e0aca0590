//! Is anybody there? The smallest question of the Kafka protocol: ApiVersions, version 0.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// An answer on loopback that takes longer is none.
const PATIENCE: Duration = Duration::from_secs(1);

/// Length 10; key 18 (ApiVersions), version 0, correlation 1, no client id.
const QUESTION: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0xff, 0xff];

/// True when a broker at the address answers.
pub(crate) fn answers(port: u16) -> bool {
    ask(port).unwrap_or(false)
}

fn ask(port: u16) -> std::io::Result<bool> {
    let address = std::net::SocketAddr::from(([127, 0, 0, 1], port));
    let mut stream = TcpStream::connect_timeout(&address, PATIENCE)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(&QUESTION)?;
    // Length, correlation, error code.
    let mut head = [0_u8; 10];
    stream.read_exact(&mut head)?;
    Ok(head[4..] == [0, 0, 0, 1, 0, 0])
}
