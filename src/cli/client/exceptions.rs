//! Exceptions, through the agent or alone.

use super::{Reach, myself, read};
use crate::clock;
use crate::http::exceptions::{self, ExceptionPage, ExceptionView, Filter};
use crate::intake::IntakeError;
use crate::intake::exceptions::Excused;
use anyhow::Result;

/// What is done with an exception.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) enum Doing {
    /// Granting it, or letting a legal hold end.
    Approve,
    /// Taking it back.
    Revoke,
    /// Having looked at what it was used for.
    Review,
}

impl Doing {
    fn word(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Revoke => "revoke",
            Self::Review => "review",
        }
    }
}

fn view(
    excused: Result<Option<Excused>, IntakeError>,
) -> Result<Option<ExceptionView>, IntakeError> {
    let view = |Excused { stored, exception }: Excused| {
        ExceptionView::of(&stored, &exception, clock::now())
    };
    Ok(excused?.map(view))
}

impl Reach {
    /// Asks for an exception; `None`: there is no such revocation or subject.
    pub(in crate::cli) async fn request_exception(
        &self,
        body: Vec<u8>,
    ) -> Result<Option<ExceptionView>> {
        match self {
            Self::Http { client, base, .. } => {
                self.excused(client.post(format!("{base}/api/v1/exceptions")).body(body)).await
            }
            Self::Alone(agent) => {
                let me = myself()?;
                let asked = agent.intake.request_exception(&body, &me);
                Ok(view(self.landing(Box::pin(asked)).await?)?)
            }
        }
    }

    /// Does something with an exception; `None`: there is none.
    pub(in crate::cli) async fn with_exception(
        &self,
        id: &str,
        doing: Doing,
    ) -> Result<Option<ExceptionView>> {
        let good = !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
        if !good {
            return Ok(None);
        }
        match self {
            Self::Http { client, base, .. } => {
                let path = format!("{base}/api/v1/exceptions/{id}/{}", doing.word());
                self.excused(client.post(path)).await
            }
            Self::Alone(agent) => {
                let me = myself()?;
                let intake = &agent.intake;
                let done = async {
                    match doing {
                        Doing::Approve => intake.approve_exception(id, &me).await,
                        Doing::Revoke => intake.revoke_exception(id, &me).await,
                        Doing::Review => intake.review_exception(id, &me).await,
                    }
                };
                Ok(view(self.landing(Box::pin(done)).await?)?)
            }
        }
    }

    async fn excused(&self, request: reqwest::RequestBuilder) -> Result<Option<ExceptionView>> {
        let request = request.header("content-type", "application/json");
        let response = self.answer(request).await?;
        if response.status() == reqwest::StatusCode::NOT_FOUND {
            return Ok(None);
        }
        Ok(Some(read(response).await?))
    }

    /// Every exception that `filter` asks for, newest first.
    pub(in crate::cli) async fn exceptions(&self, filter: Filter) -> Result<Vec<ExceptionView>> {
        let mut filter = Filter { limit: Some(exceptions::MOST), ..filter };
        let mut views = Vec::new();
        loop {
            let page: ExceptionPage = match self {
                Self::Http { client, base, .. } => {
                    let mut query = vec![("limit", exceptions::MOST.to_string())];
                    query.extend(filter.open.map(|open| ("open", open.to_string())));
                    let texts = [
                        ("kind", &filter.kind),
                        ("subject", &filter.subject),
                        ("revocation", &filter.revocation),
                        ("cursor", &filter.cursor),
                    ];
                    for (name, text) in texts {
                        query.extend(text.clone().map(|text| (name, text)));
                    }
                    let address = reqwest::Url::parse_with_params(
                        &format!("{base}/api/v1/exceptions"),
                        query,
                    )?;
                    self.send(client.get(address)).await?
                }
                Self::Alone(agent) => {
                    exceptions::page(&agent.journal.store, &filter, clock::now()).await?
                }
            };
            views.extend(page.exceptions);
            filter.cursor = page.next;
            if filter.cursor.is_none() {
                return Ok(views);
            }
        }
    }
}
