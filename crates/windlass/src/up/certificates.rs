//! The installation's own certificate authority, and the certificates that it signs: one for the server, one for the
//! kubeconfig's owner. They are made on first start and renewed when they are about to expire.

use super::directory::{DataDirectory, make_private, write_private};
use anyhow::Context as _;
use rcgen::{BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, KeyUsagePurpose};
use rustls::RootCertStore;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::WebPkiClientVerifier;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Name under which the owner of the kubeconfig acts.
pub(crate) const ADMIN: &str = "admin";
/// The group that may do everything (Kubernetes' own name).
pub(crate) const ADMIN_GROUP: &str = "system:masters";
/// How long a signed certificate is good.
const LEAF_DAYS: i64 = 365;
/// How long the authority is good.
const AUTHORITY_DAYS: i64 = 3650;
/// A certificate with less time left is renewed.
const RENEW_DAYS: i64 = 30;

/// Paths of what is there; the files are PEM.
#[derive(Clone, Debug)]
pub(crate) struct Certificates {
    directory: PathBuf,
}

impl Certificates {
    /// Makes or renews what is missing or about to expire.
    ///
    /// # Errors
    /// The files cannot be read or written, or hold something else.
    pub(crate) fn prepare(data: &DataDirectory) -> anyhow::Result<Self> {
        let directory = data.join("pki");
        make_private(&directory)?;
        let certificates = Self { directory };
        certificates.renew()?;
        Ok(certificates)
    }

    /// Renews what is about to expire; says whether something was.
    ///
    /// # Errors
    /// As [`Self::prepare`].
    pub(crate) fn renew(&self) -> anyhow::Result<bool> {
        let new_authority = !self.is_good("ca");
        if new_authority {
            let key = KeyPair::generate()?;
            let certificate = authority()?.self_signed(&key)?;
            self.write("ca", &certificate.pem(), &key)?;
        }
        let key = KeyPair::from_pem(&self.read("ca.key")?).context("`pki/ca.key` holds no key")?;
        let issuer = Issuer::new(authority()?, key);
        let mut renewed = new_authority;
        for (name, parameters) in [("server", server()?), ("admin", client(ADMIN, ADMIN_GROUP)?)] {
            if new_authority || !self.is_good(name) {
                let key = KeyPair::generate()?;
                let certificate = parameters.signed_by(&key, &issuer)?;
                self.write(name, &certificate.pem(), &key)?;
                renewed = true;
            }
        }
        Ok(renewed)
    }

    /// The authority's certificate, PEM.
    pub(crate) fn authority(&self) -> anyhow::Result<String> {
        self.read("ca.crt")
    }

    /// Certificate and key of the kubeconfig's owner, PEM.
    pub(crate) fn admin(&self) -> anyhow::Result<(String, String)> {
        Ok((self.read("admin.crt")?, self.read("admin.key")?))
    }

    /// The server's side of TLS: it shows its certificate, and takes client certificates of the same authority, or none.
    ///
    /// # Errors
    /// The files do not hold certificates and keys.
    pub(crate) fn tls(&self) -> anyhow::Result<rustls::ServerConfig> {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority()?.as_bytes())?)?;
        let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider.clone()).allow_unauthenticated().build()?;
        let chain = vec![CertificateDer::from_pem_slice(self.read("server.crt")?.as_bytes())?];
        let key = PrivateKeyDer::from_pem_slice(self.read("server.key")?.as_bytes())?;
        let mut configuration = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()?
            .with_client_cert_verifier(verifier)
            .with_single_cert(chain, key)?;
        configuration.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
        Ok(configuration)
    }

    fn is_good(&self, name: &str) -> bool {
        let there = self.path(&format!("{name}.key")).exists();
        there && self.read(&format!("{name}.crt")).ok().and_then(|pem| expires(&pem)).is_some_and(|at| at - now() > RENEW_DAYS * 86_400)
    }

    fn write(&self, name: &str, certificate: &str, key: &KeyPair) -> anyhow::Result<()> {
        // The key first: a crash between the two leaves a certificate that does not fit, which the next start must not trust.
        self.remove_if_there(&format!("{name}.crt"))?;
        write_private(&self.path(&format!("{name}.key")), key.serialize_pem().as_bytes())?;
        write_private(&self.path(&format!("{name}.crt")), certificate.as_bytes())
    }

    fn remove_if_there(&self, name: &str) -> anyhow::Result<()> {
        match fs_err::remove_file(self.path(name)) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn read(&self, name: &str) -> anyhow::Result<String> {
        Ok(fs_err::read_to_string(self.path(name))?)
    }

    fn path(&self, name: &str) -> PathBuf {
        Path::join(&self.directory, name)
    }
}

/// Seconds since 1970 at which a PEM certificate expires.
fn expires(pem: &str) -> Option<i64> {
    let der = CertificateDer::from_pem_slice(pem.as_bytes()).ok()?;
    let (_, certificate) = x509_parser::parse_x509_certificate(&der).ok()?;
    Some(certificate.validity().not_after.timestamp())
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Name and groups that a client certificate speaks for: its common name and its organizations, as Kubernetes reads them.
pub(crate) fn subject(der: &[u8]) -> Option<(String, Vec<String>)> {
    let (_, certificate) = x509_parser::parse_x509_certificate(der).ok()?;
    let subject = certificate.subject();
    let name = subject.iter_common_name().next()?.as_str().ok()?.to_owned();
    let groups = subject.iter_organization().filter_map(|organization| organization.as_str().ok().map(str::to_owned)).collect();
    Some((name, groups))
}

fn authority() -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = valid_for(CertificateParams::default(), AUTHORITY_DAYS)?;
    parameters.distinguished_name.push(DnType::CommonName, "windlass installation authority");
    parameters.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    parameters.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    Ok(parameters)
}

fn server() -> Result<CertificateParams, rcgen::Error> {
    let names = ["localhost", "127.0.0.1", "::1"].map(str::to_owned);
    let mut parameters = valid_for(CertificateParams::new(names)?, LEAF_DAYS)?;
    parameters.distinguished_name.push(DnType::CommonName, "windlass");
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    Ok(parameters)
}

fn client(name: &str, group: &str) -> Result<CertificateParams, rcgen::Error> {
    let mut parameters = valid_for(CertificateParams::default(), LEAF_DAYS)?;
    parameters.distinguished_name.push(DnType::OrganizationName, group);
    parameters.distinguished_name.push(DnType::CommonName, name);
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    Ok(parameters)
}

/// From yesterday, so that a clock that is a little behind does not refuse it.
fn valid_for(mut parameters: CertificateParams, days: i64) -> Result<CertificateParams, rcgen::Error> {
    let day = |offset: i64| {
        let time = jiff::Timestamp::from_second(now() + offset * 86_400).map_err(|_| rcgen::Error::Time)?;
        let date = time.to_zoned(jiff::tz::TimeZone::UTC).date();
        let part = |value: i8| u8::try_from(value).map_err(|_| rcgen::Error::Time);
        Ok(rcgen::date_time_ymd(i32::from(date.year()), part(date.month())?, part(date.day())?))
    };
    parameters.not_before = day(-1)?;
    parameters.not_after = day(days)?;
    parameters.distinguished_name = rcgen::DistinguishedName::new();
    parameters.use_authority_key_identifier_extension = true;
    parameters.key_usages = vec![KeyUsagePurpose::DigitalSignature];
    Ok(parameters)
}

#[cfg(test)]
mod tests {
    use super::super::directory::Hold;
    use super::*;

    fn certificates() -> (tempfile::TempDir, Certificates) {
        let directory = tempfile::tempdir().expect("a directory");
        let Ok(Hold::Ours(data)) = DataDirectory::hold(&directory.path().join("data"), "") else { panic!("nobody else has it") };
        let certificates = Certificates::prepare(&data).expect("made");
        (directory, certificates)
    }

    #[test]
    fn they_are_made_once_and_renewed_when_damaged() {
        let (_directory, certificates) = certificates();
        let before = certificates.admin().expect("there");
        assert!(!certificates.renew().expect("looked at"));
        assert_eq!(certificates.admin().expect("there"), before);
        fs_err::write(certificates.path("admin.crt"), "damaged").expect("written");
        let authority = certificates.authority().expect("there");
        assert!(certificates.renew().expect("renewed"));
        assert_ne!(certificates.admin().expect("there"), before);
        assert_eq!(certificates.authority().expect("there"), authority);
        certificates.tls().expect("usable");
    }

    #[test]
    fn a_client_certificate_says_who_and_which_groups() {
        let (_directory, certificates) = certificates();
        let pem = certificates.admin().expect("there").0;
        let der = CertificateDer::from_pem_slice(pem.as_bytes()).expect("a certificate");
        assert_eq!(subject(&der), Some((ADMIN.to_owned(), vec![ADMIN_GROUP.to_owned()])));
        assert!(expires(&pem).expect("a date") - now() > 300 * 86_400);
    }
}
