//! The double behind TLS, with a certificate that is made for one test and known to nobody else.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::crypto::ring;

use super::Slack;

/// The way in; it closes when it is dropped.
pub(crate) struct Tls {
    /// Its Web API is below `/api`, its sockets are `wss`.
    pub(crate) url: String,
    /// The certificate, for those who are to trust it.
    pub(crate) certificate: PathBuf,
    serving: tokio::task::JoinHandle<()>,
}

impl Drop for Tls {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl Slack {
    /// Has everything go over TLS from now on; the certificate lies in `dir`.
    pub(crate) async fn behind_tls(&self, dir: &Path) -> Tls {
        let made = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).expect("a certificate");
        let certificate = dir.join("certificate.pem");
        std::fs::write(&certificate, made.cert.pem()).expect("written");
        let key = made.signing_key.serialize_der().try_into().expect("a key");
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .expect("versions")
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key)
            .expect("a certificate and its key");
        let acceptor = TlsAcceptor::from(Arc::new(config));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("https://localhost:{}", listener.local_addr().expect("an address").port());
        let inside = self.url.trim_start_matches("http://").to_owned();
        self.change(|state| state.url.clone_from(&url));
        let serving = tokio::spawn(async move {
            while let Ok((outer, _)) = listener.accept().await {
                let (acceptor, inside) = (acceptor.clone(), inside.clone());
                tokio::spawn(async move {
                    // Whoever does not trust the certificate hangs up.
                    let Ok(mut outer) = acceptor.accept(outer).await else { return };
                    let mut inner = TcpStream::connect(inside).await.expect("the double is here");
                    let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
        Tls { url, certificate, serving }
    }
}
