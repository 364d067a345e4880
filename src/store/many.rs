//! One statement for several rows: what a round trip costs is paid once.

use sqlx::AssertSqlSafe;

/// Rows of one statement. There are few sizes, so that each text is prepared once and not for every number.
const SIZES: &[usize] = &[64, 32, 16, 8, 4, 3, 2, 1];

/// `rows` in pieces of these sizes, largest first.
pub(super) fn pieces<T>(mut rows: &[T]) -> impl Iterator<Item = &[T]> {
    std::iter::from_fn(move || {
        let size = SIZES.iter().find(|size| **size <= rows.len())?;
        let (piece, rest) = rows.split_at_checked(*size)?;
        rows = rest;
        Some(piece)
    })
}

/// `text`, whose line after `VALUES` is one row, for `count` rows. Only the numbers of the parameters differ
/// from row to row.
pub(super) fn many(text: &str, count: usize) -> AssertSqlSafe<String> {
    let (head, rest) = text.split_once("VALUES\n").unwrap_or((text, ""));
    let (row, tail) = rest.split_once('\n').unwrap_or((rest, ""));
    let width = row.matches('$').count();
    let rows: Vec<String> = (0..count).map(|n| numbered(row, n * width)).collect();
    AssertSqlSafe(format!("{head}VALUES\n{}\n{tail}", rows.join(",\n")))
}

/// `row` with `more` added to the number of every parameter.
fn numbered(row: &str, more: usize) -> String {
    let mut parts = row.split('$');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let digits = part.find(|c: char| !c.is_ascii_digit()).unwrap_or(part.len());
        let (number, rest) = part.split_at(digits);
        let number = number.parse().unwrap_or(0) + more;
        text = format!("{text}${number}{rest}");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_numbered_on() {
        let text = "-- a\nINSERT INTO t (a, b, c) VALUES\n($1, 'x', $2)\nON CONFLICT DO NOTHING\n";
        assert_eq!(
            many(text, 3).0,
            "-- a\nINSERT INTO t (a, b, c) VALUES\n($1, 'x', $2),\n($3, 'x', $4),\n($5, 'x', $6)\n\
             ON CONFLICT DO NOTHING\n"
        );
        assert_eq!(many(text, 1).0, text);
        assert_eq!(many("INSERT INTO t VALUES\n($1)", 2).0, "INSERT INTO t VALUES\n($1),\n($2)\n");
    }

    #[test]
    fn every_row_is_in_one_piece() {
        for (count, sizes) in
            [(0, vec![]), (3, vec![3]), (7, vec![4, 3]), (150, vec![64, 64, 16, 4, 2])]
        {
            let rows: Vec<usize> = (0..count).collect();
            assert_eq!(pieces(&rows).map(<[_]>::len).collect::<Vec<_>>(), sizes, "{count}");
            assert_eq!(pieces(&rows).collect::<Vec<_>>().concat(), rows);
        }
    }
}
