//! https, and what a server asks for before other machines can reach it.

mod common;

use camino::{Utf8Path, Utf8PathBuf};
use common::{Served, block_on, config};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use stepwell_api::Role;
use stepwell_server::{Mode, ServeError, TlsFiles};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

/// An authority, and a certificate of it for 127.0.0.1.
fn certificates(folder: &Utf8Path) -> (String, TlsFiles) {
    let key = KeyPair::generate().expect("a key");
    let mut params = CertificateParams::new([]).expect("parameters");
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(params, key).expect("an authority");
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(["127.0.0.1".to_owned()]).expect("parameters");
    let certificate = params.signed_by(&key, &authority).expect("signed");
    let files = TlsFiles {
        certificate: folder.join("tls.pem"),
        key: folder.join("key.pem"),
    };
    std::fs::write(&files.certificate, certificate.pem()).expect("written");
    std::fs::write(&files.key, key.serialize_pem()).expect("written");
    (authority.pem(), files)
}

fn folder() -> (camino_tempfile::Utf8TempDir, Utf8PathBuf) {
    let guard = camino_tempfile::tempdir().expect("a folder");
    let path = guard.path().to_owned();
    (guard, path)
}

#[test]
fn https_is_spoken_to_who_trusts_the_authority() {
    let (_guard, folder) = folder();
    let (authority, files) = certificates(&folder);
    let server = Served::with(|config| {
        config.tls = Some(files);
        config.port = Some(0);
    });
    let shared = server.endpoint.shared_url.clone().expect("another URL");
    assert!(shared.starts_with("https://127.0.0.1:"), "{shared}");

    let ask = |url: &str, roots: RootCerts| {
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .tls_config(TlsConfig::builder().root_certs(roots).build())
            .build()
            .into();
        let token = format!("Bearer {}", server.endpoint.token);
        let request = agent.get(format!("{url}/api/v1/workspace"));
        let answer = request.header("authorization", token).call();
        answer.map(|mut answer| answer.body_mut().read_to_string().expect("a body"))
    };
    let trusted = Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    let trusted = RootCerts::new_with_certs(&[trusted.to_owned()]);
    let answer = ask(&shared, trusted).expect("trusted");
    assert!(answer.contains(r#""name":"test""#), "{answer}");
    ask(&shared, RootCerts::WebPki).expect_err("the authority is not a well-known one");
    let plain = shared.replace("https://", "http://");
    ask(&plain, RootCerts::WebPki).expect_err("nothing is sent unencrypted");
    assert_eq!(
        server.own("GET", "/api/v1/workspace", "").status,
        200,
        "here"
    );
}

#[test]
fn a_cookie_given_over_https_stays_on_https() {
    let (_guard, folder) = folder();
    let (authority, files) = certificates(&folder);
    let server = Served::with(|config| {
        config.tls = Some(files);
        config.port = Some(0);
    });
    let trusted = Certificate::from_pem(authority.as_bytes()).expect("a certificate");
    let roots = RootCerts::new_with_certs(&[trusted.to_owned()]);
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
        .into();
    let url = format!(
        "{}/session",
        server.endpoint.shared_url.as_ref().expect("a URL")
    );
    let token = format!("Bearer {}", server.endpoint.token);
    let opened = agent.post(url).header("authorization", token).send("{}");
    let opened = opened.expect("let in");
    let set = opened.headers()["set-cookie"].to_str().expect("text");
    assert!(set.ends_with("; Secure"), "{set}");
}

#[test]
fn files_that_are_no_pair_are_refused_by_name() {
    let (_guard, folder) = folder();
    let (_, files) = certificates(&folder);
    let other = folder.join("other");
    std::fs::create_dir(&other).expect("a folder");
    let (_, others) = certificates(&other);
    let broken = folder.join("broken.pem");
    std::fs::write(&broken, "nothing").expect("written");
    let of = |certificate: &Utf8Path, key: &Utf8Path| TlsFiles {
        certificate: certificate.to_owned(),
        key: key.to_owned(),
    };
    let cases = [
        (of(&folder.join("none.pem"), &files.key), "none.pem"),
        (of(&broken, &files.key), "broken.pem"),
        (of(&files.certificate, &broken), "broken.pem"),
        (
            of(&files.certificate, &others.key),
            "cannot be used together",
        ),
    ];
    for (files, expected) in cases {
        let data = camino_tempfile::tempdir().expect("a folder");
        let mut config = config(&data);
        config.tls = Some(files);
        let refused = block_on(config, |_| ()).expect_err("it must not serve");
        assert!(matches!(refused, ServeError::Tls(_)), "{refused}");
        assert!(refused.to_string().contains(expected), "{refused}");
        assert!(!refused.hint().is_empty());
    }
}

#[test]
fn other_machines_are_not_let_near_before_somebody_was_given_a_token() {
    let data = camino_tempfile::tempdir().expect("a folder");
    let open = |mode| {
        let mut config = config(&data);
        config.host = std::net::Ipv4Addr::UNSPECIFIED.into();
        config.mode = mode;
        let ready = |_: &_| panic!("it must not listen");
        block_on(config, ready).expect_err("refused")
    };
    let refused = open(Mode::Embedded);
    assert!(matches!(refused, ServeError::NoToken { .. }), "{refused}");
    assert!(refused.hint().contains("stepwell token create"));

    // A reader's token is not enough for a team's server: nobody could give others.
    let folder = config(&data).data_folder;
    let (sender, receiver) = std::sync::mpsc::channel();
    let within = config(&data);
    let serving = std::thread::spawn(move || {
        block_on(within, |endpoint| {
            sender.send(endpoint.clone()).expect("sent");
        })
    });
    let endpoint = receiver.recv().expect("ready");
    assert_eq!(endpoint.data_folder, folder);
    let agent: ureq::Agent = ureq::Agent::config_builder().build().into();
    let post = |path: &str, body: &str| {
        let request = agent.post(format!("{}/api/v1/{path}", endpoint.url));
        let token = format!("Bearer {}", endpoint.token);
        request
            .header("authorization", token)
            .send(body)
            .expect("done")
    };
    let role = Role::Reader.as_str();
    post("tokens", &format!(r#"{{"name": "r", "role": "{role}"}}"#));
    post("shutdown", "");
    serving.join().expect("ended").expect("served");
    let refused = open(Mode::Shared);
    assert!(refused.to_string().contains("of an owner"), "{refused}");
}
