//! Functions of chance: `uuid` and `bcrypt`. They are called only where the scope lets them draw; before that their results are
//! unknown, and `arguments` sees to that.

use std::sync::LazyLock;

use base64::Engine as _;
use base64::alphabet::BCRYPT;
use base64::engine::GeneralPurpose;
use base64::engine::general_purpose::NO_PAD;
use value::Value;

use super::arguments::{Arguments, Failure};
use super::hash::uuid_text;
use super::signature::{Function, Parameter, Shape};

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "uuid",
        &[],
        Shape::String,
        |_| Ok(Value::string(uuid_text(drawn()?, 4))),
        "A random identifier (RFC 9562, version 4), drawn at each apply.",
    )
    .random(),
    Function::new(
        "bcrypt",
        &[Parameter::new("str", Shape::String)],
        Shape::String,
        bcrypt,
        "The bcrypt hash of a text with a random salt, drawn at each apply; the cost is 10 or as given.",
    )
    .rest(Parameter::new("cost", Shape::Number))
    .random(),
];

fn drawn() -> Result<[u8; 16], Failure> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|e| Failure::call(format!("the system gives no random numbers: {e}")))?;
    Ok(bytes)
}

/// What Go's implementation takes, and therefore Terraform, where no cost is given or one that is too low.
const COST: u32 = 10;
/// Below this bcrypt is not defined.
const COST_MIN: i64 = 4;
/// Above this the number of rounds, two to the power of the cost, has no room in 32 bits.
const COST_MAX: i64 = 31;
/// More has no room in the key of the cipher; the rest would count for nothing.
const PASSWORD_BYTES_MAX: usize = 72;

fn bcrypt(a: &Arguments<'_>) -> Result<Value, Failure> {
    let cost = match a.from(1) {
        [] => COST,
        [_] => cost(a.integer(1)?)?,
        _ => return Err(Failure::call("bcrypt() takes no more than two arguments")),
    };
    let password = a.text(0).as_bytes();
    if password.len() > PASSWORD_BYTES_MAX {
        return Err(Failure::at(0, "a password has at most 72 bytes, and this one is longer"));
    }
    Ok(Value::string(hashed(password, cost, drawn()?)))
}

fn cost(given: i64) -> Result<u32, Failure> {
    if given > COST_MAX {
        return Err(Failure::showing(Some(1), |show| {
            format!("cost {} is outside allowed range (4,31)", show(given.to_string()))
        }));
    }
    if given < COST_MIN {
        return Ok(COST);
    }
    Ok(u32::try_from(given).unwrap_or(COST))
}

/// The alphabet of bcrypt, whose Base64 is not the usual one.
static BASE64: LazyLock<GeneralPurpose> = LazyLock::new(|| GeneralPurpose::new(&BCRYPT, NO_PAD));

/// The hash in the usual notation: version, cost, salt and digest. The password has at most 72 bytes.
fn hashed(password: &[u8], cost: u32, salt: [u8; 16]) -> String {
    // The key is the password with a zero at its end, if there is room for one.
    let mut key = password.to_vec();
    key.push(0);
    key.truncate(PASSWORD_BYTES_MAX);
    let digest = ::bcrypt::bcrypt(cost, salt, &key);
    // The last byte of the digest was left out by the first implementation, and so by all.
    format!("$2a${cost:02}${}{}", BASE64.encode(salt), BASE64.encode(&digest[..23]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_the_one_that_terraform_made_with_the_same_salt() {
        // Answered by Terraform's console to `bcrypt(…, 4)`.
        let recorded = [
            ("x", "$2a$04$OLQUpgEqS6XNjoOd6wkrL.7HeWSqiuonVDc.DrmRmjcTjVACX3ejG"),
            ("", "$2a$04$PeYvY6SVzbS31HYQjgyLYeqHVJ2y4fTbcuEMqBZI7LLkpBtb0t/PS"),
            ("é", "$2a$04$5KCYUKvgy.fNIzssP9LInOZSkrRGTf5mdbRiH.auNFWToh5X1krWy"),
            ("a\0b", "$2a$04$da3EMeXu50CfI5UUVkOJSOoSnQPeXd.fv3zCs8Q.jmnHoLB7ti9py"),
            (&"a".repeat(72), "$2a$04$OHRDxgbv0YCTl1N2uawIZOr1vFAra9cffYYk4E22b1gUhoN7q3vXe"),
            (&"b".repeat(71), "$2a$04$fvSIVNWhMl.TCqIgghMOy.FoZAQGpahslLsJ.cqBxpk9j3GOJGDZG"),
        ];
        for (password, hash) in recorded {
            let salt = BASE64.decode(&hash[7..29]).unwrap();
            assert_eq!(hashed(password.as_bytes(), 4, salt.try_into().unwrap()), hash, "{password:?}");
        }
    }
}
