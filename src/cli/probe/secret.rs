//! Reading the secret to try: from a file or standard input, never from an argument that others can see.

use crate::cli::output::shown;
use anyhow::{Context as _, Result, bail};
use secrecy::SecretString;
use std::fs::File;
use std::io::Read;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use zeroize::Zeroizing;

/// Longest secret. PostgreSQL takes no longer one.
const LONGEST: usize = 1_024;

/// The secret in the only line of `path`, `-` for standard input.
pub(super) fn read(path: &Path) -> Result<SecretString> {
    if path == Path::new("-") {
        return secret(std::io::stdin().lock()).context("--secret-file -");
    }
    let name = shown(&path.display().to_string());
    let file = File::open(path).with_context(|| format!("--secret-file: reading {name}"))?;
    let mode = file.metadata().map_or(0, |meta| meta.permissions().mode());
    if mode & 0o077 != 0 {
        eprintln!(
            "revoked: {name} can be read by others; chmod 600 it, or remove it after the probe"
        );
    }
    secret(file).with_context(|| format!("--secret-file {name}"))
}

fn secret(reader: impl Read) -> Result<SecretString> {
    // All the room at once: what grows leaves copies behind.
    let mut bytes = Zeroizing::new(Vec::with_capacity(LONGEST + 3));
    reader.take(LONGEST as u64 + 3).read_to_end(&mut bytes).context("reading it")?;
    let line = bytes.strip_suffix(b"\n").unwrap_or(&bytes);
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.is_empty() {
        bail!("it is empty; no server accepts an empty password");
    }
    if line.len() > LONGEST {
        bail!("it is longer than {LONGEST} bytes");
    }
    if line.contains(&b'\n') || line.contains(&0) {
        bail!("the secret has to be its only line");
    }
    let Ok(text) = std::str::from_utf8(line) else { bail!("it is not UTF-8") };
    Ok(SecretString::from(text))
}

#[cfg(test)]
mod tests {
    use super::secret;
    use secrecy::ExposeSecret as _;

    #[test]
    fn one_line_and_nothing_else() {
        for (bytes, read) in
            [("old", "old"), ("old\n", "old"), ("old\r\n", "old"), (" a b ", " a b ")]
        {
            assert_eq!(secret(bytes.as_bytes()).unwrap().expose_secret(), read);
        }
        for wrong in [&b""[..], b"\n", b"a\nb", b"a\n\n", b"\xff", b"a\0b", &[b'a'; 1_100]] {
            assert!(secret(wrong).is_err(), "{wrong:?}");
        }
    }
}
