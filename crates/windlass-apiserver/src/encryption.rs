//! Secrets as they are stored: sealed with XChaCha20-Poly1305 under the installation's key, bound to their place.
//!
//! Layout: the byte 1, a random nonce of 24 bytes, the sealed text. Plain objects begin with `{`, so the two never mix.

use std::fmt;

use bytes::Bytes;
use chacha20poly1305::aead::{Aead as _, KeyInit as _, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use rand::RngCore as _;

const SEALED: u8 = 1;
const NONCE: usize = 24;

/// The key that Secrets are stored under. Shows nothing of itself.
#[derive(Clone)]
pub struct EncryptionKey(XChaCha20Poly1305);

impl fmt::Debug for EncryptionKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("EncryptionKey")
    }
}

impl EncryptionKey {
    /// From 32 random bytes that the owner of the server keeps.
    pub fn new(key: &[u8; 32]) -> EncryptionKey {
        EncryptionKey(XChaCha20Poly1305::new(key.into()))
    }

    /// Seals a text so that it can only be opened at the same place.
    pub(crate) fn seal(&self, place: &str, text: &[u8]) -> Bytes {
        let mut nonce = [0; NONCE];
        rand::rng().fill_bytes(&mut nonce);
        let payload = Payload { msg: text, aad: place.as_bytes() };
        let sealed = self.0.encrypt(XNonce::from_slice(&nonce), payload).expect("the cipher takes any text that fits into memory");
        let mut out = Vec::with_capacity(1 + NONCE + sealed.len());
        out.push(SEALED);
        out.extend_from_slice(&nonce);
        out.extend_from_slice(&sealed);
        Bytes::from(out)
    }

    /// The text; none if it was sealed under another key, at another place, or changed.
    pub(crate) fn open(&self, place: &str, stored: &Bytes) -> Option<Bytes> {
        let [SEALED, rest @ ..] = &stored[..] else { return Some(stored.clone()) };
        let (nonce, sealed) = rest.split_at_checked(NONCE)?;
        let payload = Payload { msg: sealed, aad: place.as_bytes() };
        self.0.decrypt(XNonce::from_slice(nonce), payload).ok().map(Bytes::from)
    }
}

#[cfg(test)]
mod tests {
    //! What is sealed opens only where it belongs.

    use super::*;

    #[test]
    fn what_is_sealed_opens_only_at_its_place() {
        let key = EncryptionKey::new(&[7; 32]);
        let sealed = key.seal("secrets/default/a", b"{\"data\":1}");
        assert!(!sealed.windows(4).any(|window| window == b"data"));
        assert_eq!(key.open("secrets/default/a", &sealed).unwrap(), "{\"data\":1}");
        assert_eq!(key.open("secrets/default/b", &sealed), None);
        assert_eq!(EncryptionKey::new(&[8; 32]).open("secrets/default/a", &sealed), None);
        let mut changed = sealed.to_vec();
        *changed.last_mut().unwrap() ^= 1;
        assert_eq!(key.open("secrets/default/a", &Bytes::from(changed)), None);
        assert_eq!(key.open("secrets/default/a", &Bytes::from_static(&[1, 2])), None);
    }

    #[test]
    fn plain_text_passes() {
        let plain = Bytes::from_static(b"{}");
        assert_eq!(EncryptionKey::new(&[7; 32]).open("x", &plain), Some(plain));
    }
}
