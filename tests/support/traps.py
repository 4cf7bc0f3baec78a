"""Notifications for tests, and a decoder that knows their senders."""

from __future__ import annotations

from channelwatch_collector.snmp import v3
from channelwatch_collector.snmp.notification import (
    SNMP_TRAP_OID,
    SYS_UP_TIME,
)
from channelwatch_collector.snmp.pdu import (
    Pdu,
    PduType,
    Version,
    encode_community_message,
    encode_pdu,
)
from channelwatch_collector.snmp.port import (
    V3,
    AuthProtocol,
    Oid,
    PrivProtocol,
    SecurityLevel,
    SnmpType,
    Value,
)
from channelwatch_collector.snmp.session import SaltSource
from channelwatch_collector.snmp.trap_decoder import (
    LocalEngine,
    TrapDecoder,
    TrapSettings,
    TrapUser,
    Verdict,
    local_engine_id,
)
from channelwatch_collector.snmp.usm import Keys, keys_for

from channelwatch.base.clock import EpochMs
from channelwatch.base.secrets import Secret

DEVICE = "127.0.0.7"
ELSEWHERE = "127.0.0.8"
SENDER = bytes.fromhex("80000000050a0b0c0d")
US = local_engine_id(b"collector-1")
NOW = EpochMs(1_795_000_000_000)
AT = 5_000.0
BOOTS, TIME = 12, 90_000
LINK_DOWN: Oid = (1, 3, 6, 1, 6, 3, 1, 1, 5, 3)
IF_INDEX = ((1, 3, 6, 1, 2, 1, 2, 2, 1, 1, 7), Value(SnmpType.INTEGER, 7))
USER = V3(
    "trapper",
    AuthProtocol.SHA256,
    Secret("authentic-phrase"),
    PrivProtocol.AES256_REEDER,
    Secret("private-phrase"),
)
SIGNER = V3("signer", AuthProtocol.SHA1, Secret("authentic-phrase"))
NO_KEYS = Keys(SecurityLevel.NO_AUTH_NO_PRIV)


def trap_pdu(kind: PduType = PduType.TRAP_V2, request_id: int = 77) -> Pdu:
    return Pdu(
        kind,
        request_id,
        0,
        0,
        [
            (SYS_UP_TIME, Value(SnmpType.TIME_TICKS, 123)),
            (SNMP_TRAP_OID, Value(SnmpType.OBJECT_IDENTIFIER, LINK_DOWN)),
            IF_INDEX,
        ],
    )


def decoder(**settings: object) -> TrapDecoder:
    made = TrapDecoder(
        TrapSettings(
            communities=(Secret("first"), Secret("second")),
            users=(TrapUser(USER), TrapUser(SIGNER)),
            **settings,  # type: ignore[arg-type]
        ),
        local=LocalEngine.started(US, last_boots=3, now_s=AT - 1000),
        salts=SaltSource(1),
    )
    made.bind_engine(SENDER, DEVICE, boots=BOOTS, time_s=TIME, now_s=AT)
    return made


def decode(judge: TrapDecoder, datagram: bytes, *, source: str = DEVICE, now_s: float = AT) -> Verdict:
    return judge.decode(datagram, source, received_at=NOW, now_s=now_s)


def v3_message(
    user: V3 = USER,
    *,
    level: SecurityLevel | None = None,
    keys: Keys | None = None,
    engine_id: bytes = SENDER,
    boots: int = BOOTS,
    time_s: int = TIME,
    msg_id: int = 4711,
    pdu: Pdu | None = None,
    reportable: bool = False,
) -> bytes:
    envelope = v3.Envelope(msg_id, reportable, engine_id, boots, time_s, user.user.encode())
    scoped = v3.encode_scoped_pdu(SENDER, b"", encode_pdu(pdu or trap_pdu()))
    level = level or user.level
    return v3.encode_message(
        envelope, scoped, keys or keys_for(user, engine_id), level=level, salt=msg_id.to_bytes(8, "big")
    )


def community_message(pdu: Pdu | None = None, community: bytes = b"second") -> bytes:
    return encode_community_message(Version.V2C, community, encode_pdu(pdu or trap_pdu()))


def inform(
    judge: TrapDecoder, *, boots: int = 4, time_s: int = 1000, msg_id: int = 88, request_id: int = 9
) -> bytes:
    """A v3 inform to us, by a sender that has learnt our engine ID and clock."""
    return v3_message(
        engine_id=US,
        boots=boots,
        time_s=time_s,
        msg_id=msg_id,
        pdu=trap_pdu(PduType.INFORM, request_id),
        reportable=True,
    )
