//! Any bytes as a CSV file of notices: each line that says something is a row, good or bad; a row that is sent is the
//! same event whenever it is read again; and what another program wrote is read as it was meant.
#![no_main]

use arbitrary::{Arbitrary, Unstructured};
use libfuzzer_sys::fuzz_target;
use revoked_fuzz::intake::csv::{Sheet, notes, sendable};
use revoked_fuzz::intake::submission::Submission;

/// Cells that another program writes, below a header in any order.
#[derive(Arbitrary, Debug)]
struct Program {
    rows: Vec<[String; 4]>,
    separator: u8,
    is_quoted: bool,
    is_dos: bool,
    has_mark: bool,
}

fn bytes(data: &[u8]) {
    let Ok(sheet) = Sheet::read(data) else { return };
    let last = 1 + data.iter().filter(|byte| matches!(byte, b'\n' | b'\r')).count();
    let mut before = 0;
    for row in &sheet.rows {
        assert!(before < row.line && row.line <= last, "line {} after {before}", row.line);
        before = row.line;
        match &row.notice {
            Ok(asked) => sent(asked),
            Err(wrong) => assert!(!wrong.expected.is_empty()),
        }
    }
    assert_eq!(notes(&sheet.rows).len(), sheet.rows.len());
    let said = String::from_utf8_lossy(data);
    let _ = sheet.wrong(&said);
}

fn sent(asked: &Submission) {
    let one = sendable(asked, "").expect("JSON");
    let again: Submission = serde_json::from_slice(&one.body).expect("a notice");
    assert_eq!(again.event_id.as_ref(), Some(&one.event_id));
    assert_eq!(sendable(&again, "").expect("JSON"), one, "the same row is another event");
    if asked.event_id.is_none() {
        let other = sendable(asked, "another batch").expect("JSON");
        assert_ne!(other.event_id, one.event_id);
    }
}

fn written(program: &Program) {
    let separator = [b',', b';', b'\t'][usize::from(program.separator % 3)];
    let mut writer = csv::WriterBuilder::new()
        .delimiter(separator)
        .terminator(if program.is_dos {
            csv::Terminator::CRLF
        } else {
            csv::Terminator::Any(b'\n')
        })
        .quote_style(if program.is_quoted {
            csv::QuoteStyle::Always
        } else {
            csv::QuoteStyle::Necessary
        })
        .from_writer(Vec::new());
    writer.write_record(["username", "reason", "ticket", "employee_id"]).expect("memory");
    for row in &program.rows {
        writer.write_record(row).expect("memory");
    }
    let text = writer.into_inner().expect("memory");
    let mark: &[u8] = if program.has_mark { b"\xef\xbb\xbf" } else { b"" };
    let sheet = Sheet::read(&[mark, &text].concat()).expect("a header");
    assert_eq!(sheet.separator, separator);
    assert_eq!(sheet.rows.len(), program.rows.len(), "{program:?}");
    for (row, cells) in sheet.rows.iter().zip(&program.rows) {
        let [username, reason, ticket, employee] = cells.each_ref().map(|cell| cell.trim());
        // These tell people and tickets apart. Why somebody left may have lines.
        let is_plain = [username, ticket, employee].concat().chars().all(|c| !c.is_control());
        let is_said = !username.is_empty() && !reason.is_empty();
        let is_good = is_said && is_plain && !cells.concat().contains('\0');
        assert_eq!(row.notice.is_ok(), is_good, "{row:?}: {cells:?}");
        if let Ok(asked) = &row.notice {
            assert_eq!((asked.username.as_str(), asked.reason.as_str()), (username, reason));
            assert_eq!(asked.ticket.as_deref().unwrap_or_default(), ticket);
            assert_eq!(asked.employee_id.as_deref().unwrap_or_default(), employee);
        }
    }
}

fuzz_target!(|data: &[u8]| {
    bytes(data);
    if let Ok(program) = Program::arbitrary_take_rest(Unstructured::new(data)) {
        written(&program);
    }
});
