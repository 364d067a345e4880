//! Texts that are filled in with what is known of a subject.

use crate::domain::probes::Parameter;

/// A text with places for what is known of a subject.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template(Vec<Part>);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    /// Place in the parameters of the check.
    Value(usize),
}

impl Template {
    /// Reads `text`; parameters that are new are added to `parameters`.
    pub(super) fn parse(text: &str, parameters: &mut Vec<Parameter>) -> Result<Self, String> {
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (name, behind) = after
                .split_once('}')
                .ok_or_else(|| format!("`{text}` has a `{{` without its `}}`"))?;
            let parameter = Parameter::from_word(name).ok_or_else(|| {
                let known: Vec<_> = Parameter::ALL.iter().map(|p| p.as_str()).collect();
                format!("`{{{name}}}` is not known of a subject; there are {}", known.join(", "))
            })?;
            let known = parameters.iter().position(|known| *known == parameter);
            let place = known.unwrap_or_else(|| {
                parameters.push(parameter);
                parameters.len() - 1
            });
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(Part::Value(place));
            rest = behind;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        Ok(Self(parts))
    }

    /// The text with `values` in their places, each written by `write`.
    #[must_use]
    pub fn fill(&self, values: &[String], write: impl Fn(&str) -> String) -> String {
        let part = |part: &Part| match part {
            Part::Text(text) => text.clone(),
            Part::Value(place) => values.get(*place).map(|value| write(value)).unwrap_or_default(),
        };
        self.0.iter().map(part).collect()
    }

    /// Whether it begins with what is known of a subject: an argument would be taken for an option then.
    #[must_use]
    pub fn begins_with_a_value(&self) -> bool {
        matches!(self.0.first(), Some(Part::Value(_)))
    }
}
