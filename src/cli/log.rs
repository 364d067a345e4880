//! What the agent says about itself, on stderr. Every field is described in `docs/logging.md`.

use crate::clock;
use std::fmt::{self, Write as _};
use std::io::IsTerminal as _;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::{Event, Subscriber};
use tracing_subscriber::filter::{EnvFilter, FilterExt as _, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

/// Form and amount of what is said on stderr.
#[derive(Debug, clap::Args)]
pub(super) struct LogArguments {
    /// Form of the log on stderr; auto is text on a terminal, else one JSON object a line
    #[arg(long, value_name = "FORM", value_enum, default_value_t)]
    log_format: Form,

    /// What to log: off, error, warn, info, debug, trace, or directives such as warn,revoked::http=debug
    #[arg(long, value_name = "LEVEL", env = "REVOKED_LOG", default_value = "info", value_parser = directives)]
    log_level: String,
}

#[derive(Clone, Copy, Debug, Default, clap::ValueEnum)]
enum Form {
    #[default]
    Auto,
    Text,
    Json,
}

/// A level alone is about this program; what libraries say is for those who ask for it by name.
fn directives(text: &str) -> Result<String, String> {
    let text = if text.is_empty() { "info" } else { text };
    let text = match text.parse::<LevelFilter>() {
        Ok(LevelFilter::OFF) | Err(_) => text.to_owned(),
        Ok(_) => format!("warn,revoked={text}"),
    };
    let parsed = EnvFilter::builder().parse(&text);
    parsed.map(|_| text).map_err(|error| error.to_string())
}

/// Says everything on stderr from now on, panics too.
pub(super) fn start(arguments: &LogArguments) {
    // sqlx quotes parameters of a URL that it does not know, and lines of ~/.pgpass that it cannot read.
    // No directive brings that back.
    let harmless = filter_fn(|meta| !meta.target().starts_with("sqlx_postgres::options"));
    let filter = EnvFilter::new(&arguments.log_level).and(harmless);
    let text = match arguments.log_format {
        Form::Auto => std::io::stderr().is_terminal(),
        Form::Text => true,
        Form::Json => false,
    };
    let lines = tracing_subscriber::fmt::layer().with_writer(std::io::stderr);
    let lines = if text {
        lines.with_target(false).with_ansi(std::io::stderr().is_terminal()).boxed()
    } else {
        lines.event_format(Json).boxed()
    };
    // A second call in one process would be a test's; its output does not matter.
    let _ = tracing::subscriber::set_global_default(
        tracing_subscriber::registry().with(lines.with_filter(filter)),
    );
    std::panic::set_hook(Box::new(|panic| {
        let at = panic.location().map(ToString::to_string).unwrap_or_default();
        let error = panic.payload_as_str().unwrap_or("it did not say why");
        tracing::error!(at, error, "a panic; this is a defect");
    }));
}

/// One object a line: `time`, `level`, `message`, then the fields in the order of the source, then `module`.
struct Json;

impl<S, N> FormatEvent<S, N> for Json
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let mut line = Line::default();
        event.record(&mut line);
        let level = event.metadata().level().as_str().to_ascii_lowercase();
        let message = serde_json::Value::from(line.message);
        let (now, fields) = (clock::now(), line.fields);
        let module = event.metadata().target();
        writeln!(
            writer,
            r#"{{"time":"{now}","level":"{level}","message":{message}{fields},"module":"{module}"}}"#
        )
    }
}

/// The parts of one event.
#[derive(Default)]
struct Line {
    message: String,
    /// `,"name":value` each.
    fields: String,
}

impl Line {
    fn add(&mut self, field: &Field, value: impl Into<serde_json::Value>) {
        // Writing into a String does not fail.
        let _ = write!(self.fields, ",\"{}\":{}", field.name(), value.into());
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            self.message = format!("{value:?}");
        } else {
            self.add(field, format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.add(field, value);
        }
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, value);
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, value);
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.add(field, value);
    }

    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::sync::{Arc, Mutex};

    #[derive(Clone, Default)]
    struct Written(Arc<Mutex<Vec<u8>>>);

    impl Write for Written {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_line_is_one_object_whatever_is_in_it() {
        let written = Written::default();
        let to = written.clone();
        let lines =
            tracing_subscriber::fmt::layer().with_writer(move || to.clone()).event_format(Json);
        tracing::subscriber::with_default(tracing_subscriber::registry().with(lines), || {
            tracing::warn!(
                target = "main",
                count = 3,
                share = 0.5,
                up = false,
                error = %"a \"quoted\"\nline",
                "the target {}", "does not answer"
            );
        });
        let text = String::from_utf8(written.0.lock().unwrap().clone()).unwrap();
        assert_eq!(text.lines().count(), 1, "{text}");
        let line: serde_json::Value = serde_json::from_str(&text).unwrap();
        assert!(line["time"].as_str().unwrap().ends_with('Z'), "{line}");
        for (key, value) in [
            ("level", "warn".into()),
            ("message", "the target does not answer".into()),
            ("target", "main".into()),
            ("count", 3.into()),
            ("share", 0.5.into()),
            ("up", false.into()),
            ("error", "a \"quoted\"\nline".into()),
            ("module", "revoked::cli::log::tests".into()),
        ] {
            let value: serde_json::Value = value;
            assert_eq!(line[key], value, "{line}");
        }
        assert!(
            text.starts_with("{\"time\":\"") && text.contains(",\"level\":\"warn\",\"message\"")
        );
    }

    #[test]
    fn a_level_alone_is_about_this_program() {
        for (given, means) in [
            ("debug", "warn,revoked=debug"),
            ("off", "off"),
            ("", "warn,revoked=info"),
            ("warn,sqlx=debug", "warn,sqlx=debug"),
        ] {
            assert_eq!(directives(given).as_deref(), Ok(means), "{given}");
        }
        assert!(directives("revoked=loud").is_err());
    }
}
