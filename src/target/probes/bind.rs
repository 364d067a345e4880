//! Values of a subject as the parameters of a configured statement: never a part of its text.
//!
//! The types are what the server infers, as for a literal in that place: a name compared with a `citext` column is
//! compared as one. Text is text in the binary form of the protocol too; numbers and UUIDs are written out here.

use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArgumentBuffer, PgArguments, PgTypeInfo, PgTypeKind};
use sqlx::{Arguments as _, Encode, Postgres, Type, TypeInfo as _};

/// A value that cannot be given.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Wrong {
    /// How many parameters the server sees.
    Number(usize),
    /// The parameter and the type that the server wants.
    Type(usize, String),
    /// The parameter whose value is none of its type.
    Value(usize, String),
}

impl Wrong {
    pub(super) fn reason(&self) -> String {
        match self {
            Self::Number(seen) => format!("the server sees {seen} parameters in it"),
            Self::Type(number, name) => format!("${number} is of type {name}"),
            Self::Value(number, name) => {
                format!("what is known of the subject for ${number} is no {name}")
            }
        }
    }

    pub(super) fn fix(&self) -> String {
        match self {
            Self::Number(_) => "use each of its parameters".to_owned(),
            Self::Type(number, _) | Self::Value(number, _) => {
                format!(
                    "compare as text: write the column's side as column::text, and ${number}::text"
                )
            }
        }
    }
}

struct Bound {
    bytes: Option<Vec<u8>>,
    info: PgTypeInfo,
}

impl Type<Postgres> for Bound {
    fn type_info() -> PgTypeInfo {
        <String as Type<Postgres>>::type_info()
    }
}

impl Encode<'_, Postgres> for Bound {
    fn encode_by_ref(&self, buffer: &mut PgArgumentBuffer) -> Result<IsNull, BoxDynError> {
        let Some(bytes) = &self.bytes else { return Ok(IsNull::Yes) };
        buffer.extend_from_slice(bytes);
        Ok(IsNull::No)
    }

    fn produces(&self) -> Option<PgTypeInfo> {
        Some(self.info.clone())
    }

    fn size_hint(&self) -> usize {
        self.bytes.as_ref().map_or(0, Vec::len)
    }
}

/// How a type is written.
#[derive(Clone, Copy)]
enum Form {
    Text,
    Int2,
    Int4,
    Int8,
    Uuid,
}

fn form(info: &PgTypeInfo) -> Option<Form> {
    match info.name().to_ascii_lowercase().as_str() {
        "text" | "varchar" | "char" | "bpchar" | "name" | "unknown" | "citext" => Some(Form::Text),
        "int2" => Some(Form::Int2),
        "int4" => Some(Form::Int4),
        "int8" => Some(Form::Int8),
        "uuid" => Some(Form::Uuid),
        // What the driver did not find in `pg_type`; it knows nothing more of that.
        "?" => None,
        _ => match info.kind() {
            PgTypeKind::Domain(base) => form(base),
            PgTypeKind::Simple
            | PgTypeKind::Pseudo
            | PgTypeKind::Composite(_)
            | PgTypeKind::Array(_)
            | PgTypeKind::Enum(_)
            | PgTypeKind::Range(_) => None,
        },
    }
}

fn bytes(form: Form, value: &str) -> Option<Vec<u8>> {
    match form {
        Form::Text => (!value.contains('\0')).then(|| value.as_bytes().to_vec()),
        Form::Int2 => value.parse::<i16>().ok().map(|n| n.to_be_bytes().to_vec()),
        Form::Int4 => value.parse::<i32>().ok().map(|n| n.to_be_bytes().to_vec()),
        Form::Int8 => value.parse::<i64>().ok().map(|n| n.to_be_bytes().to_vec()),
        Form::Uuid => {
            let digits: String = value.chars().filter(|c| *c != '-').collect();
            let number = u128::from_str_radix(&digits, 16).ok().filter(|_| digits.len() == 32);
            number.map(|number| number.to_be_bytes().to_vec())
        }
    }
}

/// The parameters of a statement whose types the server inferred; no value is NULL.
pub(super) fn arguments<'a>(
    types: &[PgTypeInfo],
    values: impl ExactSizeIterator<Item = Option<&'a str>>,
) -> Result<PgArguments, Wrong> {
    if types.len() != values.len() {
        return Err(Wrong::Number(types.len()));
    }
    let mut arguments = PgArguments::default();
    for (place, (info, value)) in types.iter().zip(values).enumerate() {
        let name = || (place + 1, info.name().to_owned());
        let wrong_type = || {
            let (number, name) = name();
            Wrong::Type(number, name)
        };
        let form = form(info).ok_or_else(wrong_type)?;
        let bytes = match value {
            None => None,
            Some(value) => Some(bytes(form, value).ok_or_else(|| {
                let (number, name) = name();
                Wrong::Value(number, name)
            })?),
        };
        arguments.add(Bound { bytes, info: info.clone() }).map_err(|_| wrong_type())?;
    }
    Ok(arguments)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_by_type() {
        assert_eq!(bytes(Form::Text, "ä").unwrap(), "ä".as_bytes());
        assert_eq!(bytes(Form::Int4, "258").unwrap(), [0, 0, 1, 2]);
        assert_eq!(bytes(Form::Int4, "EMP-1"), None);
        assert_eq!(bytes(Form::Text, "a\0b"), None);
        let uuid = bytes(Form::Uuid, "00000000-0000-0000-0000-0000000000ff").unwrap();
        assert_eq!((uuid.len(), uuid.last()), (16, Some(&255)));
        assert_eq!(bytes(Form::Uuid, "ff"), None);
    }

    #[test]
    fn what_the_server_wants_has_to_be_there() {
        let text = <String as Type<Postgres>>::type_info();
        let flag = <bool as Type<Postgres>>::type_info();
        let ask = |types: &[PgTypeInfo], values: &[Option<&str>]| {
            arguments(types, values.iter().copied()).map(|_| ())
        };
        assert_eq!(ask(std::slice::from_ref(&text), &[Some("a")]), Ok(()));
        assert_eq!(ask(std::slice::from_ref(&text), &[None]), Ok(()));
        assert_eq!(ask(&[], &[Some("a")]), Err(Wrong::Number(0)));
        assert_eq!(ask(&[text, flag], &[Some("a"), Some("b")]), Err(Wrong::Type(2, "BOOL".into())));
    }
}
