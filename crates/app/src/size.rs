//! Sizes as people write them: `500MB`, `2GB`, `1024`. Owns the syntax; knows no limit.

/// A text that is no size.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is no size, expected for example 500MB, 2GB or a number of bytes")]
#[non_exhaustive]
pub struct NoSize(
    /// The refused text.
    pub String,
);

/// Reads a size in bytes: a number with one of the units `B`, `kB`, `MB`, `GB` and `TB` (thousands) or `KiB`, `MiB`, `GiB`
/// and `TiB` (of 1024), whatever their case. A bare number is bytes.
///
/// # Errors
/// [`NoSize`] with the text; zero is none.
pub fn parse_size(text: &str) -> Result<u64, NoSize> {
    let refused = || NoSize(text.chars().filter(|c| !c.is_control()).take(40).collect());
    let text = text.trim();
    let digits = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..digits].parse().map_err(|_| refused())?;
    let unit: u64 = match text[digits..].trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 1,
        "kb" => 1_000,
        "mb" => 1_000_000,
        "gb" => 1_000_000_000,
        "tb" => 1_000_000_000_000,
        "kib" => 1 << 10,
        "mib" => 1 << 20,
        "gib" => 1 << 30,
        "tib" => 1 << 40,
        _ => return Err(refused()),
    };
    number.checked_mul(unit).filter(|bytes| *bytes > 0).ok_or_else(refused)
}

#[cfg(test)]
mod tests {
    use super::parse_size;

    #[test]
    fn sizes_are_read_as_people_write_them() {
        let read = ["500MB", "2 gb", "1024", "1GiB", "7B"].map(parse_size);
        assert_eq!(read, [Ok(500_000_000), Ok(2_000_000_000), Ok(1024), Ok(1 << 30), Ok(7)]);
    }

    #[test]
    fn what_is_no_size_is_refused_with_its_text() {
        for text in ["", "MB", "10x", "-5", "1.5GB", "0", "0GB", "99999999999999999999", "99999999TB"] {
            assert!(parse_size(text).is_err(), "{text:?}");
        }
        assert!(parse_size("10x").is_err_and(|error| error.to_string().contains("\"10x\"")));
    }
}
