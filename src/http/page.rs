//! The page that checks logs in a browser, served to whoever asks: it is the same for everybody and holds nothing.

use super::problem::Problem;
use super::question::{Nothing, Question};
use axum::http::header;
use axum::response::IntoResponse;

/// The second verifier, one file: `src/audit/verify.html`.
const PAGE: &str = include_str!("../audit/verify.html");

/// What the page itself asks for in its `<meta>`, and that nobody may show it within a page of theirs.
const POLICY: &str = "default-src 'none'; script-src 'unsafe-inline'; worker-src blob:; style-src 'unsafe-inline'; \
    img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// The page that checks an audit log
///
/// One file that needs no network and no token: what is checked in it stays in the browser. Who does not trust this
/// agent takes the file from the release instead, which has the same bytes.
#[utoipa::path(
    get,
    path = "/verify.html",
    operation_id = "verify_page",
    tag = "audit",
    security(()),
    responses(
        (status = 200, description = "HTML.", content_type = "text/html", body = String),
        (status = 400, description = "There are no parameters.", content_type = "application/problem+json", body = Problem),
    )
)]
pub(super) async fn verifier(_: Question<Nothing>) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, PAGE)
}

#[cfg(test)]
mod tests {
    use super::{PAGE, POLICY};

    #[test]
    fn the_page_asks_for_no_more_than_the_header_grants() {
        let (_, rest) =
            PAGE.split_once("http-equiv=\"Content-Security-Policy\" content=\"").unwrap();
        let (own, _) = rest.split_once('"').unwrap();
        assert_eq!(format!("{own}; frame-ancestors 'none'"), POLICY);
        assert!(own.starts_with("default-src 'none'; "), "{own}");
        let place = |start: &str| PAGE.matches(start).count();
        assert_eq!((place("<script"), place(" src="), place("<link")), (1, 0, 1), "one file");
    }
}
