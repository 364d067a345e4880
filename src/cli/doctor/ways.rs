//! The ways in beside the API: security event tokens, and the folder of files.

use super::section::{Level, Section};
use crate::config::{Config, Inbox, SsfIssuer};
use crate::inbox;
use crate::intake::ssf::count_keys;
use std::io::ErrorKind;

/// Files that lie in `rejected/` are worth a word beyond so many in `done/`, too: nobody takes them away.
const MANY: usize = 10_000;

/// Sections about what is configured.
pub(super) async fn sections(config: &Config) -> Vec<Section> {
    let mut sections = Vec::new();
    for issuer in &config.ssf.issuers {
        sections.push(signals(issuer).await);
    }
    sections.extend(config.inbox.as_ref().map(folder));
    sections
}

async fn signals(issuer: &SsfIssuer) -> Section {
    let mut section = Section::new("signals", issuer.name.as_str());
    section.fact("issuer", issuer.issuer.as_str());
    section.fact("audience", issuer.audience.clone());
    section.fact("subject", issuer.subject.as_str());
    match count_keys(issuer).await {
        Ok(keys) => {
            section.fact("keys", keys);
            section.say(Level::Ok, format!("keys of {} that tokens can be checked by: {keys}", issuer.issuer));
        }
        Err(error) => section.advise(
            Level::Gap,
            format!("its keys cannot be read: {error:#}"),
            "make jwks_url answer with a JWK set that has an RSA or P-256 key; the agent answers 503 to tokens by \
             keys that it does not know",
        ),
    }
    if issuer.token.is_none() {
        section.say(
            Level::Note,
            "its transmitter sends no bearer token; the signature says who it is",
        );
    }
    section
}

fn folder(inbox: &Inbox) -> Section {
    let mut section = Section::new("inbox", inbox.dir.display().to_string());
    section.fact("source", format!("inbox:{}", inbox.source));
    let found = match inbox::survey(inbox) {
        Ok(found) => found,
        Err(error) => {
            let denied = error.chain().any(|cause| {
                let cause = cause.downcast_ref::<std::io::Error>();
                cause.is_some_and(|error| error.kind() == ErrorKind::PermissionDenied)
            });
            let text = format!("it cannot be read: {error:#}");
            if denied {
                section.advise(
                    Level::Unchecked,
                    text,
                    "run doctor as the agent's user, or as root",
                );
            } else {
                section.advise(
                    Level::Gap,
                    text,
                    "make the directory, owned by the agent's user; files that people drop elsewhere are not read",
                );
            }
            return section;
        }
    };
    section.fact("waiting", found.waiting);
    section.fact("rejected", found.rejected);
    section.fact("done", found.done);
    match found.waiting {
        0 => section.say(Level::Ok, "no file waits"),
        waiting => section.say(Level::Note, format!("files that wait: {waiting}")),
    }
    if found.rejected > 0 {
        section.advise(
            Level::Warn,
            format!("files in rejected/: {}", found.rejected),
            "read the result beside each, drop what was mended again, and take the old file away",
        );
    }
    if found.done > MANY {
        section.say(
            Level::Note,
            format!("done/ has {} files; nobody takes them away by itself", found.done),
        );
    }
    if found.open_to_all {
        section.advise(
            Level::Warn,
            "every user of this machine may put files there",
            "chmod o-w, and name those who may in inbox.owners or inbox.groups",
        );
    }
    section
}
