"""Every limit of the HTTP side, with its unit. What goes beyond one is refused and says so."""

MAX_BODY_BYTES = 64 * 1024
"""Largest request body; a form or a JSON command is far smaller."""

MAX_HOOK_BYTES = 512 * 1024
"""Largest post of an Alertmanager: it does not send again what was refused as too large."""

MAX_HEADER_BYTES = 16 * 1024
"""Largest request line and header block together."""

MAX_CONNECTIONS = 400
"""Open connections, streams included; more are answered 503."""

REQUEST_TIMEOUT_S = 10.0
"""A client that has not sent its first request by then, or a whole body within twice that, is cut off."""

KEEP_ALIVE_S = 15
"""An idle connection between two requests is closed after this."""

STOP_GRACE_S = 2
"""Requests still running so long after a stop are cancelled."""

MAX_STREAMS = 200
"""Open event streams of boards; more are answered 503 with Retry-After."""

HEARTBEAT_S = 5.0
"""A stream says something at least this often."""

PATCH_INTERVAL_S = 0.1
"""Shortest time between two patches of one screen: a burst becomes one patch."""

RECENT_INTERVAL_S = 2.0
"""Shortest time between two readings of recent history from the store."""

MAX_SCREENS = 64
"""Screens kept in memory that nobody is looking at."""

SCRAPES_WAITING = 8
"""Scrapes of the fleet that are under way or wait for their turn; more are answered 503 with Retry-After."""

SCRAPE_CHUNK_BYTES = 65_536
"""Shorter pieces of a scraper's answer are sent together."""

REPORTS_WAITING = 4
"""Availability reports that are under way or wait for their turn; more are answered 503 with Retry-After."""

REPORT_MAX_DAYS = 5 * 366
"""The longest period of one report."""

PAGE_DEFAULT = 100
PAGE_MAX = 500
"""Entries of one answer of the API."""

EXCEPTIONS_SHOWN = 40
INCIDENTS_SHOWN = 30
RECENT_SHOWN = 24
"""Lines of the board's lists; the number left out is always told."""

LOGIN_FAILURES = 5
"""Failed sign-ins of one name from one address within the window, after which further ones are refused."""

ADDRESS_FAILURES = 30
"""Failed sign-ins from one address, whatever the names."""

LOGIN_WINDOW_MS = 15 * 60_000
"""How long a failed sign-in counts."""

GUARD_ENTRIES = 10_000
"""Names and addresses remembered for that; the longest untouched are forgotten first."""

PASSWORD_CHECKS = 2
PASSWORD_CHECKS_WAITING = 32
"""Password checks at one time, and waiting for their turn; each takes tens of megabytes for a moment."""

MAX_PASSWORD_CHARS = 256
MAX_REVOKED = 10_000
"""Signed-out sessions remembered until they would have expired anyway."""

MIN_TOKEN_CHARS = 20
MIN_SESSION_SECRET_CHARS = 32
"""Shortest bearer token and cookie secret accepted at the start."""
