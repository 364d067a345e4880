//! The file that is read, and the file beside it that is written.

use crate::intake::batch::FILE as LARGEST;
use anyhow::{Context as _, Result, anyhow, bail};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

fn is_stdin(file: &Path) -> bool {
    file.as_os_str() == "-"
}

/// The bytes of `file`.
pub(in crate::cli::expect) fn read(file: &Path) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = LARGEST + 1;
    if is_stdin(file) {
        std::io::stdin().take(limit).read_to_end(&mut bytes).context("reading standard input")?;
    } else {
        let open = std::fs::File::open(file).context("opening the file")?;
        open.take(limit).read_to_end(&mut bytes).context("reading the file")?;
    }
    if bytes.len() as u64 > LARGEST {
        bail!("a file has up to {} MiB; split it, each part with the header", LARGEST >> 20);
    }
    Ok(bytes)
}

/// Where the results go: `users.csv` has `users.result.csv` beside it.
pub(super) fn result_place(file: &Path, asked: Option<&Path>) -> Option<PathBuf> {
    match asked {
        Some(place) => Some(place.to_owned()),
        None if is_stdin(file) => None,
        None => Some(file.with_extension("result.csv")),
    }
}

fn directory(place: &Path) -> &Path {
    match place.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Whether `place` can be written and is not the input: who sends rows has to be able to tell of them.
pub(super) fn writable(place: &Path, input: &Path) -> Result<()> {
    let name = place.display();
    if let Ok(meta) = std::fs::metadata(place) {
        if !meta.is_file() {
            bail!("--result {name}: that is no file");
        }
        if place.canonicalize().ok() == input.canonicalize().ok() {
            bail!("--result {name}: that is the input, which is never written");
        }
    }
    if place.file_name().is_none() {
        bail!("--result {name}: that is no file");
    }
    if let Err(error) = tempfile::NamedTempFile::new_in(directory(place)) {
        let why = in_words(&error, directory(place));
        bail!("the results cannot be written to {name}: {why}; name another --result");
    }
    Ok(())
}

/// Why no file can be made in `directory`. What the library says names a file of its own, which nobody knows.
fn in_words(error: &std::io::Error, directory: &Path) -> String {
    let directory = directory.display();
    let is = |kinds: &[ErrorKind]| kinds.contains(&error.kind());
    if is(&[ErrorKind::NotFound]) {
        format!("there is no directory {directory}")
    } else if is(&[ErrorKind::NotADirectory]) {
        format!("{directory} is no directory")
    } else if is(&[ErrorKind::PermissionDenied]) {
        format!("this user may make no file in {directory}")
    } else if is(&[ErrorKind::ReadOnlyFilesystem]) {
        format!("nothing can be written in {directory}")
    } else if is(&[ErrorKind::StorageFull, ErrorKind::QuotaExceeded]) {
        format!("{directory} is full")
    } else {
        format!("no file can be made in {directory} ({})", error.kind())
    }
}

/// Puts `bytes` at `place`, all or nothing.
pub(super) fn replace(place: &Path, bytes: &[u8]) -> Result<()> {
    let written = || -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(directory(place))?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(place).map_err(|error| error.error)?;
        Ok(())
    };
    written().map_err(|error| {
        let why = in_words(&error, directory(place));
        anyhow!("the results were not written to {}: {why}", place.display())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_result_lies_beside_the_input() {
        for (file, place) in [
            ("users.csv", "users.result.csv"),
            ("/a/b.c/users.CSV", "/a/b.c/users.result.csv"),
            ("users", "users.result.csv"),
            ("2026.03.csv", "2026.03.result.csv"),
        ] {
            assert_eq!(result_place(Path::new(file), None), Some(PathBuf::from(place)));
        }
        assert_eq!(result_place(Path::new("-"), None), None);
    }

    #[test]
    fn what_must_not_be_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let input = dir.path().join("users.csv");
        std::fs::write(&input, "x").unwrap();
        std::os::unix::fs::symlink(&input, dir.path().join("link")).unwrap();
        let at = |name: &str| writable(&dir.path().join(name), &input).map_err(|e| e.to_string());
        assert!(at("users.csv").unwrap_err().contains("the input"));
        assert!(at("link").unwrap_err().contains("the input"));
        let none = at("none/result.csv").unwrap_err();
        assert!(
            none.contains("cannot be written") && none.contains("there is no directory"),
            "{none}"
        );
        assert!(!none.contains("at path"), "{none}");
        assert!(writable(dir.path(), &input).unwrap_err().to_string().contains("no file"));
        assert!(writable(Path::new("/dev/null"), &input).is_err());
        assert_eq!(at("result.csv"), Ok(()));
        replace(&dir.path().join("result.csv"), b"one").unwrap();
        assert_eq!(at("result.csv"), Ok(()));
        replace(&dir.path().join("result.csv"), b"two").unwrap();
        assert_eq!(std::fs::read(dir.path().join("result.csv")).unwrap(), b"two");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 3, "nothing else is left");
    }
}
