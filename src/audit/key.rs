//! The signing key: its file, its public text, its signatures.

use super::signer::{PublicKey, SignError, Signer};
use crate::domain::hex::hex;
use ed25519_dalek::SigningKey;
use ed25519_dalek::pkcs8::spki::der::pem::LineEnding;
use ed25519_dalek::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, KeypairBytes};
use sha2::{Digest, Sha256};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// `O_NOFOLLOW` of Linux: a key that is a symbolic link could be pointed elsewhere between check and use.
const O_NOFOLLOW: i32 = 0o400_000;

/// A key file that will not be used, and why.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// It could not be opened, read or written.
    #[error("signing key {path}: {doing}")]
    Io {
        /// Where.
        path: PathBuf,
        /// What was being done.
        doing: &'static str,
        /// What went wrong.
        #[source]
        source: std::io::Error,
    },
    /// Others could read or replace it.
    #[error("signing key {path} is refused: {why}")]
    Unsafe {
        /// Where.
        path: PathBuf,
        /// Why, and what to do.
        why: String,
    },
    /// It is not a key.
    #[error("signing key {path} is not an ed25519 private key in PKCS#8 PEM form")]
    Form {
        /// Where.
        path: PathBuf,
    },
    /// The operating system gave no randomness.
    #[error("making a key: no randomness from the operating system")]
    Random(#[source] std::io::Error),
}

/// The private key of one log, in a file.
pub struct LogKey {
    public: PublicKey,
    key: SigningKey,
}

impl std::fmt::Debug for LogKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LogKey").field("vkey", &self.vkey()).finish_non_exhaustive()
    }
}

impl Signer for LogKey {
    fn public(&self) -> &PublicKey {
        &self.public
    }

    fn sign(&self, text: &[u8]) -> Result<[u8; 64], SignError> {
        Ok(ed25519_dalek::Signer::sign(&self.key, text).to_bytes())
    }
}

impl LogKey {
    /// A new key from 32 random bytes.
    #[must_use]
    pub fn from_seed(origin: &str, seed: &Zeroizing<[u8; 32]>) -> Self {
        Self::new(origin, SigningKey::from_bytes(seed))
    }

    fn new(origin: &str, key: SigningKey) -> Self {
        Self { public: PublicKey::new(origin, key.verifying_key()), key }
    }

    /// Writes the key as PKCS#8 version 1 PEM (OpenSSL cannot read version 2), mode 0600, never over an
    /// existing file, and syncs it.
    ///
    /// # Errors
    /// When the file exists or cannot be written.
    pub fn write(&self, path: &Path) -> Result<(), KeyError> {
        let io = |doing| move |source| KeyError::Io { path: path.to_owned(), doing, source };
        let pem = KeypairBytes { secret_key: self.key.to_bytes(), public_key: None }
            .to_pkcs8_pem(LineEnding::LF)
            .map_err(|_| KeyError::Form { path: path.to_owned() })?;
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(O_NOFOLLOW)
            .open(path)
            .map_err(io("making the file"))?;
        file.write_all(pem.as_bytes()).map_err(io("writing"))?;
        file.sync_all().map_err(io("syncing"))
    }

    /// Reads the key of the log `origin`.
    ///
    /// # Errors
    /// When the file is a symbolic link, belongs to somebody else, is readable by group or others, lies in
    /// the log's directory or where others may replace it, or is not an ed25519 key, or a weak one.
    pub fn read(path: &Path, origin: &str, log_dir: &Path) -> Result<Self, KeyError> {
        let io = |doing| move |source| KeyError::Io { path: path.to_owned(), doing, source };
        let mut file = OpenOptions::new()
            .read(true)
            .custom_flags(O_NOFOLLOW)
            .open(path)
            .map_err(io("opening (it must be a file of its own, not a symbolic link)"))?;
        refuse_unsafe(&file, path, log_dir)?;
        let mut pem = Zeroizing::new(String::new());
        file.read_to_string(&mut pem).map_err(io("reading"))?;
        let key = SigningKey::from_pkcs8_pem(&pem)
            .map_err(|_| KeyError::Form { path: path.to_owned() })?;
        if key.verifying_key().is_weak() {
            return Err(KeyError::Unsafe {
                path: path.to_owned(),
                why: "it is a weak key; make a new one with `revoked init`".to_owned(),
            });
        }
        Ok(Self::new(origin, key))
    }

    /// Name of the log this key signs.
    #[must_use]
    pub fn origin(&self) -> &str {
        self.public.origin()
    }

    /// The C2SP verifier key: what auditors pin.
    #[must_use]
    pub fn vkey(&self) -> String {
        self.public.vkey()
    }

    /// The ed25519 signature of `text`.
    pub(super) fn signature(&self, text: &[u8]) -> [u8; 64] {
        ed25519_dalek::Signer::sign(&self.key, text).to_bytes()
    }
}

/// Hash by which a log commits to its next key: SHA-256 of the key's vkey text.
#[must_use]
pub fn commitment(vkey: &str) -> String {
    hex(&Sha256::digest(vkey.as_bytes()))
}

fn refuse_unsafe(file: &File, path: &Path, log_dir: &Path) -> Result<(), KeyError> {
    let unsafe_key = |why: String| Err(KeyError::Unsafe { path: path.to_owned(), why });
    let io = |doing| move |source| KeyError::Io { path: path.to_owned(), doing, source };
    let meta = file.metadata().map_err(io("looking at the file"))?;
    let me = me(path)?;
    if !meta.is_file() {
        return unsafe_key("it is not a regular file".to_owned());
    }
    if meta.uid() != me {
        return unsafe_key(format!("it belongs to uid {}, but this runs as uid {me}", meta.uid()));
    }
    if meta.permissions().mode() & 0o077 != 0 {
        return unsafe_key(format!(
            "group or others may use it (mode {:o}); run: chmod 600 {}",
            meta.permissions().mode() & 0o777,
            path.display()
        ));
    }
    refuse_unsafe_directory(path, me)?;
    let (key, log) = (path.canonicalize(), log_dir.canonicalize());
    if let (Ok(key), Ok(log)) = (key, log)
        && key.starts_with(&log)
    {
        return unsafe_key(format!(
            "it lies in the log's directory {}, where copies of the log would carry it along",
            log.display()
        ));
    }
    Ok(())
}

/// Refuses a path where others could put another key in the place of one that is made there.
pub(super) fn refuse_unsafe_place(path: &Path) -> Result<(), KeyError> {
    refuse_unsafe_directory(path, me(path)?)
}

fn me(path: &Path) -> Result<u32, KeyError> {
    let this = std::fs::metadata("/proc/self").map_err(|source| KeyError::Io {
        path: path.to_owned(),
        doing: "finding out who runs this",
        source,
    })?;
    Ok(this.uid())
}

/// Whoever may write the directory can put another key in the place of this one.
fn refuse_unsafe_directory(path: &Path, me: u32) -> Result<(), KeyError> {
    let unsafe_key = |why: String| Err(KeyError::Unsafe { path: path.to_owned(), why });
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let meta = std::fs::metadata(dir).map_err(|source| KeyError::Io {
        path: path.to_owned(),
        doing: "looking at its directory",
        source,
    })?;
    if meta.uid() != me && meta.uid() != 0 {
        return unsafe_key(format!(
            "its directory {} belongs to uid {}, who could replace it; run: chown {me} {}",
            dir.display(),
            meta.uid(),
            dir.display()
        ));
    }
    // In a sticky directory, such as /tmp, a file can be replaced by its owner alone.
    let mode = meta.permissions().mode();
    if mode & 0o022 != 0 && mode & 0o1000 == 0 {
        return unsafe_key(format!(
            "others may write its directory {} (mode {:o}), and so replace it; run: chmod go-w {}",
            dir.display(),
            mode & 0o777,
            dir.display()
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key() -> LogKey {
        LogKey::from_seed("test/log", &Zeroizing::new([7; 32]))
    }

    #[test]
    fn a_key_reads_back_from_its_file() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        key().write(&path).unwrap();
        let read = LogKey::read(&path, "test/log", Path::new("/nonexistent")).unwrap();
        assert_eq!(read.vkey(), key().vkey());
        assert!(key().write(&path).is_err(), "never over an existing key");
    }

    #[test]
    fn unsafe_files_are_refused_with_the_reason() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        key().write(&path).unwrap();
        let elsewhere = Path::new("/nonexistent");

        let inside = LogKey::read(&path, "o", dir.path()).unwrap_err().to_string();
        assert!(inside.contains("log's directory"), "{inside}");

        let link = dir.path().join("link.key");
        std::os::unix::fs::symlink(&path, &link).unwrap();
        let linked = LogKey::read(&link, "o", elsewhere).unwrap_err().to_string();
        assert!(linked.contains("not a symbolic link"), "{linked}");

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
        let open = LogKey::read(&path, "o", elsewhere).unwrap_err().to_string();
        assert!(open.contains("chmod 600"), "{open}");

        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        for (mode, fits) in [(0o770, false), (0o707, false), (0o755, true), (0o1777, true)] {
            std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(mode)).unwrap();
            let read = LogKey::read(&path, "o", elsewhere);
            assert_eq!(read.is_ok(), fits, "{mode:o}");
            if let Err(error) = read {
                assert!(error.to_string().contains("chmod go-w"), "{error}");
            }
        }
        std::fs::set_permissions(dir.path(), std::fs::Permissions::from_mode(0o700)).unwrap();

        // Only root can give a file away.
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            std::os::unix::fs::chown(&path, Some(65_534), None).unwrap();
            let foreign = LogKey::read(&path, "o", elsewhere).unwrap_err().to_string();
            assert!(foreign.contains("belongs to uid 65534"), "{foreign}");
        }

        let junk = dir.path().join("junk.key");
        OpenOptions::new().write(true).create_new(true).mode(0o600).open(&junk).unwrap();
        assert!(matches!(LogKey::read(&junk, "o", elsewhere), Err(KeyError::Form { .. })));
    }

    /// No secret is known whose public half is of small order; a file may say that it has such a one.
    #[test]
    fn a_file_with_a_weak_public_half_is_refused() {
        use ed25519_dalek::pkcs8::PublicKeyBytes;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("log.key");
        let read = |public: [u8; 32]| {
            let public_key = Some(PublicKeyBytes(public));
            let pem = KeypairBytes { secret_key: [7; 32], public_key };
            let _ = std::fs::remove_file(&path);
            let mut options = OpenOptions::new();
            let mut file = options.write(true).create_new(true).mode(0o600).open(&path).unwrap();
            file.write_all(pem.to_pkcs8_pem(LineEnding::LF).unwrap().as_bytes()).unwrap();
            LogKey::read(&path, "test/log", Path::new("/nonexistent"))
        };
        let own = SigningKey::from_bytes(&[7; 32]).verifying_key().to_bytes();
        assert_eq!(read(own).unwrap().vkey(), key().vkey());
        for point in crate::audit::signer::tests::small_order() {
            assert!(matches!(read(point), Err(KeyError::Form { .. })), "{point:?}");
        }
    }
}
