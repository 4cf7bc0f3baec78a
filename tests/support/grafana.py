"""A strict Grafana over real HTTP: it takes what Grafana takes, in the shape in which Grafana takes it.

Shapes and statuses follow Grafana's HTTP API: folders and dashboards with versions (412), uids (409), contact points
of the provisioning API, service accounts and their tokens.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qs, urlsplit

from pydantic import BaseModel, ConfigDict, Field, ValidationError

TOKEN = "glsa_token_of_the_fake_grafana"


class Refused(Exception):
    """An answer other than 200."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class Body(BaseModel):
    """Unknown keys and other types are refused."""

    model_config = ConfigDict(extra="forbid", strict=True)


class NewFolder(Body):
    uid: str = Field(pattern=r"^[\w-]{1,40}$")
    title: str = Field(min_length=1)


class ChangedFolder(Body):
    title: str = Field(min_length=1)
    version: int


class Dashboard(BaseModel):
    """Grafana keeps what it does not know; these it needs."""

    model_config = ConfigDict(extra="allow", strict=True)
    id: int | None
    uid: str = Field(pattern=r"^[\w-]{1,40}$")
    title: str = Field(min_length=1)
    version: int
    schemaVersion: int = Field(ge=36)  # noqa: N815
    panels: list[dict[str, Any]]
    tags: list[str]


class SavedDashboard(Body):
    dashboard: Dashboard
    folderUid: str  # noqa: N815
    message: str
    overwrite: bool


class AlertmanagerSettings(Body):
    url: str = Field(pattern=r"^https?://")


class ContactPoint(Body):
    name: str
    type: Literal["prometheus-alertmanager"]
    settings: AlertmanagerSettings
    disableResolveMessage: bool  # noqa: N815


class NewAccount(Body):
    name: str
    role: Literal["Viewer"]
    isDisabled: bool  # noqa: N815


class NewToken(Body):
    name: str


@dataclass
class FakeGrafana:
    """Its content, and what it was asked. `fail`: status to answer instead, by (method, path beginning)."""

    folders: dict[str, dict[str, Any]] = field(default_factory=dict)
    dashboards: dict[str, dict[str, Any]] = field(default_factory=dict)
    contact_points: dict[str, dict[str, Any]] = field(default_factory=dict)
    accounts: dict[int, dict[str, Any]] = field(default_factory=dict)
    calls: list[tuple[str, str]] = field(default_factory=list)
    fail: dict[tuple[str, str], int] = field(default_factory=dict)
    before: dict[tuple[str, str], Callable[[], None]] = field(default_factory=dict)
    url: str = ""

    @property
    def changes(self) -> list[tuple[str, str]]:
        """The calls that were not only reading."""
        return [call for call in self.calls if call[0] != "GET"]

    def answer(self, method: str, path: str, query: dict[str, list[str]], body: Any) -> Any:
        """What Grafana says."""
        parts = path.strip("/").split("/")
        match method, parts:
            case "GET", ["folders", uid]:
                return _found(self.folders, uid)
            case "POST", ["folders"]:
                return self._new_folder(NewFolder.model_validate(body))
            case "PUT", ["folders", uid]:
                return self._changed_folder(uid, ChangedFolder.model_validate(body))
            case "GET", ["dashboards", "uid", uid]:
                return _found(self.dashboards, uid)
            case "DELETE", ["dashboards", "uid", uid]:
                _found(self.dashboards, uid)
                del self.dashboards[uid]
                return {"message": "deleted"}
            case "POST", ["dashboards", "db"]:
                return self._saved(SavedDashboard.model_validate(body))
            case "GET", ["search"]:
                return self._searched(query)
            case _, ["v1", "provisioning", "contact-points", *rest]:
                return self._contact_point(method, rest, query, body)
            case _, ["serviceaccounts", *rest]:
                return self._account(method, rest, body)
            case _:
                raise Refused(404, "Not found")

    def _new_folder(self, asked: NewFolder) -> dict[str, Any]:
        if asked.uid in self.folders or asked.title in {item["title"] for item in self.folders.values()}:
            raise Refused(409, "a folder with the same name already exists")
        self.folders[asked.uid] = {"uid": asked.uid, "title": asked.title, "version": 1}
        return self.folders[asked.uid]

    def _changed_folder(self, uid: str, asked: ChangedFolder) -> dict[str, Any]:
        there = _found(self.folders, uid)
        if asked.version != there["version"]:
            raise Refused(412, "the folder has been changed by someone else")
        there |= {"title": asked.title, "version": there["version"] + 1}
        return there

    def _saved(self, asked: SavedDashboard) -> dict[str, Any]:
        new = asked.dashboard.model_dump()
        if asked.folderUid not in self.folders:
            raise Refused(400, "folder not found")
        there = self.dashboards.get(new["uid"])
        if there is not None and there["meta"]["provisioned"]:
            raise Refused(400, "Cannot save provisioned dashboard")
        if there is None:
            if new["id"] is not None:
                raise Refused(404, "Dashboard not found")
            new |= {"id": len(self.dashboards) + 1, "version": 1}
        else:
            old = there["dashboard"]
            if not asked.overwrite and (new["id"], new["version"]) != (old["id"], old["version"]):
                raise Refused(412, "The dashboard has been changed by someone else")
            new |= {"id": old["id"], "version": old["version"] + 1}
        self.dashboards[new["uid"]] = {
            "dashboard": new,
            "meta": {"folderUid": asked.folderUid, "provisioned": False},
        }
        return {"uid": new["uid"], "version": new["version"], "status": "success"}

    def _searched(self, query: dict[str, list[str]]) -> list[dict[str, Any]]:
        if set(query) - {"type", "tag", "limit"} or query.get("type") != ["dash-db"]:
            raise Refused(400, "bad search")
        wanted = set(query.get("tag", ()))
        return [
            {
                "uid": uid,
                "title": item["dashboard"]["title"],
                "tags": item["dashboard"]["tags"],
                "folderUid": item["meta"]["folderUid"],
            }
            for uid, item in self.dashboards.items()
            if wanted <= set(item["dashboard"]["tags"])
        ]

    def _contact_point(self, method: str, rest: list[str], query: dict[str, list[str]], body: Any) -> Any:
        match method, rest:
            case "GET", []:
                return [
                    item for item in self.contact_points.values() if item["name"] in query.get("name", [])
                ]
            case "POST", []:
                made = ContactPoint.model_validate(body).model_dump()
                uid = f"contact-{len(self.contact_points)}"
                self.contact_points[uid] = {**made, "uid": uid, "provenance": "api"}
                return self.contact_points[uid]
            case "PUT", [uid]:
                _found(self.contact_points, uid)
                changed = ContactPoint.model_validate(body).model_dump()
                self.contact_points[uid] |= changed
                return {"message": "contactpoint updated"}
            case _:
                raise Refused(404, "Not found")

    def _account(self, method: str, rest: list[str], body: Any) -> Any:
        match method, rest:
            case "GET", ["search"]:
                return {"serviceAccounts": list(self.accounts.values()), "totalCount": len(self.accounts)}
            case "POST", []:
                asked = NewAccount.model_validate(body)
                number = len(self.accounts) + 1
                self.accounts[number] = {"id": number, "name": asked.name, "role": asked.role, "tokens": []}
                return self.accounts[number]
            case "GET", [number, "tokens"]:
                return _found(self.accounts, int(number))["tokens"]
            case "POST", [number, "tokens"]:
                tokens = _found(self.accounts, int(number))["tokens"]
                name = NewToken.model_validate(body).name
                if name in {item["name"] for item in tokens}:
                    raise Refused(409, "a token of that name exists")
                tokens.append({"id": len(tokens) + 1, "name": name})
                return {"id": len(tokens), "name": name, "key": "glsa_made_by_the_fake"}
            case _:
                raise Refused(404, "Not found")


def _found(things: dict[Any, dict[str, Any]], key: Any) -> dict[str, Any]:
    if key not in things:
        raise Refused(404, "Not found")
    return things[key]


class _Handler(BaseHTTPRequestHandler):
    grafana: ClassVar[FakeGrafana]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._take()

    do_POST = do_PUT = do_DELETE = do_GET  # noqa: N815

    def log_message(self, *_: object) -> None:
        """Quiet."""

    def _take(self) -> None:
        parts = urlsplit(self.path)
        raw = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            status, told = 200, self._told(parts.path, parse_qs(parts.query), raw)
        except Refused as refused:
            status, told = refused.status, {"message": str(refused)}
        except ValidationError as error:
            status, told = 400, {"message": f"bad request data: {error.errors()[0]['loc']}"}
        body = json.dumps(told).encode()
        self.send_response(status)
        self.send_header("content-type", "application/json")
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        with suppress(BrokenPipeError):  # Whoever has not waited.
            self.wfile.write(body)

    def _told(self, path: str, query: dict[str, list[str]], raw: bytes) -> Any:
        grafana = self.grafana
        prefix, found, below = path.partition("/api/")
        if not found or prefix not in ("", "/grafana"):
            raise Refused(404, "Not found")
        grafana.calls.append((self.command, f"/{below}"))
        if self.headers.get("authorization") != f"Bearer {TOKEN}":
            raise Refused(401, "Invalid API key")
        for (method, begins), happen in list(grafana.before.items()):
            if self.command == method and f"/{below}".startswith(begins):
                del grafana.before[method, begins]
                happen()
        for (method, begins), status in grafana.fail.items():
            if self.command == method and f"/{below}".startswith(begins):
                if status == 0:
                    time.sleep(2)
                raise Refused(status or 504, "as the test says")
        if raw and self.headers.get("content-type") != "application/json":
            raise Refused(415, "no JSON")
        return grafana.answer(self.command, below, query, json.loads(raw) if raw else None)


@contextmanager
def fake_grafana() -> Iterator[FakeGrafana]:
    """A running one."""
    grafana = FakeGrafana()
    handler = type("Handler", (_Handler,), {"grafana": grafana})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    grafana.url = f"http://127.0.0.1:{server.server_address[1]}/grafana"
    try:
        yield grafana
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
