"""The base modules that the reference encryptor's MIB imports, cut down to what it uses of them.

The full ones come with a licence of their own and are not installed everywhere.
"""

from __future__ import annotations

from pathlib import Path

import channelwatch_simulator

MODULE = "CHANNELWATCH-REFERENCE-ENCRYPTOR-MIB"
FOLDER = Path(channelwatch_simulator.__file__).parent / "mibs"

_SMI = """\
SNMPv2-SMI DEFINITIONS ::= BEGIN
org OBJECT IDENTIFIER ::= { iso 3 }
dod OBJECT IDENTIFIER ::= { org 6 }
internet OBJECT IDENTIFIER ::= { dod 1 }
private OBJECT IDENTIFIER ::= { internet 4 }
enterprises OBJECT IDENTIFIER ::= { private 1 }
END
"""

_TC = """\
SNMPv2-TC DEFINITIONS ::= BEGIN
DisplayString ::= TEXTUAL-CONVENTION
    DISPLAY-HINT "255a" STATUS current DESCRIPTION "Text." SYNTAX OCTET STRING (SIZE (0..255))
DateAndTime ::= TEXTUAL-CONVENTION
    DISPLAY-HINT "2d-1d-1d,1d:1d:1d.1d,1a1d:1d" STATUS current DESCRIPTION "Time."
    SYNTAX OCTET STRING (SIZE (8 | 11))
TruthValue ::= TEXTUAL-CONVENTION
    STATUS current DESCRIPTION "Yes or no." SYNTAX INTEGER { true(1), false(2) }
END
"""

_CONF = "SNMPv2-CONF DEFINITIONS ::= BEGIN\nEND\n"


def write_base_modules(folder: Path) -> Path:
    """Write the modules into `folder`, one file each."""
    for name, text in (("SNMPv2-SMI", _SMI), ("SNMPv2-TC", _TC), ("SNMPv2-CONF", _CONF)):
        (folder / name).write_text(text)
    return folder
