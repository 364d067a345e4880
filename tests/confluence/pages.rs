//! What a page says, and when there is one.

use crate::common::confluence::{ACCOUNT, Act, Confluence, Fault, PARENT};
use crate::desk::{Desk, finding, read};
use revoked::audit::verify::{Outcome, Verifier, Vkey};
use revoked::domain::delivery::{Standing, Topic};
use revoked::domain::residual::{Residual, ResidualKind};
use revoked::domain::revocation::State;
use std::collections::BTreeSet;
use std::process::Stdio;

const EVIL: &[&str] = &[
    "</p><ac:structured-macro ac:name=\"html\"><ac:plain-text-body>x",
    "]]>&nbsp;&#0;\0<script>",
    "\u{202e}evil\n\u{200b}",
    "=HYPERLINK(\"https://evil.example\")",
    "{html}*_`[link|https://evil.example]`",
];

#[tokio::test]
async fn a_verified_revocation_has_one_page_with_all_that_belongs_to_it() {
    for wiki in [Confluence::cloud().await, Confluence::own().await] {
        let desk = Desk::of(wiki, "");
        let agent = desk.start().await;
        agent.live("p0", "john_doe").await;
        let rows = agent.until_sent(1).await;
        let pages = desk.wiki.pages();
        assert_eq!(pages.len(), 1, "{pages:#?}");
        let page = &pages[0];
        assert_eq!(rows[0].remote.as_deref(), Some(&*format!("SEC {}", page.id)));
        assert_eq!((rows[0].topic, rows[0].id.as_str()), (Topic::Closure, "rev_p0.7:confluence"));
        assert_eq!(page.parent.as_deref(), Some(PARENT));
        assert!(page.title.starts_with("Revocation closure rev_p0: verified 20"), "{}", page.title);
        assert!(page.labels.contains("revocation-closure"), "{:?}", page.labels);
        let names: Vec<_> = page.files.keys().map(String::as_str).collect();
        assert_eq!(names, ["before-after.csv", "rev_p0.tlog-proof"]);
        let csv = String::from_utf8(page.files["before-after.csv"].1.clone()).unwrap();
        assert!(
            csv.contains("rev_p0,main,16401,john_doe,privilege,SELECT,shop,TABLE public.orders")
        );
        assert!(csv.contains(",there,gone\n"), "{csv}");
        let text = read(page);
        for said in [
            "[VERIFIED] on ",
            "Record key | rev_p0.7:confluence",
            "Reason | terminated",
            "Accounts | john_doe on main",
            "john_doe | privilege SELECT | TABLE public.orders | main/shop | can log in | there | [GONE]",
            "Account | disabled | absent",
            "Nothing found any more: the clock stops",
            "main | shop | 2 |",
            "- credential\n- pooler",
            "None: nobody was permitted to keep any of it.",
            "cp1.",
            "revoked verify --proof rev_p0.tlog-proof --key LOG.vkey",
        ] {
            assert!(text.contains(said), "{said} is not in\n{text}");
        }
        // Both times, and nobody's name.
        assert!(text.contains(" UTC (") && (text.contains(" CET)") || text.contains(" CEST)")));
        assert!(!page.body.contains("\"p0\"") && !page.title.contains(" p0"), "{}", page.body);
        let filed = desk.records("attestation_published");
        assert_eq!((filed.len(), &filed[0]["about"]), (1, &"rev_p0".into()));
        assert_eq!(filed[0]["remote"], format!("SEC {}", page.id));
        assert!(desk.records("notification_sent").is_empty());
        agent.stop().await;
        desk.assert_sound();
    }
}

#[tokio::test]
async fn the_proof_and_the_checkpoint_on_a_page_verify_and_the_log_says_that_it_has_them() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    agent.live("p0", "john_doe").await;
    agent.until_sent(1).await;
    let page = desk.wiki.pages().remove(0);
    agent.stop().await;
    let home = tempfile::tempdir().unwrap();
    let place = |name: &str, bytes: &[u8]| {
        let path = home.path().join(name);
        std::fs::write(&path, bytes).unwrap();
        path
    };
    let proof = place("proof", &page.files["rev_p0.tlog-proof"].1);
    let text = place("page.html", page.body.as_bytes());
    let vkey = crate::common::logbook::key().vkey();
    let ran = |arguments: &[&std::ffi::OsStr]| {
        let mut command = crate::common::revoked();
        let output = command.arg("verify").args(arguments).stdin(Stdio::null()).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, said) = ran(&["--proof".as_ref(), proof.as_ref(), "--key".as_ref(), vkey.as_ref()]);
    assert_eq!(code, Some(0), "{said}");
    assert!(said.contains("verification_completed"), "{said}");
    // The page itself is an anchor of the log.
    let log = desk.logbook.log_file();
    let (code, said) = ran(&[
        log.as_ref(),
        "--key".as_ref(),
        vkey.as_ref(),
        "--require-anchor".as_ref(),
        "--anchor".as_ref(),
        text.as_ref(),
    ]);
    assert_eq!(code, Some(0), "{said}");
    let anchors = desk.records("anchor");
    assert_eq!(anchors.len(), 1, "{anchors:#?}");
    assert_eq!(
        (&anchors[0]["kind"], &anchors[0]["name"], &anchors[0]["receipt"]),
        (&"confluence".into(), &"SEC".into(), &page.id.clone().into())
    );
    let mut verifier = Verifier::new(Some(Vkey::parse(&vkey).unwrap()));
    verifier.begin_file("log");
    verifier.push_bytes(&std::fs::read(log).unwrap());
    assert_eq!(verifier.finish().outcome, Outcome::Verified);
}

#[tokio::test]
async fn what_others_wrote_is_text_on_a_page() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    for (n, evil) in EVIL.iter().enumerate() {
        let name = format!("p{n}");
        agent.expect(&name, "").await;
        let mut found: Vec<Residual> = EVIL.iter().map(|object| finding(evil, object)).collect();
        found[0].privilege = Some((*evil).to_owned());
        found[1].database = Some((*evil).to_owned());
        found[2].kind = ResidualKind::Membership;
        agent.found(&name, evil, &found).await;
        agent.verify(&name).await;
    }
    agent.until_sent(EVIL.len()).await;
    // The stand-in refuses whatever is no markup of ours.
    for page in desk.wiki.pages() {
        let text = read(&page);
        assert!(text.contains("]]>&nbsp;&#0;[U+0000]<script>"), "{text}");
        assert!(text.contains("[U+202E]evil␤[U+200B]"), "{text}");
        assert!(text.contains("{html}*_`[link|https://evil.example]`"), "{text}");
        let csv = String::from_utf8(page.files["before-after.csv"].1.clone()).unwrap();
        let formula =
            csv.lines().any(|line| line.split(',').any(|cell| cell.starts_with(['=', '+', '@'])));
        assert!(!formula && csv.contains("'=HYPERLINK"), "{csv}");
    }
    agent.stop().await;
}

#[tokio::test]
async fn a_vendor_has_one_page_once_all_of_it_is_at_its_end() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    for name in ["a", "b", "c"] {
        agent.expect(name, "chk_1").await;
        agent.found(name, name, &[finding(name, "TABLE public.orders")]).await;
    }
    agent.verify("a").await;
    agent.turn("b", State::Withdrawn, "revocation_withdrawn").await;
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    assert!(desk.wiki.pages().is_empty(), "c is open");
    agent.verify("c").await;
    agent.until_sent(1).await;
    let pages = desk.wiki.pages();
    assert_eq!(pages.len(), 1, "{pages:#?}");
    let page = &pages[0];
    assert!(
        page.title.starts_with("Vendor offboarding closure chk_1: verified "),
        "{}",
        page.title
    );
    let names: Vec<_> = page.files.keys().map(String::as_str).collect();
    assert_eq!(
        names,
        ["before-after.csv", "rev_a.tlog-proof", "rev_c.tlog-proof", "revocations.csv"]
    );
    let text = read(page);
    for said in
        ["Vendor | acme", "rev_b | b on main | [WITHDRAWN]", "rev_c | c on main | [VERIFIED]"]
    {
        assert!(text.contains(said), "{said} is not in\n{text}");
    }
    agent.stop().await;
    desk.assert_sound();
}

#[tokio::test]
async fn what_is_not_verified_has_no_page() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    agent.expect("p0", "").await;
    agent.found("p0", "john", &[finding("john", "TABLE t")]).await;
    agent.turn("p0", State::Withdrawn, "revocation_withdrawn").await;
    let settled =
        |rows: &[revoked::store::Delivery]| rows.iter().all(|row| row.row.standing.is_settled());
    agent.until("nothing is left to do", settled).await;
    assert!(desk.wiki.pages().is_empty() && desk.wiki.requests("create").is_empty());
    agent.stop().await;
}

#[tokio::test]
async fn access_that_came_back_and_went_again_has_another_page_that_names_the_first() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    agent.live("p0", "john").await;
    agent.until_sent(1).await;
    agent.turn("p0", State::Regressed, "access_regressed").await;
    agent.verify("p0").await;
    agent.until_sent(2).await;
    let pages = desk.wiki.pages();
    assert_eq!(pages.len(), 2);
    assert_ne!(pages[0].title, pages[1].title);
    let earlier = format!("An earlier closure of the same is on page {}.", pages[0].id);
    assert!(read(&pages[1]).contains(&earlier), "{}", read(&pages[1]));
    assert_eq!(pages[0].version, 1, "what was filed stays as it is");
    agent.stop().await;
}

#[tokio::test]
async fn a_page_that_would_be_too_long_leaves_its_tables_to_the_files_and_says_so() {
    let desk = Desk::unwatched().await;
    let agent = desk.start().await;
    agent.expect("p0", "").await;
    let long = "é".repeat(60);
    let found: Vec<Residual> =
        (0..5_000).map(|n| finding("john", &format!("TABLE public.{long}_{n}"))).collect();
    agent.found("p0", "john", &found[..250]).await;
    agent.verify("p0").await;
    for n in 0..210 {
        let name = format!("v{n}");
        agent.expect(&name, "chk_1").await;
        agent.found(&name, &name, &found[..8]).await;
        agent.verify(&name).await;
    }
    agent
        .until("both are sent", |rows| {
            rows.iter().filter(|row| row.row.standing == Standing::Sent).count() >= 2
                && rows.iter().all(|row| row.row.standing.is_settled())
        })
        .await;
    let pages = desk.wiki.pages();
    let single = pages.iter().find(|page| page.title.contains("rev_p0")).unwrap();
    assert!(read(single).contains("And 50 more: before-after.csv, attached."));
    let csv = String::from_utf8(single.files["before-after.csv"].1.clone()).unwrap();
    assert_eq!(csv.lines().count(), 251);
    let vendor = pages.iter().rfind(|page| page.title.contains("chk_1")).unwrap();
    let text = read(vendor);
    assert!(vendor.body.len() < 1_000_000, "{}", vendor.body.len());
    assert!(text.contains("With all its tables this page would be too long"), "{text}");
    assert!(text.contains("And 10 more: revocations.csv, attached."), "{text}");
    assert!(text.contains("Of 190 more revocations the proofs are not attached"), "{text}");
    let csv = String::from_utf8(vendor.files["revocations.csv"].1.clone()).unwrap();
    assert_eq!(csv.lines().count(), 211);
    agent.stop().await;
}

#[tokio::test]
async fn nobody_else_may_edit_what_is_filed_where_that_is_configured() {
    let desk = Desk::of(Confluence::cloud().await, ", restrict_edits: true");
    // Whatever is lost, it is done, and done again.
    desk.wiki.fail("restrict", [Fault::Reset]);
    desk.wiki.fail("set_property", [Fault::Reset]);
    let agent = desk.start().await;
    agent.live("p0", "john_doe").await;
    agent.until_sent(1).await;
    let pages = desk.wiki.pages();
    let ours = BTreeSet::from([ACCOUNT.to_owned()]);
    assert_eq!((pages.len(), &pages[0].editors), (1, &ours));
    assert!(desk.wiki.requests("restrict").len() >= 3);
    // Who may read it is left to people, also where somebody said so meanwhile.
    assert!(pages[0].readers.is_empty());
    desk.wiki.before("restrict", Act::Hide);
    // Who may not do that is told which right is missing, and the page is not whole without it.
    desk.wiki.fail("restrict", [Fault::Error(403, "no")]);
    agent.live("p1", "jane_doe").await;
    agent.until_one(Standing::Due, "http_403").await;
    desk.reload_same(&agent);
    agent.until_sent(2).await;
    let pages = desk.wiki.pages();
    assert!(pages.iter().all(|page| page.editors == ours), "{pages:#?}");
    assert_eq!((pages.len(), pages[1].readers.len()), (2, 2), "{pages:#?}");
    agent.stop().await;
    let plain = Desk::new().await;
    let agent = plain.start().await;
    agent.live("p0", "john_doe").await;
    agent.until_sent(1).await;
    assert!(plain.wiki.requests("restrict").is_empty() && plain.wiki.requests("me").is_empty());
    agent.stop().await;
}
