//! Images that models are shown. Owns what is taken as one and how large it may be: its first bytes are read, never its name.

use std::{fmt, sync::Arc};

use serde::{Deserialize, Serialize, Serializer};

use crate::BlobRef;

/// An image: its bytes as they are in its file, with what its head says of it. Cheap to clone.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "Vec<u8>")]
pub struct Image {
    kind: ImageType,
    width: u32,
    height: u32,
    bytes: Arc<[u8]>,
}

/// The kinds of images that every service with models that see takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[non_exhaustive]
pub enum ImageType {
    /// PNG.
    Png,
    /// JPEG.
    Jpeg,
    /// WebP.
    Webp,
    /// GIF; services look at its first picture.
    Gif,
}

/// An image that is kept in a store, with what its head says of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::exhaustive_structs, reason = "a persisted shape")]
pub struct ImageRef {
    /// Its file.
    pub blob: BlobRef,
    /// Its kind.
    pub kind: ImageType,
    /// Its width in pixels.
    pub width: u32,
    /// Its height in pixels.
    pub height: u32,
}

/// Why some bytes are not taken as an image.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidImage {
    /// It is none of the four kinds, or ends before it says how large it is.
    #[error("is no PNG, JPEG, WebP or GIF image")]
    Unknown,
    /// Its file is too large.
    #[error("has {bytes} bytes, more than {}", Image::BYTES_MAX)]
    Bytes {
        /// How large.
        bytes: usize,
    },
    /// It has no pixels, or too many of them in a row.
    #[error("has {width} × {height} pixels, expected 1 to {} each way", Image::SIDE_MAX)]
    Side {
        /// How wide.
        width: u32,
        /// How high.
        height: u32,
    },
}

impl Image {
    /// The largest file, in bytes: what the strictest service takes, which counts it in Base64.
    pub const BYTES_MAX: usize = 3_750_000;
    /// Images of one request.
    pub const COUNT_MAX: usize = 8;
    /// The bytes of all images of one request: with Base64 and the rest of a prompt, what the strictest service takes.
    pub const TOTAL_BYTES_MAX: usize = 12_000_000;
    /// The longest side, in pixels.
    pub const SIDE_MAX: u32 = 8_000;

    /// The image in these bytes.
    ///
    /// # Errors
    /// [`InvalidImage`].
    pub fn parse(bytes: impl Into<Arc<[u8]>>) -> Result<Self, InvalidImage> {
        let bytes = bytes.into();
        if bytes.len() > Self::BYTES_MAX {
            return Err(InvalidImage::Bytes { bytes: bytes.len() });
        }
        let (kind, width, height) = head(&bytes).ok_or(InvalidImage::Unknown)?;
        let fits = |side| (1..=Self::SIDE_MAX).contains(&side);
        if !fits(width) || !fits(height) {
            return Err(InvalidImage::Side { width, height });
        }
        Ok(Self { kind, width, height, bytes })
    }

    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> ImageType {
        self.kind
    }

    /// Its width and height in pixels.
    #[must_use]
    pub const fn size(&self) -> (u32, u32) {
        (self.width, self.height)
    }

    /// Its file.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

impl ImageType {
    /// Its media type, for example `image/png`.
    #[must_use]
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Png => "image/png",
            Self::Jpeg => "image/jpeg",
            Self::Webp => "image/webp",
            Self::Gif => "image/gif",
        }
    }
}

impl fmt::Debug for Image {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Image({}, {} × {}, {} bytes)", self.kind.media_type(), self.width, self.height, self.bytes.len())
    }
}

impl TryFrom<Vec<u8>> for Image {
    type Error = InvalidImage;

    fn try_from(bytes: Vec<u8>) -> Result<Self, InvalidImage> {
        Self::parse(bytes)
    }
}

impl Serialize for Image {
    /// Its bytes.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_bytes(&self.bytes)
    }
}

/// Kind, width and height.
fn head(bytes: &[u8]) -> Option<(ImageType, u32, u32)> {
    let at = |from: usize| bytes.get(from..).unwrap_or_default();
    if bytes.starts_with(b"\x89PNG\r\n\x1a\n") && at(12).starts_with(b"IHDR") {
        return Some((ImageType::Png, be32(at(16))?, be32(at(20))?));
    }
    if bytes.starts_with(b"GIF87a") || bytes.starts_with(b"GIF89a") {
        return Some((ImageType::Gif, le16(at(6))?, le16(at(8))?));
    }
    if bytes.starts_with(b"RIFF") && at(8).starts_with(b"WEBP") {
        let (width, height) = webp(at(12))?;
        return Some((ImageType::Webp, width, height));
    }
    if bytes.starts_with(b"\xff\xd8\xff") {
        let (width, height) = jpeg(at(2))?;
        return Some((ImageType::Jpeg, width, height));
    }
    None
}

/// The size in a WebP file's first chunk, which is of one of three kinds.
fn webp(chunk: &[u8]) -> Option<(u32, u32)> {
    let data = chunk.get(8..)?;
    match chunk.get(..4)? {
        b"VP8 " => Some((le16(data.get(6..)?)? & 0x3fff, le16(data.get(8..)?)? & 0x3fff)),
        b"VP8L" => {
            let bits = le32(data.get(1..)?)?;
            Some(((bits & 0x3fff) + 1, ((bits >> 14) & 0x3fff) + 1))
        }
        b"VP8X" => Some((le24(data.get(4..)?)? + 1, le24(data.get(7..)?)? + 1)),
        _ => None,
    }
}

/// The size in a JPEG file's frame header, which comes after any number of other segments.
fn jpeg(mut rest: &[u8]) -> Option<(u32, u32)> {
    loop {
        let after = rest.iter().position(|byte| *byte != 0xff)?;
        // A marker is 0xff and one more byte; before it there may be more of the first.
        let (marker, segment) = rest.get(after..)?.split_first()?;
        if after == 0 {
            return None;
        }
        match marker {
            0xc0..=0xc3 | 0xc5..=0xc7 | 0xc9..=0xcb | 0xcd..=0xcf => {
                return Some((be16(segment.get(5..)?)?, be16(segment.get(3..)?)?));
            }
            // No size may come once the picture itself begins.
            0xd9 | 0xda => return None,
            0x01 | 0xd0..=0xd7 => rest = segment,
            _ => rest = segment.get(be16(segment)? as usize..)?,
        }
    }
}

fn be16(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|two| u16::from_be_bytes(*two).into())
}

fn be32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_be_bytes(*four))
}

fn le16(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|two| u16::from_le_bytes(*two).into())
}

fn le24(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|[a, b, c]| u32::from_le_bytes([*a, *b, *c, 0]))
}

fn le32(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk().map(|four| u32::from_le_bytes(*four))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Image, ImageType, InvalidImage};

    fn png(width: u32, height: u32) -> Vec<u8> {
        let size = [width.to_be_bytes(), height.to_be_bytes()].concat();
        [&b"\x89PNG\r\n\x1a\n\0\0\0\x0dIHDR"[..], &size, b"\x08\x06\0\0\0"].concat()
    }

    fn webp(kind: &[u8; 4], data: &[u8]) -> Vec<u8> {
        [b"RIFF\0\0\0\0WEBP", &kind[..], b"\0\0\0\0", data].concat()
    }

    #[test]
    fn each_kind_is_known_by_its_first_bytes_and_says_its_size() {
        let jpeg = b"\xff\xd8\xff\xe0\0\x04ab\xff\xff\xc2\0\x0b\x08\x01\x02\x03\x04\x01\0\0\0".to_vec();
        let cases = [
            (png(640, 480), ImageType::Png, (640, 480)),
            (b"GIF89a\x80\x02\xe0\x01\0\0\0".to_vec(), ImageType::Gif, (640, 480)),
            (jpeg, ImageType::Jpeg, (0x304, 0x102)),
            (webp(b"VP8 ", b"\0\0\0\x9d\x01\x2a\x80\x02\xe0\x01"), ImageType::Webp, (640, 480)),
            (webp(b"VP8L", b"\x2f\x7f\xc2\x77\0"), ImageType::Webp, (640, 480)),
            (webp(b"VP8X", b"\0\0\0\0\x7f\x02\0\xdf\x01\0"), ImageType::Webp, (640, 480)),
        ];
        for (bytes, kind, size) in cases {
            let image = Image::parse(bytes.clone()).unwrap();
            assert_eq!((image.kind(), image.size(), image.bytes()), (kind, size, &bytes[..]));
            assert!(!format!("{image:?}").contains("IHDR"));
            let cut = Image::parse(bytes[..bytes.len().min(12)].to_vec());
            assert!(cut.is_err() || kind == ImageType::Gif);
        }
    }

    #[test]
    fn what_is_no_image_or_too_large_is_refused() {
        assert_eq!(Image::parse(b"%PDF-1.7".to_vec()), Err(InvalidImage::Unknown));
        assert_eq!(Image::parse(b"<svg/>".to_vec()), Err(InvalidImage::Unknown));
        let side = |width, height| Err(InvalidImage::Side { width, height });
        assert_eq!(Image::parse(png(0, 5)), side(0, 5));
        assert_eq!(Image::parse(png(5, 8_001)), side(5, 8_001));
        let large = [png(5, 5), vec![0; Image::BYTES_MAX]].concat();
        assert_eq!(Image::parse(large.clone()), Err(InvalidImage::Bytes { bytes: large.len() }));
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(kind in 0..4_usize, bytes in prop::collection::vec(any::<u8>(), 0..64)) {
            let begin: [&[u8]; 4] = [b"\x89PNG\r\n\x1a\n", b"GIF89a", b"RIFF\0\0\0\0WEBPVP8X", b"\xff\xd8\xff"];
            let _ = Image::parse([begin[kind], &bytes].concat());
        }
    }
}
