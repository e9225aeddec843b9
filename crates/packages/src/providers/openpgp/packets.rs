//! Packets of OpenPGP (RFC 9580, 4): what certificates and signatures are made of. Foreign bytes are read without trust: what is too
//! short or of a kind that is not known is told, never guessed.

/// A packet: its kind and its body.
#[derive(Debug, Clone, Copy)]
pub(super) struct Packet<'a> {
    pub tag: u8,
    pub body: &'a [u8],
}

pub(super) const SIGNATURE: u8 = 2;
pub(super) const PUBLIC_KEY: u8 = 6;
pub(super) const PUBLIC_SUBKEY: u8 = 14;

/// Reads bytes from the front.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reader<'a>(pub &'a [u8]);

impl<'a> Reader<'a> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn take(&mut self, count: usize) -> Result<&'a [u8], String> {
        let (taken, rest) = self.0.split_at_checked(count).ok_or("a packet is shorter than it says")?;
        self.0 = rest;
        Ok(taken)
    }

    /// A number of so many bytes, at most four, the highest first.
    pub fn number(&mut self, bytes: usize) -> Result<usize, String> {
        let taken = self.take(bytes)?;
        Ok(taken.iter().fold(0, |number, byte| (number << 8) | usize::from(*byte)))
    }

    pub fn byte(&mut self) -> Result<u8, String> {
        Ok(self.take(1)?[0])
    }

    /// A multi-precision integer, without the zeros in front.
    pub fn integer(&mut self) -> Result<&'a [u8], String> {
        let bits = self.number(2)?;
        let bytes = self.take(bits.div_ceil(8))?;
        let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
        Ok(&bytes[zeros..])
    }
}

/// The packets of some data.
pub(super) fn packets(data: &[u8]) -> Result<Vec<Packet<'_>>, String> {
    let mut reader = Reader(data);
    let mut found = Vec::new();
    while !reader.is_empty() {
        let head = reader.byte()?;
        if head & 0x80 == 0 {
            return Err("this is no OpenPGP packet".to_owned());
        }
        let (tag, length) = if head & 0x40 != 0 {
            (head & 0x3f, new_length(&mut reader)?)
        } else {
            let length = match head & 3 {
                kind @ 0..=2 => reader.number(1 << kind)?,
                // Without a length: all that follows.
                _ => reader.0.len(),
            };
            ((head >> 2) & 0x0f, length)
        };
        found.push(Packet { tag, body: reader.take(length)? });
    }
    Ok(found)
}

fn new_length(reader: &mut Reader<'_>) -> Result<usize, String> {
    match reader.byte()? {
        short @ 0..=191 => Ok(usize::from(short)),
        first @ 192..=223 => Ok(((usize::from(first) - 192) << 8) + reader.number(1)? + 192),
        255 => reader.number(4),
        // Keys and signatures are never in parts.
        224..=254 => Err("a packet is in parts, which keys and signatures are not".to_owned()),
    }
}

/// The subpackets of a signature: kind and data.
pub(super) fn subpackets(data: &[u8]) -> Result<Vec<(u8, &[u8])>, String> {
    let mut reader = Reader(data);
    let mut found = Vec::new();
    while !reader.is_empty() {
        let length = match reader.byte()? {
            short @ 0..=191 => usize::from(short),
            255 => reader.number(4)?,
            first => ((usize::from(first) - 192) << 8) + reader.number(1)? + 192,
        };
        let mut inner = Reader(reader.take(length)?);
        // The highest bit says that it must be understood; those that limit what a signature means are looked at by who asks.
        let kind = inner.byte()? & 0x7f;
        found.push((kind, inner.0));
    }
    Ok(found)
}
