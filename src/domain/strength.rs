//! How near a residual is to use: the one place that decides.

use super::powers::Attribute;
use super::residual::{ResidualKind as K, Strength as S};

/// What is known of a residual beside its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Known {
    /// Whoever has it can give itself, or others, more.
    pub gives: bool,
    /// It works without anybody logged in, and is switched on.
    pub runs: bool,
}

impl Known {
    /// Nothing beside the kind.
    pub const NOTHING: Self = Self { gives: false, runs: false };

    /// Whoever has it can give itself, or others, more, if `yes`.
    #[must_use]
    pub fn gives(yes: bool) -> Self {
        Self { gives: yes, ..Self::NOTHING }
    }

    /// It works by itself, if `yes`.
    #[must_use]
    pub fn runs(yes: bool) -> Self {
        Self { runs: yes, ..Self::NOTHING }
    }
}

impl S {
    /// The strength of a residual.
    #[must_use]
    pub fn of(kind: K, known: Known) -> Self {
        let lasting = if known.gives { Self::CanRegain } else { Self::Latent };
        match kind {
            K::Session | K::VanishedSession | K::Replication => Self::ActsNow,
            K::Login | K::Credential | K::HbaRule | K::IdentMap | K::Probe => Self::CanLogIn,
            // Whoever owns one that is switched off can switch it on.
            K::Subscription | K::Job => {
                if known.runs {
                    Self::ActsNow
                } else {
                    Self::CanRegain
                }
            }
            // An owner can always grant itself what it does not have; what is prepared may grant anything.
            K::Ownership | K::PreparedTransaction => Self::CanRegain,
            K::Attribute | K::Membership | K::AdminOption | K::Privilege => lasting,
            K::DefaultPrivilege | K::Policy | K::UserMapping | K::RoleSetting | K::DanglingAcl => {
                Self::Latent
            }
        }
    }

    /// The strength of an attribute, held or taken by SET ROLE.
    #[must_use]
    pub fn of_attribute(attribute: Attribute) -> Self {
        let gives = match attribute {
            // CREATEROLE of 16 and later still makes a role to log in with.
            Attribute::Superuser | Attribute::CreateRole => true,
            Attribute::CreateDb | Attribute::Replication | Attribute::BypassRls => false,
        };
        Self::of(K::Attribute, Known::gives(gives))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table() {
        let (none, gives, runs) = (Known::NOTHING, Known::gives(true), Known::runs(true));
        for (kind, known, expected) in [
            (K::Session, none, S::ActsNow),
            (K::VanishedSession, none, S::ActsNow),
            (K::Replication, none, S::ActsNow),
            (K::Subscription, runs, S::ActsNow),
            (K::Job, runs, S::ActsNow),
            (K::Login, none, S::CanLogIn),
            (K::Subscription, none, S::CanRegain),
            (K::Ownership, none, S::CanRegain),
            (K::PreparedTransaction, none, S::CanRegain),
            (K::AdminOption, gives, S::CanRegain),
            (K::Privilege, gives, S::CanRegain),
            (K::Membership, gives, S::CanRegain),
            // ADMIN on a superuser's role: only a superuser can use it.
            (K::AdminOption, none, S::Latent),
            (K::Membership, none, S::Latent),
            (K::Privilege, none, S::Latent),
            (K::DefaultPrivilege, none, S::Latent),
            (K::Policy, none, S::Latent),
            (K::UserMapping, none, S::Latent),
            (K::RoleSetting, none, S::Latent),
            (K::DanglingAcl, none, S::Latent),
        ] {
            assert_eq!(S::of(kind, known), expected, "{kind}");
        }
        assert_eq!(S::of_attribute(Attribute::Superuser), S::CanRegain);
        assert_eq!(S::of_attribute(Attribute::CreateRole), S::CanRegain);
        assert_eq!(S::of_attribute(Attribute::Replication), S::Latent);
    }

    #[test]
    fn worst_first_is_the_order_of_the_words() {
        let order = [S::ActsNow, S::CanLogIn, S::CanRegain, S::Latent, S::ViaPublic];
        assert!(order.is_sorted());
        assert_eq!(S::ALL, order);
    }
}
