//! The way to the target, up to where the first byte of a request could be sent. Whatever fails here had no effect.

use std::{
    io::{self, ErrorKind},
    net::{IpAddr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use rustls::{
    ClientConfig, RootCertStore,
    pki_types::{CertificateDer, ServerName, pem::PemObject},
};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    net::{TcpStream, lookup_host},
    time::timeout,
};
use tokio_rustls::TlsConnector;

use super::{HttpSpecError, target::Target};

/// A connection, encrypted or not.
pub(super) trait Wire: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Wire for T {}

/// How to encrypt, where the target wants it.
pub(super) struct Tls {
    connector: TlsConnector,
    server: ServerName<'static>,
}

impl Tls {
    /// `None` for a plain target.
    pub(super) fn new(
        target: &Target,
        extra_roots_pem: Option<&[u8]>,
    ) -> Result<Option<Self>, HttpSpecError> {
        let roots = trusted_roots(extra_roots_pem)?;
        if !target.is_https {
            return Ok(None);
        }
        let server = ServerName::try_from(target.host.clone()).map_err(|_| HttpSpecError::Url)?;
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = ClientConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .expect("the provider knows the default versions")
            .with_root_certificates(roots)
            .with_no_client_auth();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(Some(Self { connector: Arc::new(config).into(), server }))
    }
}

fn trusted_roots(extra_pem: Option<&[u8]>) -> Result<RootCertStore, HttpSpecError> {
    let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let Some(pem) = extra_pem else { return Ok(roots) };
    let before = roots.len();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        let certificate = certificate.map_err(|_| HttpSpecError::ExtraRoots)?;
        roots.add(certificate).map_err(|_| HttpSpecError::ExtraRoots)?;
    }
    if roots.len() == before { Err(HttpSpecError::ExtraRoots) } else { Ok(roots) }
}

/// A fresh connection, or the code of what failed.
pub(super) async fn connect(
    target: &Target,
    tls: Option<&Tls>,
    limit: Duration,
) -> Result<Box<dyn Wire>, &'static str> {
    timeout(limit, connect_unlimited(target, tls, limit)).await.unwrap_or(Err("connect_timeout"))
}

async fn connect_unlimited(
    target: &Target,
    tls: Option<&Tls>,
    limit: Duration,
) -> Result<Box<dyn Wire>, &'static str> {
    let stream =
        connect_tcp(&addresses(target).await?, limit).await.map_err(|fault| code_of(fault.kind()))?;
    // A hint to the kernel; without it the request only arrives later.
    let _ = stream.set_nodelay(true);
    let Some(Tls { connector, server }) = tls else { return Ok(Box::new(stream)) };
    let stream = connector.connect(server.clone(), stream).await.map_err(|_| "tls_failed")?;
    Ok(Box::new(stream))
}

async fn addresses(target: &Target) -> Result<Vec<SocketAddr>, &'static str> {
    if let Ok(address) = target.host.parse::<IpAddr>() {
        return Ok(vec![(address, target.port).into()]);
    }
    let found = lookup_host((target.host.as_str(), target.port)).await.map_err(|_| "dns_failed")?;
    let addresses: Vec<SocketAddr> = found.collect();
    if addresses.is_empty() { Err("dns_failed") } else { Ok(addresses) }
}

/// Tries one address after the other, each for its share of the time, so that a dead one does not take all of it.
async fn connect_tcp(addresses: &[SocketAddr], limit: Duration) -> io::Result<TcpStream> {
    let share = limit / u32::try_from(addresses.len()).unwrap_or(u32::MAX);
    let mut fault = io::Error::from(ErrorKind::TimedOut);
    for address in addresses {
        match timeout(share, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => fault = error,
            Err(_) => fault = ErrorKind::TimedOut.into(),
        }
    }
    Err(fault)
}

fn code_of(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::ConnectionRefused => "connect_refused",
        ErrorKind::TimedOut => "connect_timeout",
        _ => "connect_failed",
    }
}
