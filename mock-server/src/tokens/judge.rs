//! What a server thinks of a token: who presents it, or why it is refused.
//!
//! The order is that of the documents: is there a token, does it look like a guest's, else is its signature right, has
//! it expired, whom does it name. Expiry follows the server's clock without leeway. Knows nothing of sessions.

use std::time::Duration;

use regex::{Regex, RegexBuilder};
use serde_json::{Map, Value};

use super::jwt;
use crate::contract::Contract;

/// Who presents a good token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The claim `userId`, or the whole guest token.
    pub user_id: String,
    /// Whether it is a guest.
    pub guest: bool,
}

/// Why a token is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refusal {
    /// There is none.
    Required,
    /// It is neither a guest token nor a genuine JWT that names a user.
    Invalid,
    /// It is a genuine JWT past its `exp`.
    JwtExpired,
    /// It is a guest token past its age.
    GuestExpired,
}

impl Refusal {
    /// The name of the error in the contract.
    pub fn error(self) -> &'static str {
        match self {
            Self::Required => "required",
            Self::Invalid => "invalid",
            Self::JwtExpired => "jwt_expired",
            Self::GuestExpired => "guest_expired",
        }
    }
}

/// Readings of the document that can be switched.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Readings {
    /// What becomes of an expired JWT.
    pub expired_jwt: ExpiredJwt,
    /// What becomes of a guest token from the future.
    pub future_guests: FutureGuests,
}

/// The switch `jwt_expired_code`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ExpiredJwt {
    /// It is refused as expired.
    #[default]
    Expired,
    /// It is refused as invalid, as in the printed code.
    Invalid,
}

/// The switch `future_guest_tokens`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum FutureGuests {
    /// A negative age is below the limit.
    #[default]
    Accept,
    /// It is refused as invalid.
    Reject,
}

impl Readings {
    /// The readings that these switches choose; `switch` gives the value of a name.
    pub fn from_switches<'a>(switch: impl Fn(&str) -> Option<&'a str>) -> Self {
        Self {
            expired_jwt: match switch("jwt_expired_code") {
                Some("AUTH_INVALID") => ExpiredJwt::Invalid,
                _ => ExpiredJwt::Expired,
            },
            future_guests: match switch("future_guest_tokens") {
                Some("reject") => FutureGuests::Reject,
                _ => FutureGuests::Accept,
            },
        }
    }
}

/// Judges the tokens of one system.
#[derive(Debug)]
pub struct Judge {
    secret: String,
    readings: Readings,
    guest: Option<GuestRule>,
}

#[derive(Debug)]
struct GuestRule {
    pattern: Regex,
    lifetime: Duration,
}

/// The moment at which a token is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Moment {
    /// This time since the epoch.
    At(Duration),
    /// Some time after its end, whenever that is.
    PastItsEnd,
}

impl Judge {
    /// A judge who knows the contract's tokens and the secret of its JWTs.
    pub fn new(contract: &Contract, secret: &str, readings: Readings) -> Self {
        Self { secret: secret.to_owned(), readings, guest: GuestRule::of(contract) }
    }

    /// Judges what stood in the token's place, at this time of the server's clock.
    pub fn judge(&self, token: Option<&Value>, now: Duration) -> Result<Identity, Refusal> {
        self.judge_at(token, Moment::At(now))
    }

    /// Judges it as if it were past its lifetime: only a token that would be accepted is refused as expired.
    pub fn judge_expired(&self, token: Option<&Value>) -> Result<Identity, Refusal> {
        self.judge_at(token, Moment::PastItsEnd)
    }

    /// Whether a text has the form of a guest token, of whatever age.
    pub fn is_guest_token(&self, token: &str) -> bool {
        self.guest.as_ref().is_some_and(|rule| rule.pattern.is_match(token))
    }

    /// The claims of a JWT that is genuine, expired or not.
    pub fn genuine_claims(&self, token: &str) -> Option<Map<String, Value>> {
        jwt::claims(token, &self.secret)
    }

    fn judge_at(&self, token: Option<&Value>, moment: Moment) -> Result<Identity, Refusal> {
        match token {
            None | Some(Value::Null) => Err(Refusal::Required),
            Some(Value::String(text)) if text.is_empty() => Err(Refusal::Required),
            Some(Value::String(text)) => match self.guest.as_ref().filter(|rule| rule.pattern.is_match(text)) {
                Some(rule) => self.judge_guest(rule, text, moment),
                None => self.judge_jwt(text, moment),
            },
            Some(_) => Err(Refusal::Invalid),
        }
    }

    fn judge_guest(&self, rule: &GuestRule, token: &str, moment: Moment) -> Result<Identity, Refusal> {
        let made = token.rsplit('_').next().unwrap_or_default();
        // Digits that do not fit are further in the future than any clock.
        let made = made.parse::<u128>().unwrap_or(u128::MAX);
        let age = match moment {
            Moment::At(now) => now.as_millis().checked_sub(made),
            Moment::PastItsEnd => Some(rule.lifetime.as_millis()),
        };
        match age {
            Some(age) if age >= rule.lifetime.as_millis() => Err(Refusal::GuestExpired),
            None if self.readings.future_guests == FutureGuests::Reject => Err(Refusal::Invalid),
            _ => Ok(Identity { user_id: token.to_owned(), guest: true }),
        }
    }

    fn judge_jwt(&self, token: &str, moment: Moment) -> Result<Identity, Refusal> {
        let claims = self.genuine_claims(token).ok_or(Refusal::Invalid)?;
        let end = claims.get("exp").and_then(Value::as_f64).ok_or(Refusal::Invalid)?;
        let expired = match moment {
            Moment::At(now) => now.as_secs_f64().floor() >= end,
            Moment::PastItsEnd => true,
        };
        if expired {
            return Err(match self.readings.expired_jwt {
                ExpiredJwt::Expired => Refusal::JwtExpired,
                ExpiredJwt::Invalid => Refusal::Invalid,
            });
        }
        let user = claims.get("userId").and_then(Value::as_str).filter(|user| !user.is_empty());
        let user_id = user.ok_or(Refusal::Invalid)?.to_owned();
        Ok(Identity { user_id, guest: false })
    }
}

impl GuestRule {
    fn of(contract: &Contract) -> Option<Self> {
        let token = contract.tokens.get("guest")?;
        // The document's pattern is JavaScript's, where \d means ASCII digits.
        let pattern = RegexBuilder::new(token.pattern.as_deref()?).unicode(false).build();
        let pattern = pattern.expect("a compiled-in contract has well-formed patterns: the tests judge by each");
        Some(Self { pattern, lifetime: token.lifetime })
    }
}
