use super::*;
use crate::cli::status::sample;
use crate::domain::account::{Account, LinkRule};
use crate::domain::checklist::{Standing, Word};
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::observation::{Cause, Gap, NotCovered};
use crate::domain::residual::{AccountRef, Residual, Strength};
use insta::assert_snapshot;

fn account(role: &str) -> Account {
    Account {
        target: "orders".to_owned(),
        system_identifier: SystemIdentifier(7),
        oid: RoleOid(16_401),
        role: role.to_owned(),
        names: vec![role.to_owned()],
        rule: LinkRule::Stated,
        source: String::new(),
        linked_at: None,
    }
}

fn found(kind: ResidualKind) -> Residual {
    let account =
        AccountRef { target: "orders".into(), oid: RoleOid(16_401), role: Some("john_doe".into()) };
    Residual::new(kind, Strength::Latent, account)
}

fn not_covered(surface: &str) -> NotCovered {
    NotCovered { surface: surface.to_owned(), reason: String::new() }
}

fn verified() -> View {
    let mut view = sample(193, "Erika Mustermann", State::Verified, 60);
    view.accounts = vec![account("john_doe"), account("[x](https://evil)\u{202e}")];
    view.verdict = Some(Verdict::Revoked);
    view.first_clean_at = Some(view.effective_at);
    view.verified_at = view.as_of;
    view.ticket = Some("SEC-42".to_owned());
    view.earlier_tickets = vec!["SEC-41".to_owned()];
    view.source = "workday".to_owned();
    view.not_covered =
        vec![not_covered("credential"), not_covered("pooler"), not_covered("credential")];
    view
}

fn open() -> View {
    let mut view = sample(194, "Max Mustermann", State::Open, 60);
    view.accounts = vec![account("max")];
    view.residual = vec![found(ResidualKind::Membership), found(ResidualKind::Membership)];
    view.attested = vec![
        Standing {
            item: "laptop".to_owned(),
            what: "Laptop returned".to_owned(),
            due_at: view.effective_at,
            attested: Some(Word {
                item: "laptop".to_owned(),
                by: "uid:1000".to_owned(),
                at: view.effective_at,
                note: Some("a note that stays in the store".to_owned()),
            }),
        },
        Standing {
            item: "badge".to_owned(),
            what: "Badge returned".to_owned(),
            due_at: view.effective_at,
            attested: None,
        },
    ];
    view
}

#[test]
fn a_text_that_closes_a_ticket() {
    let cited =
        Cited { seq: 129, origin: "audit.example/orders".to_owned(), size: "131".to_owned() };
    let text = closure(&verified(), &cited);
    assert!(!text.contains("Mustermann"), "{text}");
    assert_snapshot!(text);
    let gone = View { state: State::Withdrawn, ..verified() };
    let text = closure(&gone, &cited);
    assert!(text.contains("was withdrawn") && !text.contains("nothing remains"), "{text}");
    let part = View { kind: Kind::Partial, ..verified() };
    assert!(closure(&part, &cited).contains("other access is not spoken of"));
    let held = View { held: true, ..verified() };
    assert!(closure(&held, &cited).contains("a legal hold keeps"));
}

#[test]
fn a_checklist_has_what_was_seen_apart_from_what_was_said() {
    let text = checklist("chk_7", &[verified(), open()]);
    for kept_back in ["Mustermann", "a note that stays"] {
        assert!(!text.contains(kept_back), "{text}");
    }
    assert_snapshot!(text);
}

#[test]
fn nothing_is_ticked_that_nobody_saw() {
    let mut view = verified();
    view.gaps = vec![Gap {
        surface: ResidualKind::Session,
        target: "orders".to_owned(),
        database: None,
        reason: String::new(),
        fix: String::new(),
        cause: Cause::Unreachable,
    }];
    view.state = State::Open;
    view.verdict = Some(Verdict::Inconclusive);
    assert!(!checklist("x", &[view.clone()]).contains("[x]"));
    view.gaps.clear();
    view.verdict = None;
    assert!(!checklist("x", &[view]).contains("[x]"));
    // That a secret is dead no look proves.
    for state in [State::Open, State::Verified] {
        let view = View { state, not_covered: Vec::new(), ..verified() };
        assert!(!checklist("x", &[view]).contains("secret"));
    }
    let mut known = View { state: State::Open, ..verified() };
    known.verdict = Some(Verdict::Residual);
    known.residual = vec![found(ResidualKind::Credential)];
    let text = checklist("x", &[known]);
    assert!(text.contains("- [ ] No shared secret is as it was: 1 finding"), "{text}");
    // What a suspension keeps is there still.
    let mut kept = View { kind: Kind::Suspend, ..verified() };
    kept.kept = vec![found(ResidualKind::Ownership)];
    let text = checklist("x", &[kept]);
    assert!(text.contains("- [x] Nothing is left of what had to end"), "{text}");
    assert!(!text.contains("Nothing is owned"), "{text}");
}

#[test]
fn the_newest_record_of_a_proof_is_cited() {
    let line = |seq: u64, kind: &str| {
        let record = format!("{{\"seq\":{seq},\"type\":\"{kind}\"}}");
        format!(
            "c2sp.org/tlog-proof@v1\nextra {}\nindex {seq}\nAAAA\n\nlog/x\n140\nroot\n\n— log/x sig\n",
            STANDARD.encode(record)
        )
    };
    let proof = [
        line(0, "genesis"),
        line(7, "verification_completed"),
        line(9, "access_regressed"),
        line(12, "verification_completed"),
    ];
    let found = cited(&proof.concat(), "verification_completed");
    let wanted = Cited { seq: 12, origin: "log/x".to_owned(), size: "140".to_owned() };
    assert_eq!(found, Some(wanted));
    assert_eq!(cited(&proof.concat(), "revocation_withdrawn"), None);
}
