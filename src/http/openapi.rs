//! The description of the API (OpenAPI 3.1), made from the handlers and the types they answer with.
//!
//! A handler says in `#[utoipa::path]` what it takes and answers, with the sets of problems below, and is
//! added to `routes` in `src/http.rs`. Nothing else has to be kept in step.

use super::problem::Problem;
use super::question::{Nothing, Question};
use axum::http::header;
use axum::response::IntoResponse;
use std::collections::BTreeMap;
use std::sync::LazyLock;
use utoipa::openapi::header::HeaderBuilder;
use utoipa::openapi::response::{Response, ResponseBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Type};
use utoipa::openapi::security::{Http, HttpAuthScheme, SecurityScheme};
use utoipa::openapi::{
    ComponentsBuilder, ContentBuilder, InfoBuilder, LicenseBuilder, OpenApi, OpenApiBuilder, Ref,
    RefOr, SecurityRequirement,
};
use utoipa::{IntoResponses, PartialSchema as _};

/// What every reader of the description should know first.
const ABOUT: &str = "What `revoked` knows about access that should be gone. It never changes a target, and \
no answer has a connection string. What is shown of a revocation is what the signed log holds.\n\n\
Every error is a problem (RFC 9457), but for a pushed token, whose refusal has the form of RFC 8935. A method that \
an address does not have is answered 405 with `Allow`; unknown query parameters are refused.";

/// Makes sets of answers that handlers share.
macro_rules! problems {
    ($($(#[$doc:meta])* $name:ident { $($status:literal => $why:literal),+ $(,)? })+) => { $(
        $(#[$doc])*
        pub(super) struct $name;

        impl IntoResponses for $name {
            fn responses() -> BTreeMap<String, RefOr<Response>> {
                [$(($status, $why)),+]
                    .into_iter()
                    .map(|(status, why)| (status.to_string(), problem(status, why).into()))
                    .collect()
            }
        }
    )+ };
}

problems! {
    /// Any question can be answered with these.
    Common {
        400 => "The query, a header or the body cannot be read.",
        401 => "No token, or not one of those configured.",
        403 => "The token is not for this.",
        429 => "More requests than the caller has in a minute.",
        500 => "A defect of the agent.",
        503 => "The store does not answer, or the log takes no record. Nothing was acknowledged.",
    }
    /// Where the path has an id or a number.
    Missing {
        404 => "There is none.",
    }
    /// Where a notice is taken.
    Notices {
        409 => "This id came before from this caller, with other bytes. Nothing was changed.",
        413 => "More than 64 KiB.",
        415 => "The body is not `application/json`.",
        422 => "The notice cannot be used; `detail` names the field. Nothing was kept.",
    }
    /// Where an event is taken.
    Events {
        409 => "This id came before from this sender, with other bytes. Nothing was changed, and it is on record.",
        413 => "More than 64 KiB.",
        415 => "The body is not `application/json`.",
        422 => "The event cannot be used; `errors` names the fields. It is held for a person as `notice`.",
    }
    /// Where tokens are pushed.
    Pushed {
        500 => "A defect of the agent.",
        503 => "Store, log or the issuer's keys are not available. Nothing was acknowledged; send it again.",
    }
    /// Where a press of a button is taken.
    Presses {
        404 => "There is no button, or nothing of that id.",
        409 => "Nothing of it is late.",
        413 => "More than 256 KiB.",
    }
    /// Where something is done with a revocation.
    Conflicts {
        409 => "The revocation is not in a state in which this can be done.",
    }
}

fn problem(status: u16, why: &str) -> Response {
    let text = ObjectBuilder::new().schema_type(Type::String).build();
    let header =
        |why: &str| HeaderBuilder::new().schema(Some(text.clone())).description(Some(why)).build();
    let schema = Ref::from_schema_name("Problem");
    let content = ContentBuilder::new().schema(Some(schema)).build();
    let answer =
        ResponseBuilder::new().description(why).content("application/problem+json", content);
    match status {
        401 => answer.header("WWW-Authenticate", header("`Bearer`")),
        429 | 503 => {
            answer.header("Retry-After", header("Seconds to wait before the next attempt."))
        }
        _ => answer,
    }
    .build()
}

/// What the description has besides its routes.
pub(super) fn base() -> OpenApi {
    let bearer = Http::builder()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A token of the configuration; over the Unix socket none is needed."))
        .build();
    OpenApiBuilder::new()
        .info(
            InfoBuilder::new()
                .title("revoked")
                .version(env!("CARGO_PKG_VERSION"))
                .description(Some(ABOUT))
                .license(Some(
                    LicenseBuilder::new().name("Apache-2.0").identifier(Some("Apache-2.0")).build(),
                ))
                .build(),
        )
        .components(Some(
            ComponentsBuilder::new()
                .schema("Problem", Problem::schema())
                .security_scheme("bearer", SecurityScheme::Http(bearer))
                .build(),
        ))
        .security(Some([SecurityRequirement::new("bearer", [] as [&str; 0])]))
        .build()
}

/// The description as it is served.
static TEXT: LazyLock<String> =
    LazyLock::new(|| super::description().to_json().unwrap_or_default());

/// This description
///
/// It holds nothing secret, and needs no token.
#[utoipa::path(
    get,
    path = "/openapi.json",
    operation_id = "describe",
    tag = "description",
    security(()),
    responses(
        (status = 200, description = "OpenAPI 3.1.", content_type = "application/json", body = Object),
        (status = 400, description = "There are no parameters.", content_type = "application/problem+json", body = Problem),
    )
)]
pub(super) async fn describe(_: Question<Nothing>) -> impl IntoResponse {
    ([(header::CONTENT_TYPE, "application/json")], TEXT.as_str())
}
