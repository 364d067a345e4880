//! What callers are not told: where a target is.

use crate::domain::observation::Gap;

/// A gap without names and addresses of machines. Those stand in what a server, its certificate or the
/// resolver says while a connection fails, in quotation marks; `revoked check` shows them.
pub(super) fn names(mut gap: Gap) -> Gap {
    if gap.reason.contains("connecting failed:") {
        gap.reason = unquoted(&gap.reason);
    }
    gap
}

fn unquoted(reason: &str) -> String {
    // rustls lists what a certificate is for, addresses without quotation marks.
    let reason = reason.split("; certificate is only valid for").next().unwrap_or_default();
    let parts = reason.split('"').enumerate();
    let parts: Vec<&str> = parts.map(|(n, part)| if n % 2 == 1 { "…" } else { part }).collect();
    parts.join("\"")
}

#[cfg(test)]
mod tests {
    use super::unquoted;

    #[test]
    fn what_is_quoted_is_not_told() {
        for (said, told) in [
            (
                "connecting failed: no pg_hba.conf entry for host \"10.0.0.5\", user \"revoked\" (SQLSTATE 28000)",
                "connecting failed: no pg_hba.conf entry for host \"…\", user \"…\" (SQLSTATE 28000)",
            ),
            (
                "connecting failed: certificate not valid for name \"db.internal\"; certificate is only valid \
                 for DnsName(\"db-1.internal\") or IpAddress(10.0.0.5)",
                "connecting failed: certificate not valid for name \"…\"",
            ),
            ("connecting failed: Connection refused", "connecting failed: Connection refused"),
            ("connecting failed: torn \"name", "connecting failed: torn \"…"),
        ] {
            assert_eq!(unquoted(said), told);
        }
    }
}
