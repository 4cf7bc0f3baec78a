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
ObjectSyntax ::= CHOICE { simple SimpleSyntax, application-wide ApplicationSyntax }
SimpleSyntax ::= CHOICE {
    integer-value INTEGER (-2147483648..2147483647), string-value OCTET STRING (SIZE (0..65535)),
    objectID-value OBJECT IDENTIFIER
}
ApplicationSyntax ::= CHOICE {
    counter-value Counter32, big-counter-value Counter64, unsigned-integer-value Unsigned32
}
Integer32 ::= INTEGER (-2147483648..2147483647)
Counter32 ::= [APPLICATION 1] IMPLICIT INTEGER (0..4294967295)
Gauge32 ::= [APPLICATION 2] IMPLICIT INTEGER (0..4294967295)
Unsigned32 ::= [APPLICATION 2] IMPLICIT INTEGER (0..4294967295)
Counter64 ::= [APPLICATION 6] IMPLICIT INTEGER (0..18446744073709551615)
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

_MACROS = {
    "SNMPv2-SMI": ("MODULE-IDENTITY", "OBJECT-IDENTITY", "OBJECT-TYPE", "NOTIFICATION-TYPE"),
    "SNMPv2-TC": ("TEXTUAL-CONVENTION",),
    "SNMPv2-CONF": ("MODULE-COMPLIANCE", "OBJECT-GROUP", "NOTIFICATION-GROUP", "AGENT-CAPABILITIES"),
}
"""Every tool knows them by heart; they only want to see the names."""


def write_base_modules(folder: Path) -> Path:
    """Write the modules into `folder`, one file each."""
    for name, text in (("SNMPv2-SMI", _SMI), ("SNMPv2-TC", _TC), ("SNMPv2-CONF", _CONF)):
        macros = "".join(
            f"{macro} MACRO ::= BEGIN\n  TYPE NOTATION ::= empty\n  VALUE NOTATION ::= value(VALUE INTEGER)\nEND\n"
            for macro in _MACROS[name]
        )
        (folder / name).write_text(text.replace("BEGIN\n", f"BEGIN\n{macros}", 1))
    return folder
