use super::*;
use crate::deliver::confluence::{Closing, Part};
use crate::deliver::render::part::changes;
use crate::domain::account::{Account, LinkRule};
use crate::domain::before::BeforeState;
use crate::domain::effective;
use crate::domain::ids::{RoleOid, SystemIdentifier};
use crate::domain::lifecycle::Life;
use crate::domain::milestone::Deadlines;
use crate::domain::residual::{AccountRef, Residual, ResidualKind, Strength};
use crate::domain::revocation::{Kind, Reason, State, sample};
use crate::store::{Evidence, Evidenced, Gist, Stored, ToldRecord};
use serde_json::json;
use std::sync::Arc;

fn at(text: &str) -> UtcTime {
    format!("2026-03-05T{text}Z").parse().unwrap()
}

fn found(kind: ResidualKind, strength: Strength, role: &str) -> Residual {
    let account =
        AccountRef { target: "main".to_owned(), oid: RoleOid(16_401), role: Some(role.to_owned()) };
    Residual::new(kind, strength, account)
}

fn finding(role: &str, n: u32) -> Residual {
    let mut one = found(ResidualKind::Privilege, Strength::CanLogIn, role);
    one.database = Some("shop".to_owned());
    one.object = Some(format!("TABLE public.orders_{n}"));
    one.privilege = Some("SELECT".to_owned());
    one.grantor = Some("postgres".to_owned());
    one
}

fn stored(id: &str, role: &str) -> Evidenced {
    let mut revocation = sample(at("09:00:00"));
    revocation.id = id.to_owned();
    revocation.subject = "Erika Mustermann".to_owned();
    revocation.reason = Reason::VendorOffboarded;
    revocation.ticket = Some("SEC-42".to_owned());
    revocation.deadlines =
        Deadlines { login: Some(at("09:15:00")), access: Some(at("10:00:00")), credentials: None };
    let mut life = Life::begin(revocation.effective_at, revocation.received_at);
    life.state = State::Verified;
    life.met.login = Some(at("09:20:00"));
    life.missed.login = Some(at("09:15:00"));
    life.met.access = Some(at("09:40:00"));
    let stored = Stored {
        landed_revocation: None,
        subject_id: "sub_1".to_owned(),
        accounts: vec![Account {
            target: "main".to_owned(),
            system_identifier: SystemIdentifier(7),
            oid: RoleOid(16_401),
            role: role.to_owned(),
            names: vec![role.to_owned()],
            rule: LinkRule::Stated,
            source: String::new(),
            linked_at: None,
        }],
        landed: Some(Arc::new(life.clone())),
        life: Arc::new(life),
        gist: Gist::default(),
        version: 1,
        records: 9,
        queued_at: at("09:00:00"),
        watch_until: at("09:00:00"),
        revocation,
    };
    Evidenced { stored, evidence: Evidence::default() }
}

fn part(id: &str, role: &str, before: Vec<Residual>) -> Part {
    let told = [
        (117, "revocation_triggered", json!({"at": at("09:00:00")})),
        (118, "validation_completed", json!({"at": at("09:00:00")})),
        (
            121,
            "observation",
            json!({
                "at": at("09:00:04"), "as_of": at("09:00:03"), "label": "before", "verdict": "residual",
                "residual_total": before.len(), "before_state": {"account_status": "active"},
            }),
        ),
        (124, "verification_failed", json!({"at": at("09:15:00"), "milestone": "login"})),
        (125, "account_disabled", json!({"at": at("09:20:00")})),
        (126, "access_revoked", json!({"at": at("09:40:00")})),
        (
            128,
            "observation",
            json!({
                "at": at("09:41:04"), "as_of": at("09:41:00"), "label": "after", "verdict": "revoked",
                "residual_total": 0, "after_state": {"account_status": "absent"},
                "coverage": [
                    {"database": "postgres", "statements": 21, "target": "main"},
                    {"database": "shop", "statements": 14, "target": "main"},
                ],
                "not_covered": ["credential", "pooler"],
            }),
        ),
        (
            129,
            "verification_completed",
            json!({
                "at": at("09:41:04"), "first_residual_at": at("09:00:03"), "first_clean_at": at("09:40:00"),
                "duration_us": 2_400_000_000_u64, "blind_us": 35_000_000,
                "actions_taken": ["account_disabled", "permissions_revoked"],
                "verification": {"verified_at": at("09:41:00")},
            }),
        ),
    ];
    let record = |(seq, kind, body): (u64, &str, Value)| ToldRecord {
        kind: kind.to_owned(),
        body: body.as_object().unwrap().clone(),
        seq,
    };
    Part {
        stored: stored(id, role),
        records: told.into_iter().map(record).collect(),
        since: Vec::new(),
        before: vec![BeforeState {
            target: "main".to_owned(),
            oid: RoleOid(16_401),
            seen_at: at("09:00:03"),
            system_identifier: Some(SystemIdentifier(7)),
            version_num: Some(150_018),
            residual: before,
            gaps: Vec::new(),
        }],
        verified: true,
    }
}

fn closing(parts: Vec<Part>, checklist: bool) -> Closing {
    Closing {
        about: if checklist { "chk_0007".to_owned() } else { "rev_000193".to_owned() },
        is_checklist: checklist,
        vendor: checklist.then(|| "acme-consulting".to_owned()),
        seq: 129,
        at: at("09:41:04"),
        parts,
        replaces: None,
        tried: false,
    }
}

fn page(closing: &Closing, change: impl FnOnce(&mut Circumstances<'_>)) -> Page {
    let note = "audit.example/orders\n130\nK2Mc8lXWkS+XtbzTqMS1yJhrSmMnJv6tKkvd3YhXqpA=\n\n\
                \u{2014} audit.example/orders A1b2C3d4\n";
    let head = Head {
        origin: "audit.example/orders".to_owned(),
        size: 130,
        root: [7; 32],
        note: note.to_owned(),
    };
    let proofs: Vec<Proof> = closing
        .proved()
        .map(|part| Proof {
            revocation: part.id().to_owned(),
            name: format!("{}.tlog-proof", part.id()),
            sha256: "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08".to_owned(),
            bytes: 18_204,
        })
        .collect();
    let mut of = Circumstances {
        closing,
        delivery: "rev_000193.9:confluence",
        head: &head,
        vkey: "audit.example/orders+1b8d7ae2+BHYDkzBYexample",
        proofs: &proofs,
        zone: Some(("Europe/Berlin", effective::zone("Europe/Berlin").unwrap())),
        beside: Beside::default(),
    };
    change(&mut of);
    closure(&of)
}

/// One line for each block, so that a change shows where it is.
fn lines(page: &Page) -> String {
    let mut text = page.body.as_str().to_owned();
    for tag in ["<h2>", "<table>", "<tr>", "<p>", "<ul>", "<ac:structured-macro ac:name=\"expand\""]
    {
        text = text.replace(tag, &format!("\n{tag}"));
    }
    text.replace("\n<tr>", "\n  <tr>")
        .replace("<td>\n<p>", "<td><p>")
        .replace("<th>\n<p>", "<th><p>")
}

fn evil() -> Vec<Residual> {
    let mut member = found(ResidualKind::Membership, Strength::CanRegain, "john_doe");
    member.privilege = Some("</p><ac:structured-macro ac:name=\"html\">".to_owned());
    vec![
        found(ResidualKind::Login, Strength::CanLogIn, "john_doe"),
        finding("john_doe", 1),
        finding("]]>&nbsp;\u{202e}", 2),
        member,
    ]
}

#[test]
fn a_closure_record() {
    let closing = closing(vec![part("rev_000193", "john_doe", evil())], false);
    let page = page(&closing, |_| {});
    insta::assert_snapshot!(format!("# {}\n{}", page.title, lines(&page)));
}

#[test]
fn a_vendors_closure_record() {
    let mut gone = part("rev_000195", "svc_acme", Vec::new());
    gone.verified = false;
    gone.before.clear();
    gone.records.truncate(2);
    gone.records.push(ToldRecord {
        kind: "revocation_withdrawn".to_owned(),
        body: json!({"at": at("09:30:00")}).as_object().unwrap().clone(),
        seq: 123,
    });
    let mut first = part("rev_000193", "john_doe", vec![finding("john_doe", 1)]);
    first.since.push(ToldRecord {
        kind: "access_regressed".to_owned(),
        body: Map::new(),
        seq: 140,
    });
    let closing = closing(vec![first, part("rev_000194", "jane", Vec::new()), gone], true);
    let page = page(&closing, |of| {
        of.beside.earlier = Some("7001");
        of.beside.amends = Some("7002");
        of.beside.replaces = Some("7003");
    });
    insta::assert_snapshot!(format!("# {}\n{}", page.title, lines(&page)));
}

#[test]
fn what_is_kept_is_not_said_to_be_gone() {
    let mut one =
        part("rev_000193", "john_doe", vec![finding("john_doe", 1), finding("john_doe", 2)]);
    // It bears another name by now.
    one.stored.evidence.kept = vec![finding("jane_doe", 2), finding("jane_doe", 3)];
    let words: Vec<_> = changes(&one).iter().map(|change| (change.before, change.after)).collect();
    assert_eq!(words, [("there", "gone"), ("there", "kept"), ("not noted", "kept")]);
    one.verified = false;
    let words: Vec<_> = changes(&one).iter().map(|change| change.after).collect();
    assert_eq!(words, ["not said", "not said"]);
}

#[test]
fn no_more_is_said_than_was_asked_for() {
    for (kind, held, says, whole) in [
        (Kind::Full, false, "Nothing remains of this access", true),
        (Kind::Full, true, "but what is owned, which a legal hold", false),
        (Kind::Suspend, false, "Nothing is left that acts, or lets anybody log in", false),
        (Kind::Partial, false, "Other access is not spoken of", false),
        (Kind::Rotation, false, "The shared secret is another one", false),
        (Kind::Transfer, false, "The shared secret is another one", false),
    ] {
        let mut one = part("rev_000193", "john_doe", evil());
        one.stored.stored.revocation.kind = kind;
        one.stored.evidence.held = held;
        let single = page(&closing(vec![one.clone()], false), |_| {});
        assert!(single.body.as_str().contains(says), "{kind} {held}");
        assert_eq!(single.body.as_str().contains("Nothing remains"), whole, "{kind} {held}");
        let vendor = page(&closing(vec![one], true), |_| {});
        assert_eq!(vendor.body.as_str().contains("Nothing remains"), whole, "{kind} {held}");
    }
}

#[test]
fn a_short_page_has_no_tables_of_others_and_says_so() {
    let closing = closing(vec![part("rev_000193", "john_doe", evil())], false);
    let (long, short) = (page(&closing, |_| {}), page(&closing, |of| of.beside.short = true));
    assert!(short.body.as_str().contains("they are in the attached files"));
    assert!(!short.body.as_str().contains("orders_1") && long.body.as_str().contains("orders_1"));
    assert_eq!(long.title, short.title);
}
