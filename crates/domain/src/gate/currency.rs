//! Currencies beside a number. Owns their signs, codes and words; which of them agree is decided in `units`.

/// The signs of money, each a currency of its own; what two countries share, such as `$`, is read in `before_sign`.
const SIGNS: &str = "¢¤֏؋߾߿৲৳৻૱௹฿៛₠₡₢₣₤₥₦₧₨₩₪₫₭₮₯₰₱₲₳₴₵₶₷₸₹₺₻₼₽₾₿⃀꠸﷼";

/// Every dollar, which the word alone may mean.
pub(super) const DOLLARS: &[&str] = &["usd", "cad", "aud", "nzd", "hkd", "sgd", "twd"];

/// Codes of three letters that stand before or after an amount.
const CODES: &[&str] = &[
    "usd", "cad", "aud", "nzd", "hkd", "sgd", "twd", "eur", "gbp", "jpy", "cny", "chf", "sek", "nok", "dkk", "isk",
    "czk", "inr", "pkr", "lkr", "npr", "krw", "brl", "mxn", "zar", "rub", "try", "pln", "ils", "ngn", "thb", "vnd",
    "php", "uah",
];

/// Whether this is a sign of money.
pub(super) fn is_sign(c: char) -> bool {
    matches!(c, '$' | '€' | '£' | '¥' | '＄' | '￡' | '￥' | '￦') || SIGNS.contains(c)
}

/// The currency directly before a number: `$5`, `C$5`, `€ 5`, `USD 5`.
pub(super) fn currency_before(text: &str, start: usize) -> Option<&'static str> {
    let before = text[..start].trim_end_matches([' ', '\u{a0}', '\u{202f}']);
    let sign = before.chars().next_back()?;
    if is_sign(sign) {
        return before_sign(&before[..before.len() - sign.len_utf8()], sign);
    }
    let word = before.rsplit(|c: char| !c.is_alphanumeric()).next()?;
    code(word)
}

/// A sign with the letters of its country before it.
fn before_sign(before: &str, sign: char) -> Option<&'static str> {
    let letters = before.rsplit(|c: char| !c.is_ascii_alphabetic()).next().unwrap_or_default();
    Some(match (letters, sign) {
        ("C" | "CA" | "CAN" | "CDN", '$' | '＄') => "cad",
        ("A" | "AU", '$' | '＄') => "aud",
        ("NZ", '$' | '＄') => "nzd",
        ("HK", '$' | '＄') => "hkd",
        ("S", '$' | '＄') => "sgd",
        ("NT", '$' | '＄') => "twd",
        ("R", '$' | '＄') => "brl",
        ("MX" | "Mex", '$' | '＄') => "mxn",
        _ => return signed(sign),
    })
}

/// The currency of a sign that stands alone.
fn signed(sign: char) -> Option<&'static str> {
    Some(match sign {
        '$' | '＄' => "usd",
        '€' => "eur",
        '£' | '￡' => "gbp",
        '¥' | '￥' => "jpy",
        '₩' | '￦' => "krw",
        '₹' => "inr",
        '₨' => "rupee",
        '¢' => "cent",
        '₽' => "rub",
        '₺' => "try",
        '₪' => "ils",
        '₦' => "ngn",
        '฿' => "thb",
        '₫' => "vnd",
        '₱' => "php",
        '₴' => "uah",
        _ => {
            let at = SIGNS.find(sign)?;
            &SIGNS[at..at + sign.len_utf8()]
        }
    })
}

/// The currency of a word or a sign after an amount: `5 €`, `5 EUR`, `5 euros`.
pub(super) fn currency_after(word: &str) -> Option<&'static str> {
    let mut chars = word.chars();
    if let (Some(sign), None) = (chars.next(), chars.next())
        && is_sign(sign)
    {
        return signed(sign);
    }
    if let Some(code) = code(word) {
        return Some(code);
    }
    Some(match word.to_lowercase().as_str() {
        "dollar" | "dollars" => "dollar",
        "euro" | "euros" => "eur",
        "yen" => "jpy",
        "yuan" | "renminbi" => "cny",
        "franc" | "francs" => "franc",
        "crown" | "crowns" | "krona" | "kronor" | "krone" | "kroner" => "crown",
        "rupee" | "rupees" => "rupee",
        "rouble" | "roubles" | "ruble" | "rubles" => "rub",
        "peso" | "pesos" => "peso",
        "rand" => "zar",
        "cent" | "cents" => "cent",
        _ => return None,
    })
}

/// The code in capitals.
pub(super) fn code(word: &str) -> Option<&'static str> {
    let is_code = word.len() == 3 && word.bytes().all(|b| b.is_ascii_uppercase());
    CODES.iter().find(|code| is_code && word.eq_ignore_ascii_case(code)).copied()
}

/// Whether a word before a number or a sign is part of its currency: `USD 5`, `US$5`.
pub(super) fn is_prefix(word: &str, after: &str) -> bool {
    let amount = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    let rest = after.trim_start_matches([' ', '\u{a0}', '\u{202f}']);
    code(word).is_some() && amount(rest)
        || word.len() <= 3 && word.bytes().all(|b| b.is_ascii_alphabetic()) && after.starts_with('$')
}

#[cfg(test)]
mod tests {
    use super::{currency_after, currency_before};

    #[test]
    fn currencies_are_read_before_and_after_an_amount() {
        for (text, expected) in [
            ("costs US$ 5", Some("usd")),
            ("costs EUR 5", Some("eur")),
            ("costs C$5", Some("cad")),
            ("costs ₩5", Some("krw")),
            ("costs ₡5", Some("₡")),
            ("costs all 5", None),
        ] {
            assert_eq!(currency_before(text, text.find('5').unwrap()), expected, "{text}");
        }
        for (word, expected) in [("€", Some("eur")), ("rupees", Some("rupee")), ("try", None), ("TRY", Some("try"))] {
            assert_eq!(currency_after(word), expected, "{word}");
        }
    }
}
