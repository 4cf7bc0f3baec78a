"""What we need of a Grafana server, and the one adapter that provides it."""

from __future__ import annotations

import re
from typing import Any, Protocol
from urllib.parse import urlsplit

import requests
from grafana_api.grafana_api import GrafanaAPI, GrafanaException

from channelwatch.base.errors import ChannelwatchError, InputError, Permanent, Transient
from channelwatch.base.secrets import Secret

MAX_TIMEOUT_S = 600

SENTENCES = {
    400: "refuses what was sent: {said}",
    401: "does not know the token: make a service-account token there and give it with --token",
    403: "forbids it to this token: its service account needs the role Editor, for service accounts the role Admin",
    404: "has nothing there: is the address right, with its path prefix, and the Grafana recent enough?",
    409: "has something else of that name or uid: rename or delete it there",
    412: "says that somebody has changed it meanwhile: run the command again and look at the difference",
}
"""What a status means for whoever ran the command."""


class Grafana(Protocol):
    """The HTTP API below `/api`. Permanent or Transient, with one sentence, when a call fails."""

    def get(self, path: str) -> Any:
        """What is at `path`; None where there is nothing (404)."""
        ...

    def post(self, path: str, body: Any) -> Any:
        """Make something."""
        ...

    def put(self, path: str, body: Any) -> Any:
        """Change something."""
        ...

    def delete(self, path: str) -> None:
        """Delete something."""
        ...

    def close(self) -> None:
        """Free the connection."""
        ...


class GrafanaServer:
    """`Grafana` over the grafana-api package. InputError for an address that is none."""

    def __init__(self, url: str, token: Secret, *, ca: str | None = None, timeout_s: float) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.username:
            raise InputError([f"--url {url!r}: must be http:// or https:// with a host, and nothing secret"])
        if not 0 < timeout_s <= MAX_TIMEOUT_S:
            raise InputError([f"--timeout {timeout_s:g}: must be above 0 and at most {MAX_TIMEOUT_S}"])
        if not re.fullmatch(r"[!-~]+", token.reveal()):
            raise InputError(["--token: a token has no blanks, no line breaks and no accents"])
        prefix = parts.path.strip("/")
        host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
        self._url, self._timeout_s = url, timeout_s
        self._api = GrafanaAPI(
            token.reveal(),
            host=host,
            port=parts.port,
            url_path_prefix=f"{prefix}/" if prefix else "",
            protocol=parts.scheme,
            verify=ca or True,
            timeout=timeout_s,
        )
        # No proxy and no netrc of the environment: the token goes to this server alone.
        self._api.s.trust_env = False
        self._api.s.max_redirects = 0

    def get(self, path: str) -> Any:
        """What is at `path`; None where there is nothing."""
        return self._call("GET", path, missing_is_none=True)

    def post(self, path: str, body: Any) -> Any:
        """Make something."""
        return self._call("POST", path, body)

    def put(self, path: str, body: Any) -> Any:
        """Change something."""
        return self._call("PUT", path, body)

    def delete(self, path: str) -> None:
        """Delete something."""
        self._call("DELETE", path)

    def close(self) -> None:
        """Free the connection."""
        self._api.s.close()

    def _call(self, method: str, path: str, body: Any = None, *, missing_is_none: bool = False) -> Any:
        try:
            return getattr(self._api, method)(path, json=body)
        except GrafanaException as error:
            if missing_is_none and error.status_code == 404:
                return None
            raise explained(error.status_code, _said(error), f"{method} {path}") from None
        except requests.Timeout:
            text = f"Grafana did not answer within {self._timeout_s:g} s: is it overloaded, or the address wrong?"
            raise Transient(text, operation=f"{method} {path}") from None
        except requests.exceptions.SSLError:
            text = "Grafana's certificate is not trusted: give the authority's file with --ca"
            raise Permanent(text, operation=f"{method} {path}") from None
        except (requests.ConnectionError, requests.TooManyRedirects):
            text = f"no Grafana answers at {self._url}: is it running, and the address right?"
            raise Transient(text, operation=f"{method} {path}") from None
        except ValueError:
            text = f"what answers at {self._url} is no Grafana: it speaks no JSON"
            raise Permanent(text, operation=f"{method} {path}") from None


def explained(status: int, said: str, operation: str) -> ChannelwatchError:
    """An HTTP status as one sentence; a server's own failure may pass."""
    if status >= 500:
        return Transient(f"Grafana fails ({status}): look into its log, then run again", operation=operation)
    sentence = SENTENCES.get(status, "refuses it with status {status}: {said}")
    return Permanent(f"Grafana {sentence.format(status=status, said=said)}", operation=operation)


def _said(error: GrafanaException) -> str:
    response = error.response
    message = response.get("message") if isinstance(response, dict) else None
    return str(message or "no reason given")[:200]
