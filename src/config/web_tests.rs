//! Files of exporters, and what is said of those that cannot be used.

use super::*;

/// `password`, at the least cost.
const HASH: &str = "$2y$04$PEkhUoPRGWEHxwXIoUe4P.y0cQdsyt.I8mNM0gPh9ZPYX5JgXe3rG";

/// What a configuration says that names a file with `text`, beside a certificate and a key.
fn read(text: &str) -> Result<WebConfig, String> {
    let dir = tempfile::tempdir().unwrap();
    let web = dir.path().join("web");
    std::fs::create_dir(&web).unwrap();
    for (name, text) in [("web.yml", text), ("cert.pem", "a cert"), ("key.pem", "a key")] {
        std::fs::write(web.join(name), text).unwrap();
    }
    let config = "state_dir: s\ntargets: {a: {url: 'postgres://a@db/x'}}\n\
                  listen: {metrics_web_config: web/web.yml}\n";
    let config = Config::parse(&dir.path().join("revoked.yaml"), config);
    let config = config.map_err(|error| error.to_string())?;
    for file in ["web.yml", "cert.pem"].iter().filter(|_| text.contains("cert_file")) {
        assert!(config.files.contains(&web.join(file)), "{file} is not watched");
    }
    config.metrics_web.ok_or_else(|| "nothing".to_owned())
}

const TLS: &str = "tls_server_config: {cert_file: cert.pem, key_file: key.pem";

#[test]
fn files_of_exporters_are_taken() {
    assert_eq!(read("").unwrap(), WebConfig::default());
    let tls = read(&format!("{TLS}}}")).unwrap().tls.unwrap();
    assert_eq!((tls.cert.as_str(), tls.key.expose_secret()), ("a cert", "a key"));
    assert_eq!((tls.client_auth, tls.only_tls13), (ClientAuth::Nobody, false));
    let more = "client_auth_type: RequireAndVerifyClientCert, client_ca_file: cert.pem, min_version: TLS13";
    let tls = read(&format!("{TLS}, {more}}}\nhttp_server_config: {{http2: false}}")).unwrap();
    let tls = tls.tls.unwrap();
    assert_eq!(tls.client_auth, ClientAuth::Everybody("a cert".to_owned()));
    assert!(tls.only_tls13);
    let users = read(&format!("basic_auth_users: {{prom: '{HASH}'}}")).unwrap();
    assert_eq!((users.users.len(), users.cost), (1, 4));
    assert!(!format!("{users:?}").contains("$2y$"), "hashes can be guessed at");
}

#[test]
fn what_cannot_be_used_is_said_with_its_key() {
    let cases = [
        ("rate_limit: {burst: 1}", "rate_limit: unknown field `rate_limit`"),
        ("tls_server_config: {cert_file: cert.pem}", "tls_server_config: missing field `key_file`"),
        (
            "tls_server_config: {cert_file: no.pem, key_file: key.pem}",
            "web.yml: tls_server_config.cert_file: reading",
        ),
        (&format!("{TLS}, client_allowed_sans: [x]}}"), "unknown field `client_allowed_sans`"),
        (&format!("{TLS}, min_version: TLS10}}"), "unknown variant `TLS10`, expected `TLS12` or"),
        (&format!("{TLS}, client_auth_type: RequestClientCert}}"), "`RequestClientCert`"),
        (
            &format!("{TLS}, client_ca_file: cert.pem}}"),
            "client_auth_type: there is a client_ca_file",
        ),
        (
            &format!("{TLS}, client_auth_type: VerifyClientCertIfGiven}}"),
            "client_auth_type: certificates are verified by client_ca_file; name it",
        ),
        ("basic_auth_users: {prom: hunter2}", "basic_auth_users.prom: no bcrypt hash"),
        (
            "basic_auth_users: {prom: '$2y$31$PEkhUoPRGWEHxwXIoUe4P.y0cQdsyt.I8mNM0gPh9ZPYX5JgXe3rG'}",
            "basic_auth_users.prom: a hash has a cost of 4 to 14, not 31",
        ),
        (
            "basic_auth_users: {'a:b': x}",
            "basic_auth_users.a:b: a user has a name, without a colon",
        ),
    ];
    for (text, wanted) in cases {
        let error = read(text).unwrap_err();
        assert!(error.contains(wanted), "{text}: {error}");
        assert!(error.contains("listen.metrics_web_config: web/web.yml: "), "{error}");
        assert!(!error.contains("hunter2"), "{error}");
    }
}
