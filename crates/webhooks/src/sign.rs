//! Signatures over the bytes that are sent. Owns both forms; see <https://www.standardwebhooks.com>.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use hmac::{Hmac, KeyInit as _, Mac as _};
use mcp_orchestrator_domain::Digest;
use sha2::Sha256;

/// The value of `webhook-signature`: one signature for each secret, in order.
pub(crate) fn standard(secrets: &[&str], id: &str, timestamp_secs: u64, body: &[u8]) -> String {
    let head = format!("{id}.{timestamp_secs}.");
    let signed = secrets.iter().filter_map(|secret| {
        let key = STANDARD.decode(secret.strip_prefix("whsec_")?).ok()?;
        Some(format!("v1,{}", STANDARD.encode(hmac(&key, &[head.as_bytes(), body])?)))
    });
    signed.collect::<Vec<_>>().join(" ")
}

/// The value of `x-webhook-signature`, in hexadecimal digits.
pub(crate) fn original(secret: &str, body: &[u8]) -> Option<String> {
    Some(Digest::new(hmac(secret.as_bytes(), &[body])?).to_string())
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Option<[u8; 32]> {
    // A key of any length is taken, so this is never none.
    let mut mac = Hmac::<Sha256>::new_from_slice(key).ok()?;
    for part in parts {
        mac.update(part);
    }
    Some(mac.finalize().into_bytes().into())
}

#[cfg(test)]
mod tests {
    use super::{original, standard};

    const SECRET: &str = "whsec_C2FVsBQIhrscChlQIMV+b5sSYspob7oD";

    #[test]
    fn the_vector_of_the_specification_is_met() {
        let body = br#"{"email":"test@example.com","username":"test_user"}"#;
        let signed = standard(&[SECRET], "msg_27UH4WbU6Z5A5EzD8u03UvzRbpk", 1_649_367_553, body);
        assert_eq!(signed, "v1,tZ1I4/hDygAJgO5TYxiSd6Sd0kDW6hPenDe+bTa3Kkw=");
    }

    #[test]
    fn two_secrets_give_two_signatures() {
        let signed = standard(&[SECRET, "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"], "msg_1", 1, b"{}");
        assert_eq!(signed.split(' ').filter(|one| one.starts_with("v1,")).count(), 2);
    }

    #[test]
    fn the_originals_form_is_the_plain_code_in_hexadecimal_digits() {
        // Test case 2 of RFC 4231.
        let signed = original("Jefe", b"what do ya want for nothing?").unwrap();
        assert_eq!(signed, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    }
}
