"""What to change in a Grafana so that it has what we want: decided here, done elsewhere.

Everything is known by its uid. What is there and is the same is left alone, so that a second run changes nothing; what
carries our tag and is wanted no more is deleted if asked for; what is not ours is never touched.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import unified_diff
from enum import StrEnum
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

if TYPE_CHECKING:
    from channelwatch.app.grafana.port import Grafana

TAG = "channelwatch"
CONTACT_POINT = "channelwatch"
SERVICE_ACCOUNT = "channelwatch-viewer"
TOKEN_NAME = "channelwatch"
MESSAGE = "channelwatch grafana push"
DIFF_LINES = 20
"""Lines of difference that are shown of one thing."""


class Act(StrEnum):
    """What a step does."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Step:
    """One call: what it does to what, in which words, and how."""

    act: Act
    what: str
    method: str
    path: str
    body: Any = None
    diff: tuple[str, ...] = ()
    makes_token: bool = False


@dataclass(frozen=True, slots=True)
class Folder:
    """A folder with its dashboards."""

    uid: str
    title: str
    dashboards: tuple[Mapping[str, Any], ...]


@dataclass(frozen=True, slots=True)
class Wanted:
    """Everything that Grafana is to have. `alertmanager`: where its alerts go; `token`: make a reading token."""

    folders: tuple[Folder, ...]
    alertmanager: str = ""
    token: bool = False
    prune: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """The steps, in order, and how much is as it ought to be. `left`: sentences on what is not ours to change."""

    steps: tuple[Step, ...]
    same: int
    left: tuple[str, ...] = ()


def plan(grafana: Grafana, wanted: Wanted) -> Plan:
    """Look at `grafana` and decide. Only reads."""
    steps: list[Step] = []
    left: list[str] = []
    same = 0
    for folder in wanted.folders:
        found = list(_folder(grafana, folder))
        steps += found
        same += not found
        for dashboard in folder.dashboards:
            step = _dashboard(grafana, folder, dashboard)
            if isinstance(step, str):
                left.append(step)
            elif step is None:
                same += 1
            else:
                steps.append(step)
    if wanted.prune:
        steps += _prune(grafana, wanted.folders)
    for more in (_contact_point(grafana, wanted.alertmanager), _account(grafana) if wanted.token else None):
        if more is not None:
            steps += more
            same += not more
    return Plan(tuple(steps), same, tuple(left))


def _folder(grafana: Grafana, folder: Folder) -> Iterator[Step]:
    there = grafana.get(f"/folders/{folder.uid}")
    if there is None:
        body = {"uid": folder.uid, "title": folder.title}
        yield Step(Act.CREATE, f"folder {folder.title}", "POST", "/folders", body)
    elif there["title"] != folder.title:
        body = {"title": folder.title, "version": there["version"]}
        diff = (f"- {there['title']}", f"+ {folder.title}")
        yield Step(Act.UPDATE, f"folder {folder.title}", "PUT", f"/folders/{folder.uid}", body, diff)


def _dashboard(grafana: Grafana, folder: Folder, dashboard: Mapping[str, Any]) -> Step | str | None:
    """The step, None when nothing is to be done, or why nothing can be done."""
    uid, title = dashboard["uid"], dashboard["title"]
    body = {"folderUid": folder.uid, "message": MESSAGE, "overwrite": False}
    there = grafana.get(f"/dashboards/uid/{uid}")
    if there is None:
        new = {**dashboard, "id": None, "version": 0}
        return Step(
            Act.CREATE, f"dashboard {uid} ({title})", "POST", "/dashboards/db", {**body, "dashboard": new}
        )
    old, meta = there["dashboard"], there["meta"]
    if meta.get("provisioned"):
        return f"dashboard {uid}: Grafana loads it from provisioning files; change it there"
    if TAG not in old.get("tags", ()):
        return f"dashboard {uid}: another one has this uid and lacks our tag; rename or delete it"
    diff = difference(old, dashboard)
    if meta.get("folderUid") != folder.uid:
        diff = (f"- in folder {meta.get('folderUid') or 'General'}", f"+ in folder {folder.uid}", *diff)
    if not diff:
        return None
    # The version that was looked at: whoever has changed it meanwhile is not overwritten.
    new = {**dashboard, "id": old["id"], "version": old["version"]}
    what = f"dashboard {uid} ({title})"
    return Step(Act.UPDATE, what, "POST", "/dashboards/db", {**body, "dashboard": new}, diff)


def difference(old: Mapping[str, Any], new: Mapping[str, Any]) -> tuple[str, ...]:
    """Lines that differ, but for what Grafana counts itself."""
    before, after = (_text(item).splitlines() for item in (old, new))
    lines = [
        line for line in unified_diff(before, after, n=0, lineterm="") if line[:2] not in ("--", "++", "@@")
    ]
    more = len(lines) - DIFF_LINES
    return (*lines[:DIFF_LINES], f"  and {more} lines more") if more > 0 else tuple(lines)


def _text(dashboard: Mapping[str, Any]) -> str:
    own = {key: value for key, value in dashboard.items() if key not in ("id", "version")}
    return json.dumps(own, ensure_ascii=False, indent=1, sort_keys=True)


def _prune(grafana: Grafana, folders: Sequence[Folder]) -> Iterator[Step]:
    keep = {dashboard["uid"] for folder in folders for dashboard in folder.dashboards}
    ours = {folder.uid for folder in folders}
    for found in _every(grafana.get(f"/search?type=dash-db&tag={TAG}&limit=1000")):
        if found["uid"] not in keep and TAG in found.get("tags", ()) and found.get("folderUid") in ours:
            path = f"/dashboards/uid/{found['uid']}"
            yield Step(Act.DELETE, f"dashboard {found['uid']} ({found['title']})", "DELETE", path)


def _contact_point(grafana: Grafana, alertmanager: str) -> list[Step] | None:
    if not alertmanager:
        return None
    body = {
        "name": CONTACT_POINT,
        "type": "prometheus-alertmanager",
        "settings": {"url": alertmanager},
        "disableResolveMessage": False,
    }
    path = "/v1/provisioning/contact-points"
    there = next(iter(_every(grafana.get(f"{path}?name={quote(CONTACT_POINT)}"))), None)
    if there is None:
        return [Step(Act.CREATE, f"contact point {CONTACT_POINT}", "POST", path, body)]
    if all(there.get(key) == value for key, value in body.items()):
        return []
    diff = (f"- {there.get('settings', {}).get('url', '')}", f"+ {alertmanager}")
    return [Step(Act.UPDATE, f"contact point {CONTACT_POINT}", "PUT", f"{path}/{there['uid']}", body, diff)]


def _account(grafana: Grafana) -> list[Step]:
    """A token to read with, unless there is one. An account that is not there yet gets its token in a second round."""
    found = grafana.get(f"/serviceaccounts/search?query={quote(SERVICE_ACCOUNT)}") or {}
    account = next(
        (item for item in found.get("serviceAccounts", ()) if item["name"] == SERVICE_ACCOUNT), None
    )
    if account is None:
        body = {"name": SERVICE_ACCOUNT, "role": "Viewer", "isDisabled": False}
        return [Step(Act.CREATE, f"service account {SERVICE_ACCOUNT}", "POST", "/serviceaccounts", body)]
    path = f"/serviceaccounts/{account['id']}/tokens"
    if any(item["name"] == TOKEN_NAME for item in _every(grafana.get(path))):
        return []
    what = f"token {TOKEN_NAME} of {SERVICE_ACCOUNT}"
    return [Step(Act.CREATE, what, "POST", path, {"name": TOKEN_NAME}, makes_token=True)]


def _every(found: Any) -> Iterable[dict[str, Any]]:
    return found if isinstance(found, list) else ()
