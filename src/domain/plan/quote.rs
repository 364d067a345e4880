//! Writing names and values so that psql and the server read them as such, whatever they contain.

/// `name` as an SQL identifier. Always quoted: a role may be called `select` or `a"b`.
///
/// Source: PostgreSQL documentation, 4.1.1 Identifiers and Key Words.
#[must_use]
pub fn ident(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// `text` as an SQL string, independent of `standard_conforming_strings`.
#[must_use]
pub fn literal(text: &str) -> String {
    let quoted = text.replace('\\', "\\\\").replace('\'', "''");
    if text.contains('\\') { format!("E'{quoted}'") } else { format!("'{quoted}'") }
}

/// `text` for a comment to the end of the line: a name with a line break in it must not end the comment.
#[must_use]
pub fn comment(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

/// The psql command that goes on in `database`, with the same host, port and user.
///
/// A name that psql would take for a connection string (`a=b`, `postgres://…`) is passed as one, quoted
/// for libpq first and for psql second.
#[must_use]
pub fn connect(database: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    if !database.is_empty() && database.chars().all(plain) {
        return format!("\\connect {}", ident(database));
    }
    let libpq = database.replace('\\', "\\\\").replace('\'', "\\'");
    let psql = format!("dbname='{libpq}'")
        .replace('\\', "\\\\")
        .replace('\'', "''")
        .replace('\n', "\\n")
        .replace('\r', "\\r");
    format!("\\connect -reuse-previous=on '{psql}'")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_names() {
        assert_eq!(ident("a\"; DROP ROLE b; --"), "\"a\"\"; DROP ROLE b; --\"");
        assert_eq!(literal("it's"), "'it''s'");
        assert_eq!(literal("a\\'b"), "E'a\\\\''b'");
        assert_eq!(comment("x\nDROP ROLE b;"), "x\u{fffd}DROP ROLE b;");
        assert_eq!(connect("orders"), "\\connect \"orders\"");
        assert_eq!(
            connect("a=b 'c'"),
            "\\connect -reuse-previous=on 'dbname=''a=b \\\\''c\\\\'''''"
        );
    }
}
