//! The servers of others, whose addresses administrators type: how they are called without being led to what is not theirs.
//!
//! A name is resolved once. Every address that it leads to has to be public, and the connection goes to one of exactly these, whatever
//! the name leads to a moment later; TLS still asks for a certificate of the name. No redirect is followed, no proxy is asked, and
//! of the answer as much is read as is shown. With a parameter loopback is allowed, for use on one machine, and there without TLS too.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use domain::{Denied, WebhookUrl};
use edge::{Config, Problem};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::client::conn::http1;
use hyper::{Request, header};
use hyper_util::rt::TokioIo;
use lambda_http::BoxFuture;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpStream, lookup_host};
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use url::{Host, Url};

use super::addresses::is_public;

/// How long a receiver may take to answer. The function that waits has twice that.
const MAX_TIME: Duration = Duration::from_secs(10);

/// How long it may take to connect to one of several addresses, so that there is time for another.
const MAX_CONNECT_TIME: Duration = Duration::from_secs(3);

/// How long the beginning of the answer is waited for. Its status counts in any case.
const MAX_BODY_TIME: Duration = Duration::from_secs(1);

/// How much of an answer is read, in bytes.
const MAX_BODY: usize = 1_000;

/// The maximum number of addresses of a name that are tried.
const MAX_ADDRESSES: usize = 3;

type Resolve = Box<dyn Fn(String) -> BoxFuture<'static, io::Result<Vec<IpAddr>>> + Send + Sync>;

/// The way to servers of others.
pub struct Outside {
    allows_loopback: bool,
    max_time: Duration,
    resolve: Resolve,
    tls: OnceLock<Arc<ClientConfig>>,
}

/// Why an address is not called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// It is not secure.
    #[error("must begin with https://")]
    NotHttps,
    /// It is one of this blog's.
    #[error("must not be an address of this blog")]
    OwnHost,
    /// Its name leads nowhere.
    #[error("has a host that cannot be found")]
    UnknownHost,
    /// It leads to this machine, to a private network or the like.
    #[error("must lead to a public host, and to no private address")]
    NotPublic,
}

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum Unanswered {
    /// The address is not called.
    #[error("the address {0}")]
    Refused(#[from] Refusal),
    /// Nobody takes connections there.
    #[error("no connection: {0}")]
    NoConnection(io::Error),
    /// The connection is not secure.
    #[error("no secure connection: {0}")]
    NotSecure(io::Error),
    /// What comes back is not HTTP.
    #[error("no answer: {0}")]
    NoAnswer(hyper::Error),
    /// The request cannot be written.
    #[error("no request: {0}")]
    NoRequest(hyper::http::Error),
    /// It took too long.
    #[error("no answer in time")]
    TimedOut,
}

/// An answer.
#[derive(Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// The beginning of its body.
    pub beginning: String,
}

impl Outside {
    /// The way to servers of others; to this machine too if that is allowed. Makes no network call.
    pub fn new(allows_loopback: bool) -> Self {
        let resolve: Resolve = Box::new(|name| {
            Box::pin(async move { Ok(lookup_host((name, 0)).await?.map(|address| address.ip()).collect()) })
        });
        Self { allows_loopback, max_time: MAX_TIME, resolve, tls: OnceLock::new() }
    }

    /// Whether an address may be called, as far as the address itself tells. `own_hosts` are the hosts that this blog was asked at, besides
    /// those that its settings name.
    pub fn check(&self, url: &Url, config: &Config, own_hosts: &[String]) -> Result<(), Refusal> {
        if url.scheme() != "https" && !self.allows_loopback {
            return Err(Refusal::NotHttps);
        }
        let settings = [&config.site_url, &config.feed_url].into_iter().flatten();
        let of_settings = settings.filter_map(|url| Url::parse(url.as_str()).ok());
        // A host that was asked without a port was asked at the usual one.
        let of_request = own_hosts.iter().filter_map(|host| Url::parse(&format!("{}://{host}", url.scheme())).ok());
        let place = |url: &Url| {
            // This machine has several names for itself.
            let is_loopback = match url.host() {
                Some(Host::Ipv4(address)) => address.is_loopback(),
                Some(Host::Ipv6(address)) => address.is_loopback(),
                _ => false,
            };
            let host =
                if is_loopback && self.allows_loopback { "localhost" } else { url.host_str().unwrap_or_default() };
            (host.trim_end_matches('.').to_owned(), url.port())
        };
        let is_own = of_settings.chain(of_request).any(|own| place(&own) == place(url));
        if is_own { Err(Refusal::OwnHost) } else { Ok(()) }
    }

    /// Denies an address that may not be called, also for where it leads now. It is looked at again whenever it is called.
    pub async fn check_reachable(
        &self,
        url: &WebhookUrl,
        config: &Config,
        own_hosts: &[String],
    ) -> Result<(), Problem> {
        let url = Url::parse(url.as_str()).map_err(Problem::internal)?;
        let checked = match self.check(&url, config, own_hosts) {
            Ok(()) => {
                let addresses = timeout(MAX_CONNECT_TIME, self.addresses(&url)).await;
                addresses.unwrap_or(Err(Refusal::UnknownHost)).map(drop)
            }
            refused => refused,
        };
        checked.map_err(|refusal| Denied::field("url", refusal.to_string()).into())
    }

    /// Where an address leads, if that is where calls may go.
    async fn addresses(&self, url: &Url) -> Result<Vec<SocketAddr>, Refusal> {
        let found = match url.host() {
            Some(Host::Domain(name)) => (self.resolve)(name.to_owned()).await.map_err(|_| Refusal::UnknownHost)?,
            Some(Host::Ipv4(address)) => vec![address.into()],
            Some(Host::Ipv6(address)) => vec![address.into()],
            None => Vec::new(),
        };
        let port = url.port_or_known_default().filter(|_| !found.is_empty()).ok_or(Refusal::UnknownHost)?;
        let is_loopback = self.allows_loopback && found.iter().all(IpAddr::is_loopback);
        // All of them: which one is taken would be for the name to say.
        if !is_loopback && !found.iter().copied().all(is_public) {
            return Err(Refusal::NotPublic);
        }
        if url.scheme() != "https" && !is_loopback {
            return Err(Refusal::NotHttps);
        }
        Ok(found.into_iter().map(|address| SocketAddr::new(address, port)).collect())
    }

    /// Posts a message, and waits for the answer for at most ten seconds.
    pub async fn post(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Answer, Unanswered> {
        timeout(self.max_time, self.exchange(url, headers, body)).await.unwrap_or(Err(Unanswered::TimedOut))
    }

    async fn exchange(
        &self,
        url: &Url,
        headers: &[(&'static str, String)],
        body: String,
    ) -> Result<Answer, Unanswered> {
        let path = match url.query() {
            Some(query) => format!("{}?{query}", url.path()),
            None => url.path().to_owned(),
        };
        let host = url.host_str().unwrap_or_default();
        let authority = url.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
        let mut request = Request::post(path).header(header::HOST, authority);
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(body))).map_err(Unanswered::NoRequest)?;

        let addresses = self.addresses(url).await?;
        let stream = connect(&addresses).await.map_err(Unanswered::NoConnection)?;
        if url.scheme() != "https" {
            return send(stream, request).await;
        }
        let name = ServerName::try_from(host.trim_matches(['[', ']']).to_owned())
            .map_err(|error| Unanswered::NotSecure(io::Error::other(error)))?;
        let tls = self.tls().map_err(|error| Unanswered::NotSecure(io::Error::other(error)))?;
        let stream = TlsConnector::from(tls).connect(name, stream).await.map_err(Unanswered::NotSecure)?;
        send(stream, request).await
    }

    /// How TLS is spoken: as the AWS SDK does, with the certificates that the system trusts. Made once, when it is needed.
    fn tls(&self) -> Result<Arc<ClientConfig>, rustls::Error> {
        if let Some(tls) = self.tls.get() {
            return Ok(Arc::clone(tls));
        }
        let mut roots = RootCertStore::empty();
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        let tls = Arc::new(client_config(roots)?);
        Ok(Arc::clone(self.tls.get_or_init(|| tls)))
    }
}

fn client_config(roots: RootCertStore) -> Result<ClientConfig, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions()?;
    Ok(builder.with_root_certificates(roots).with_no_client_auth())
}

/// Connects to the first of these that takes the connection.
async fn connect(addresses: &[SocketAddr]) -> io::Result<TcpStream> {
    let mut failure = io::Error::from(io::ErrorKind::AddrNotAvailable);
    for address in addresses.iter().take(MAX_ADDRESSES) {
        match timeout(MAX_CONNECT_TIME, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => return Ok(stream),
            Ok(Err(error)) => failure = error,
            Err(_) => failure = io::ErrorKind::TimedOut.into(),
        }
    }
    Err(failure)
}

/// Sends a request and reads the beginning of its answer. The connection is not used again.
async fn send<S>(stream: S, request: Request<Full<Bytes>>) -> Result<Answer, Unanswered>
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut client = http1::Builder::new();
    client.max_buf_size(64 * 1024);
    let (mut sender, connection) = client.handshake(TokioIo::new(stream)).await.map_err(Unanswered::NoAnswer)?;
    let exchange = async {
        let response = sender.send_request(request).await.map_err(Unanswered::NoAnswer)?;
        let (head, body) = response.into_parts();
        let beginning = beginning(body).await;
        Ok(Answer { status: head.status.as_u16(), beginning: String::from_utf8_lossy(&beginning).into_owned() })
    };
    // What goes wrong with the connection, the exchange is told.
    let connection = async {
        let _ = connection.await;
        std::future::pending().await
    };
    tokio::select! {
        answer = exchange => answer,
        never = connection => never,
    }
}

/// The first bytes of a body: what comes of them within a moment.
async fn beginning(mut body: Incoming) -> Vec<u8> {
    let mut bytes = Vec::new();
    let read = async {
        while let Some(Ok(frame)) = body.frame().await {
            let data = frame.into_data().unwrap_or_default();
            bytes.extend(data.iter().take(MAX_BODY - bytes.len()));
            if bytes.len() == MAX_BODY {
                break;
            }
        }
    };
    let _ = timeout(MAX_BODY_TIME, read).await;
    bytes
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsAcceptor;

    use super::*;

    /// The way outside, with names that lead to these addresses: with each time that they are asked for, to the next of these lists.
    fn outside(allows_loopback: bool, lists: &[&[&str]]) -> Outside {
        let lists: Vec<Vec<IpAddr>> =
            lists.iter().map(|list| list.iter().map(|address| address.parse().unwrap()).collect()).collect();
        let asked = AtomicUsize::new(0);
        let resolve: Resolve = Box::new(move |_| {
            let number = asked.fetch_add(1, Ordering::SeqCst);
            let found = lists.get(number).or(lists.last()).cloned().unwrap_or_default();
            Box::pin(async { Ok(found) })
        });
        Outside { resolve, max_time: Duration::from_millis(300), ..Outside::new(allows_loopback) }
    }

    async fn addresses(outside: &Outside, url: &str) -> Result<Vec<SocketAddr>, Refusal> {
        outside.addresses(&Url::parse(url).unwrap()).await
    }

    async fn post(outside: &Outside, url: &str) -> Result<Answer, Unanswered> {
        outside.post(&Url::parse(url).unwrap(), &[("webhook-id", "1".to_owned())], "{}".to_owned()).await
    }

    #[tokio::test]
    async fn one_private_address_among_public_ones_is_one_too_many() {
        let url = "https://hooks.example.com/";
        let public: SocketAddr = "8.8.8.8:443".parse().unwrap();
        assert_eq!(addresses(&outside(false, &[&["8.8.8.8"]]), url).await, Ok(vec![public]));
        for list in [
            &["8.8.8.8", "10.0.0.1"][..],
            &["10.0.0.1", "8.8.8.8"],
            &["2a00::1", "::ffff:169.254.169.254"],
            &["64:ff9b::8.8.8.8"],
            &["127.0.0.1"],
            &["::1"],
        ] {
            assert_eq!(addresses(&outside(false, &[list]), url).await, Err(Refusal::NotPublic), "{list:?}");
        }
        assert_eq!(addresses(&outside(false, &[&[]]), url).await, Err(Refusal::UnknownHost));
        let unresolved =
            Outside { resolve: Box::new(|_| Box::pin(async { Err(io::Error::other("no")) })), ..Outside::new(true) };
        assert_eq!(addresses(&unresolved, url).await, Err(Refusal::UnknownHost));
    }

    #[tokio::test]
    async fn an_address_without_a_name_is_looked_at_however_it_is_written() {
        let closed = outside(false, &[&["8.8.8.8"]]);
        for url in [
            "https://127.0.0.1/",
            "https://127.1/",
            "https://2130706433/",
            "https://0x7f000001/",
            "https://0177.0.0.1/",
            "https://0/",
            "https://[::1]/",
            "https://[::ffff:7f00:1]/",
            "https://[::ffff:127.0.0.1]/",
            "https://169.254.169.254/latest/meta-data/",
            "https://[fd00:ec2::254]/",
            "https://2852039166/",
            "https://[64:ff9b::a9fe:a9fe]/",
            "https://①②⑦.0.0.1/",
            "https://10.0.0.1:8443/",
            "https://127。0。0。1/",
        ] {
            assert_eq!(addresses(&closed, url).await, Err(Refusal::NotPublic), "{url}");
        }
        let dns: SocketAddr = "1.1.1.1:8443".parse().unwrap();
        assert_eq!(addresses(&closed, "https://1.1.1.1:8443/").await, Ok(vec![dns]));
    }

    #[tokio::test]
    async fn loopback_is_allowed_by_a_parameter_and_nothing_else_is() {
        let local: SocketAddr = "127.0.0.1:4000".parse().unwrap();
        for (open, list, url, expected) in [
            (true, &["127.0.0.1"][..], "http://localhost:4000/", Ok(vec![local])),
            (true, &["127.0.0.1"], "https://localhost:4000/", Ok(vec![local])),
            (true, &[], "http://127.0.0.1:4000/", Ok(vec![local])),
            (false, &["127.0.0.1"], "https://localhost:4000/", Err(Refusal::NotPublic)),
            (true, &["127.0.0.1", "8.8.8.8"], "https://localhost:4000/", Err(Refusal::NotPublic)),
            (true, &["10.0.0.1"], "http://intranet/", Err(Refusal::NotPublic)),
            (true, &[], "http://169.254.169.254/", Err(Refusal::NotPublic)),
            (true, &[], "http://0.0.0.0/", Err(Refusal::NotPublic)),
            (true, &[], "http://[::ffff:127.0.0.1]/", Err(Refusal::NotPublic)),
            // What is elsewhere takes TLS also then.
            (true, &["8.8.8.8"], "http://hooks.example.com/", Err(Refusal::NotHttps)),
        ] {
            assert_eq!(addresses(&outside(open, &[list]), url).await, expected, "{open} {list:?} {url}");
        }
    }

    /// A server of one answer; gives its port.
    async fn server(answer: &'static str, pause: Duration) -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            let mut request = [0; 4096];
            let _ = stream.read(&mut request).await;
            let _ = stream.write_all(answer.as_bytes()).await;
            tokio::time::sleep(pause).await;
        });
        port
    }

    #[tokio::test]
    async fn a_name_is_resolved_once_and_that_is_where_the_connection_goes() {
        let port = server("HTTP/1.1 204 No Content\r\n\r\n", Duration::ZERO).await;
        // Whoever looked a second time would be led elsewhere.
        let rebinding = outside(true, &[&["127.0.0.1"], &["10.0.0.1"]]);
        let answer = post(&rebinding, &format!("http://hooks.example.com:{port}/")).await.unwrap();
        assert_eq!(answer, Answer { status: 204, beginning: String::new() });
        // And whoever trusted what it led to before would be led to this machine.
        let port = server("HTTP/1.1 204 No Content\r\n\r\n", Duration::ZERO).await;
        let rebinding = outside(false, &[&["8.8.8.8"], &["127.0.0.1"]]);
        let url = format!("https://hooks.example.com:{port}/");
        assert!(addresses(&rebinding, &url).await.is_ok());
        assert!(matches!(post(&rebinding, &url).await, Err(Unanswered::Refused(Refusal::NotPublic))));
    }

    #[tokio::test]
    async fn of_an_answer_a_bounded_part_is_read_in_a_bounded_time() {
        let local = outside(true, &[&["127.0.0.1"]]);
        let long = format!("HTTP/1.1 500 No\r\ncontent-length: 1000000\r\n\r\n{}", "é".repeat(5_000));
        let port = server(long.leak(), Duration::from_secs(60)).await;
        let answer = post(&local, &format!("http://localhost:{port}/")).await.unwrap();
        assert_eq!((answer.status, answer.beginning.as_str()), (500, "é".repeat(MAX_BODY / 2).as_str()));
        // The status counts, whenever the rest comes.
        let patient = Outside { max_time: Duration::from_secs(10), ..outside(true, &[&["127.0.0.1"]]) };
        let port = server("HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc", Duration::from_secs(60)).await;
        let answer = post(&patient, &format!("http://localhost:{port}/")).await.unwrap();
        assert_eq!(answer, Answer { status: 200, beginning: "abc".to_owned() });
        // A redirect is an answer like any other.
        let port =
            server("HTTP/1.1 307 Go\r\nlocation: http://127.0.0.1/\r\ncontent-length: 0\r\n\r\n", Duration::ZERO).await;
        assert_eq!(post(&local, &format!("http://localhost:{port}/")).await.unwrap().status, 307);

        for (answer, is_late) in [("", true), ("HTTP/1.1 200", true), ("SSH-2.0-OpenSSH\r\n\r\n", false)] {
            let port = server(answer, Duration::from_secs(60)).await;
            let failure = post(&local, &format!("http://localhost:{port}/")).await.unwrap_err();
            assert_eq!(matches!(failure, Unanswered::TimedOut), is_late, "{answer:?}: {failure}");
        }
        let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let failure = post(&local, &format!("http://localhost:{closed}/")).await.unwrap_err();
        assert!(matches!(failure, Unanswered::NoConnection(_)), "{failure}");
    }

    /// A server with a certificate of this name; gives its port, and whom to trust.
    async fn secure_server(name: &str) -> (u16, Arc<ClientConfig>) {
        let made = rcgen::generate_simple_self_signed([name.to_owned()]).unwrap();
        let certificate = made.cert.der().clone();
        let key = rustls::pki_types::PrivatePkcs8KeyDer::from(made.signing_key.serialize_der());
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server =
            rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
        let server = server.with_no_client_auth().with_single_cert(vec![certificate.clone()], key.into()).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let acceptor = TlsAcceptor::from(Arc::new(server));
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else { continue };
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(b"HTTP/1.1 202 Accepted\r\ncontent-length: 0\r\n\r\n").await;
                let _ = stream.shutdown().await;
            }
        });
        let mut roots = RootCertStore::empty();
        roots.add(certificate).unwrap();
        (port, Arc::new(client_config(roots).unwrap()))
    }

    #[tokio::test]
    async fn tls_asks_for_a_certificate_of_the_name_and_not_of_the_address() {
        let (port, trust) = secure_server("hooks.example.com").await;
        let patient = || Outside { max_time: Duration::from_secs(10), ..outside(true, &[&["127.0.0.1"]]) };
        let trusting = Outside { tls: OnceLock::from(trust), ..patient() };
        let answer = post(&trusting, &format!("https://hooks.example.com:{port}/a?b")).await.unwrap();
        assert_eq!(answer.status, 202);
        for other in ["https://other.example.com", "https://127.0.0.1"] {
            let failure = post(&trusting, &format!("{other}:{port}/")).await.unwrap_err();
            assert!(matches!(failure, Unanswered::NotSecure(_)), "{other}: {failure}");
        }
        // Nobody whom the system trusts has signed it.
        let failure = post(&patient(), &format!("https://hooks.example.com:{port}/")).await.unwrap_err();
        assert!(matches!(failure, Unanswered::NotSecure(_)), "{failure}");
    }
}
