"""What may be shown of names and titles that others chose."""

from __future__ import annotations

import re


def printable(text):
    """What would steer a terminal, or turn text around, as an escape; line breaks and tabs stay."""
    def shown(letter):
        code = ord(letter)
        if 0xDC80 <= code <= 0xDCFF:  # a byte of a file's name that is no UTF-8
            return f"\\x{code - 0xDC00:02x}"
        return f"\\x{code:02x}" if code < 0x80 else f"\\u{code:04x}"

    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]",
                  lambda match: shown(match.group()), str(text))
