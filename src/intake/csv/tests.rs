use super::records::Records;
use super::*;
use crate::domain::effective::Zones;
use crate::domain::profile::Profiles;
use crate::intake::submission::{TEXT, Terms};
use proptest::prelude::*;

const SEED: &str = "username,reason,revocation_type,preserve_data\n\
                    john.doe,Terminated,full,false\n\
                    jane.smith,Role Change,partial,true\n\
                    bob.jones,Contract Expired,full,false\n";

fn read(text: &str) -> Sheet {
    Sheet::read(text.as_bytes()).unwrap()
}

/// The only row, as JSON.
fn one(text: &str) -> serde_json::Value {
    let mut sheet = read(text);
    assert_eq!(sheet.rows.len(), 1, "{text:?}");
    serde_json::to_value(sheet.rows.remove(0).notice.unwrap()).unwrap()
}

fn wrong(bytes: &[u8]) -> String {
    let mut sheet = Sheet::read(bytes).unwrap();
    let wrong = sheet.rows.remove(0).notice.unwrap_err();
    format!("{}: {}", wrong.column.unwrap_or_default(), wrong.expected)
}

#[test]
fn the_file_of_the_manual() {
    let sheet = read(SEED);
    let lines: Vec<_> = sheet.rows.iter().map(|row| (row.line, row.username.as_str())).collect();
    assert_eq!(lines, [(2, "john.doe"), (3, "jane.smith"), (4, "bob.jones")]);
    let jane = sheet.rows[1].notice.as_ref().unwrap();
    assert_eq!((jane.revocation_type.as_deref(), jane.preserve_data), (Some("partial"), true));
}

#[test]
fn every_column_under_every_name() {
    let all = one(
        "Ticket,TZ,User,Reason,KIND,Preserve-Data,employee id,ACCOUNT,role,Permissions,Effective At,\
         deadline,event_id\n\
         T-1,Europe/Berlin,jd,terminated,Partial,YES,E1,\"a; db/b,c|a\",r,\"x.y,z\",2026-03-05T17:00:00Z,2h,e1\n",
    );
    let expected = serde_json::json!({
        "username": "jd", "employee_id": "E1", "account": ["a", "db/b", "c"],
        "reason": "terminated", "revocation_type": "partial", "roles": ["r"],
        "permissions": ["x.y", "z"], "effective_at": "2026-03-05T17:00:00Z",
        "time_zone": "Europe/Berlin", "deadline": "2h", "preserve_data": true, "ticket": "T-1",
        "event_id": "e1",
    });
    assert_eq!(all, expected);
}

#[test]
fn an_emergency_is_at_once() {
    assert_eq!(one("user,reason,Emergency\nx,left,Yes\n")["emergency"], true);
    let usual = one("user,reason\nx,left\n");
    for text in ["user,reason,emergency\nx,left,\n", "user,reason,emergency\nx,left,no\n"] {
        assert_eq!(one(text), usual, "{text:?}");
    }
    let both =
        read("user,reason,emergency,effective at\nx,left,1,2099-01-01\ny,left,0,2099-01-01\n");
    let wrong = both.rows[0].notice.as_ref().unwrap_err();
    assert_eq!(wrong.column.as_deref(), Some("emergency"));
    assert!(wrong.expected.contains("no time beside it"), "{wrong:?}");
    assert!(both.rows[1].notice.is_ok());
}

#[test]
fn forms_of_one_file() {
    let plain = one("username,reason\nx,terminated\n");
    for text in [
        "\u{feff}username,reason\nx,terminated\n",
        "username,reason\r\nx,terminated\r\n",
        "username,reason\rx,terminated",
        "\r\n\r\nusername;reason\r\n\r\nx;terminated\r\n",
        "username\treason\nx\tterminated",
        "\"username\",\"reason\"\n\" x \",\u{a0}terminated\t\n",
        "reason,username,ticket\nterminated,x,\n",
        "reason,username,preserve_data\nterminated,x,0\n",
        "reason,username,kind\nterminated,x,FULL\n",
    ] {
        assert_eq!(one(text), plain, "{text:?}");
    }
    assert_eq!(one("user,reason,roles\nx,y,;\n")["revocation_type"], "full", "an empty list");
    assert_eq!(one("user,reason,roles\nx,y,a\n")["revocation_type"], "partial");
    assert_eq!(one("user,reason,permissions\nx,y,a\n")["revocation_type"], "partial");
    assert_eq!(one("user,reason\nx,\"one\ntwo\"\n")["reason"], "one\ntwo");
    for formula in ["=1+1", "+1", "-1", "@SUM(A1)"] {
        assert_eq!(one(&format!("user,reason\n{formula},x\n"))["username"], formula);
    }
}

#[test]
fn a_file_that_cannot_be_used() {
    for (bytes, says) in [
        (&b""[..], "the file is empty"),
        (b"\xef\xbb\xbf\n \n", "the file is empty"),
        (b"\xff\xfeu\0s\0", "UTF-16"),
        (b"\xfe\xff\0u\0s", "UTF-16"),
        (b"u\0s\0e\0r\0", "UTF-16"),
        (b"user\xff,reason", "not UTF-8"),
        (b"username", "the column reason is missing"),
        (b"\nreason;ticket\n", "line 2: the column username is missing"),
        (b"username,reason,usr\n", "no column `usr`; the columns are username, reason,"),
        (b"username,reason,\n", "column 3 of 3 has no name"),
        (b"username,reason,Reason\n", "columns 2 and 3 (`reason`, `Reason`) are both reason"),
        (b"username,user,reason\n", "columns 1 and 2 (`username`, `user`) are both username"),
        (b"\"username,reason\n", "never closed"),
        (b"john.doe,Terminated,full,false\n", "no column `john.doe`"),
    ] {
        let error = Sheet::read(bytes).unwrap_err().to_string();
        assert!(error.contains(says), "{bytes:?}: {error}");
    }
    assert!(read("username,reason\n").rows.is_empty(), "a header alone has no rows");
}

#[test]
fn a_row_that_cannot_be_used() {
    for (bytes, says) in [
        (&b"user,reason\nx\n"[..], ": 2 cells, as many as the header has columns, not 1"),
        (b"user,reason\nx,y,z\n", ": 2 cells, as many as the header has columns, not 3"),
        (b"user,reason\n,\n", "user: a value, not an empty cell"),
        (b"username,Reason\nx, \n", "Reason: a value"),
        (b"user,reason,preserve data\nx,y,maybe\n", "preserve data: true or false"),
        (b"user,reason\nM\xfcller,y\n", "user: text in UTF-8, not the byte 0xFC"),
        (b"user,reason\nx,a\0b\n", "reason: text without NUL"),
        (b"user,reason\nx,\"y\n", ": a quote (\") is opened and never closed"),
        (b"user,reason\n\"x\"y,z\n", ": text follows a closing quote"),
    ] {
        let error = wrong(bytes);
        assert!(error.starts_with(says), "{bytes:?}: {error}");
    }
    let sheet = read("user,reason\nx,\"y\nz,terminated\n");
    assert_eq!(sheet.rows.len(), 2, "a quote that is never closed takes no other row with it");
    assert!(sheet.rows[1].notice.is_ok());
}

#[test]
fn refusals_speak_of_columns() {
    let sheet = read("user,reason,Effective At\nx,y,\n");
    for (detail, column, expected) in [
        ("/effective_at: `soon` is none", Some("Effective At"), "`soon` is none"),
        ("/username: 1 to 1000 bytes", Some("user"), "1 to 1000 bytes"),
        ("/account/3: none empty", Some("account"), "none empty"),
        ("/nothing: x", None, "/nothing: x"),
        ("x: /roles: y", None, "x: /roles: y"),
    ] {
        let wrong = sheet.wrong(detail);
        assert_eq!((wrong.column.as_deref(), wrong.expected.as_str()), (column, expected));
    }
    assert!(sheet.wrong(&"x".repeat(70_000)).expected.len() < 1_000);
}

#[test]
fn the_id_of_a_row_is_what_it_says() {
    let send = |text: &str, batch: &str| {
        let sheet = read(text);
        sendable(sheet.rows[0].notice.as_ref().unwrap(), batch).unwrap()
    };
    let first = send(SEED, "");
    // A version that computes another id would take a known file for a new one.
    assert_eq!(
        first.event_id,
        "csv:f6e455e5e3fe2a07c3afec23f08b4cd7c4288ee18faf6421e41ac6c18e239806"
    );
    for text in [
        "username,reason\njohn.doe,Terminated\n",
        "Reason;User;ticket\nTerminated; john.doe ;\nz;z;z\n",
    ] {
        assert_eq!(send(text, ""), first, "{text}");
    }
    assert_ne!(send(SEED, "second leave").event_id, first.event_id);
    assert_ne!(send("username,reason\njohn.doe,terminated\n", "").event_id, first.event_id);
    let own = send("username,reason,event_id\njohn.doe,Terminated,hr-7\n", "b");
    assert_eq!(own.event_id, "hr-7");
    assert!(String::from_utf8(own.body).unwrap().contains(r#""event_id":"hr-7""#));
}

#[test]
fn a_change_of_role_that_names_nothing_is_to_be_checked() {
    let sheet = read(
        "user,reason,revocation_type,roles\n\
         a,role change,partial,\n\
         b,role change,partial,grp\n\
         c,left,,\n",
    );
    let says: Vec<bool> = notes(&sheet.rows).iter().map(Option::is_some).collect();
    assert_eq!(says, [true, false, false]);
}

#[test]
fn rows_that_disagree() {
    let sheet = read(
        "user,reason,employee_id,event_id\n\
         a,t,1,\n\
         a,t,1,\n\
         a,t,2,\n\
         b,t,1,\n\
         c,t,,e\n\
         c,t,,e\n\
         d,t,,e\n\
         a,t,,\n",
    );
    let says = |row: usize| notes(&sheet.rows)[row].map(|note| note.to_string());
    assert_eq!(says(0), None);
    assert_eq!(says(1).unwrap(), "the same as line 2");
    assert!(says(2).unwrap().contains("line 2 has this username with another employee_id"));
    assert!(says(3).unwrap().contains("line 2 has this employee_id with another username"));
    assert_eq!(says(4), None);
    assert_eq!(says(5).unwrap(), "the same as line 6");
    let wrong = sheet.rows[6].notice.as_ref().unwrap_err();
    assert_eq!(wrong.column.as_deref(), Some("event_id"));
    assert!(wrong.expected.contains("line 6 has the same id"), "{wrong:?}");
    assert!(says(7).unwrap().contains("another employee_id"));
}

#[test]
fn what_is_sent_is_a_notice() {
    for row in read(SEED).rows {
        let sent = sendable(&row.notice.unwrap(), "").unwrap();
        Submission::parse(&sent.body).unwrap();
    }
}

/// A good row in which one cell at a time is broken: the result names its column.
#[test]
fn of_a_row_with_one_fault_the_column_is_named() {
    let good = [
        ("username", "jd"),
        ("reason", "role_change"),
        ("revocation_type", "partial"),
        ("preserve_data", "yes"),
        ("employee_id", "EMP-1"),
        ("account", "main/jd"),
        ("roles", "a"),
        ("permissions", "b"),
        ("required_roles", "c"),
        ("required_permissions", "d"),
        ("email", "jd@example.com"),
        ("effective_at", "2026-03-06T10:00"),
        ("time_zone", "Europe/Berlin"),
        ("deadline", "2h"),
        ("ticket", "T-1"),
        ("event_id", "e1"),
    ];
    let profiles = Profiles::default();
    let terms = Terms {
        profiles: &profiles,
        zones: Zones::default(),
        longest_deadline: std::time::Duration::from_secs(90 * 86_400),
    };
    let refused = |broken: Option<(&str, &str)>| {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(good.map(|(column, _)| column)).unwrap();
        let cell = |(column, cell)| broken.filter(|one| one.0 == column).map_or(cell, |one| one.1);
        writer.write_record(good.map(cell)).unwrap();
        let sheet = Sheet::read(&writer.into_inner().unwrap()).unwrap();
        let asked = match &sheet.rows[0].notice {
            Ok(asked) => Submission::parse(&sendable(asked, "").unwrap().body),
            Err(wrong) => return Some(wrong.clone()),
        };
        let now = "2026-03-05T09:00:00Z".parse().unwrap();
        let read = asked.and_then(|asked| asked.revocation("hr", now, &terms));
        read.err().map(|error| sheet.wrong(&error.to_string()))
    };
    assert_eq!(refused(None), None);
    let long = "x".repeat(TEXT + 1);
    let mut cases = vec![
        ("username", ""),
        ("reason", ""),
        ("revocation_type", "entire"),
        ("preserve_data", "perhaps"),
        ("effective_at", "2026-02-30"),
        ("effective_at", "2026-03-06T10:00[Mars/Phobos]"),
        ("time_zone", "Mars/Phobos"),
        ("deadline", "soon"),
    ];
    for (column, _) in good {
        cases.push((column, &long));
        cases.push((column, "a\0b"));
        if !["reason", "account"].contains(&column)
            && !column.ends_with("roles")
            && !column.ends_with("permissions")
        {
            cases.push((column, "a\u{1b}[2J\nb"));
        }
    }
    for (column, cell) in cases {
        let wrong = refused(Some((column, cell))).unwrap_or_else(|| panic!("{column}: {cell}"));
        assert_eq!(wrong.column.as_deref(), Some(column), "{cell}: {wrong:?}");
    }
}

proptest! {
    #[test]
    fn any_bytes_give_a_result_per_record(tail in proptest::collection::vec(
        prop_oneof![Just(b'"'), Just(b','), Just(b'\n'), Just(b'\r'), Just(b' '), any::<u8>()], 0..200)
    ) {
        let _ = Sheet::read(&tail);
        let mut bytes = b"username,reason\n".to_vec();
        bytes.extend(&tail);
        let sheet = Sheet::read(&bytes).unwrap();
        prop_assert_eq!(sheet.rows.len(), Records::new(&tail, b',').count());
        prop_assert_eq!(notes(&sheet.rows).len(), sheet.rows.len());
        // Each begins on a line of its own, and no line with something on it is left out.
        let lines: Vec<_> = sheet.rows.iter().map(|row| row.line).collect();
        prop_assert!(lines.is_sorted_by(|a, b| a < b));
        for row in sheet.rows {
            if let Ok(asked) = row.notice {
                prop_assert!(Submission::parse(&sendable(&asked, "").unwrap().body).is_ok());
            }
        }
    }

    #[test]
    fn every_row_of_a_well_formed_file_is_there(
        rows in proptest::collection::vec(("[a-z=@\"\n,;]{1,5}", "[a-z \"\r\n,]{0,5}"), 0..20)
    ) {
        let mut writer = csv::Writer::from_writer(Vec::new());
        writer.write_record(["username", "reason"]).unwrap();
        for (username, reason) in &rows {
            writer.write_record([username, reason]).unwrap();
        }
        let sheet = Sheet::read(&writer.into_inner().unwrap()).unwrap();
        let read: Vec<_> = sheet.rows.iter().map(|row| row.username.clone()).collect();
        let written: Vec<_> = rows.iter().map(|(name, _)| name.trim().to_owned()).collect();
        prop_assert_eq!(read, written);
    }
}
