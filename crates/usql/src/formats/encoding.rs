//! The encodings of text files, by the names that .NET has for them.

use encoding_rs::Encoding as Decoder;

/// How the characters of a file are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Encoding {
    #[default]
    Utf8,
    Ascii,
    Utf16Le,
    Utf16Be,
    Utf32,
    /// A Windows code page from 1250 to 1258.
    CodePage(u16),
}

impl Encoding {
    /// The encoding of a member of `Encoding`, or of a name or number that `GetEncoding` takes.
    pub(crate) fn of(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        let page = lower.trim_start_matches("windows-").parse().ok();
        Some(match lower.as_str() {
            "utf8" | "utf-8" | "65001" => Self::Utf8,
            "ascii" | "us-ascii" | "20127" => Self::Ascii,
            "unicode" | "utf-16" | "1200" => Self::Utf16Le,
            "bigendianunicode" | "utf-16be" | "1201" => Self::Utf16Be,
            "utf32" | "utf-32" | "12000" => Self::Utf32,
            _ => Self::CodePage(page.filter(|page| (1250..=1258).contains(page))?),
        })
    }

    /// Whether the bytes of a file are those of its text, so that it can be read in parts.
    pub(crate) const fn is_bytes(self) -> bool {
        matches!(self, Self::Utf8 | Self::Ascii)
    }

    fn decoder(self) -> &'static Decoder {
        match self {
            Self::Utf16Le => encoding_rs::UTF_16LE,
            Self::Utf16Be => encoding_rs::UTF_16BE,
            Self::CodePage(page) => {
                let label = format!("windows-{page}");
                Decoder::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8)
            }
            Self::Utf8 | Self::Ascii | Self::Utf32 => encoding_rs::UTF_8,
        }
    }

    /// The text of bytes; `None` if they are not text in this encoding.
    pub(crate) fn decode(self, bytes: &[u8]) -> Option<String> {
        match self {
            Self::Utf8 => std::str::from_utf8(bytes).ok().map(str::to_owned),
            Self::Ascii => bytes
                .is_ascii()
                .then(|| String::from_utf8_lossy(bytes).into_owned()),
            Self::Utf32 => {
                let units = bytes.chunks_exact(4);
                if !units.remainder().is_empty() {
                    return None;
                }
                let unit = |unit: &[u8]| u32::from_le_bytes(unit.try_into().unwrap_or_default());
                units.map(|each| char::from_u32(unit(each))).collect()
            }
            _ => {
                let (text, _, malformed) = self.decoder().decode(bytes);
                (!malformed).then(|| text.into_owned())
            }
        }
    }

    /// The bytes of a text; a character that the encoding lacks is `?`, as in .NET.
    pub(crate) fn encode(self, text: &str) -> Vec<u8> {
        match self {
            Self::Utf8 => text.as_bytes().to_vec(),
            Self::Ascii => text
                .chars()
                .map(|c| if c.is_ascii() { c as u8 } else { b'?' })
                .collect(),
            Self::Utf16Le => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Self::Utf16Be => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Self::Utf32 => text
                .chars()
                .flat_map(|c| u32::from(c).to_le_bytes())
                .collect(),
            Self::CodePage(_) => {
                let decoder = self.decoder();
                let mut out = Vec::with_capacity(text.len());
                for c in text.chars() {
                    let mut buffer = [0; 4];
                    let (bytes, _, missing) = decoder.encode(c.encode_utf8(&mut buffer));
                    out.extend_from_slice(if missing { b"?" } else { &bytes });
                }
                out
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_survive_every_encoding() {
        for name in ["UTF8", "Unicode", "BigEndianUnicode", "UTF32"] {
            let encoding = Encoding::of(name).expect("known");
            let bytes = encoding.encode("aü€😀");
            assert_eq!(encoding.decode(&bytes).as_deref(), Some("aü€😀"), "{name}");
        }
        let page = Encoding::of("windows-1252").expect("known");
        assert_eq!(page.encode("ü€😀"), b"\xfc\x80?");
        assert_eq!(page.decode(b"\xfc\x80").as_deref(), Some("ü€"));
        assert_eq!(Encoding::Ascii.encode("ü"), b"?");
        assert_eq!(Encoding::Ascii.decode(b"\xfc"), None);
        assert_eq!(Encoding::of("1259"), None);
    }
}
