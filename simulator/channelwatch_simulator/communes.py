"""Commune-level units of Quảng Ngãi: code, kind and name, from the public administrative list of 2025."""

from __future__ import annotations

from typing import NamedTuple

from channelwatch.inventory.model import CommuneKind


class Commune(NamedTuple):
    """`code` is the five-digit statistics code."""

    code: str
    kind: CommuneKind
    name: str


_KINDS = {"X": CommuneKind.XA, "P": CommuneKind.PHUONG, "S": CommuneKind.DAC_KHU}

_TEXT = """\
23293 P Kon Tum; 21025 P Cẩm Thành; 21028 P Nghĩa Lộ; 21034 X An Phú;
21040 X Bình Sơn; 21061 X Vạn Tường; 21085 X Bình Minh; 21100 X Bình Chương;
21109 X Đông Sơn; 21115 X Trà Bồng; 21124 X Thanh Bồng; 21127 X Đông Trà Bồng;
21136 X Cà Đam; 21154 X Tây Trà; 21157 X Tây Trà Bồng; 21172 P Trương Quang Trọng;
21181 X Thọ Phong; 21196 X Trường Giang; 21205 X Ba Gia; 21211 X Tịnh Khê;
21220 X Sơn Tịnh; 21235 X Tư Nghĩa; 21238 X Vệ Giang; 21244 X Trà Giang;
21250 X Nghĩa Giang; 21289 X Sơn Hà; 21292 X Sơn Hạ; 21307 X Sơn Linh;
21319 X Sơn Thuỷ; 21325 X Sơn Kỳ; 21334 X Sơn Tây Thượng; 21340 X Sơn Tây;
21343 X Sơn Tây Hạ; 21349 X Sơn Mai; 21361 X Minh Long; 21364 X Nghĩa Hành;
21370 X Phước Giang; 21385 X Đình Cương; 21388 X Thiện Tín; 21400 X Mộ Đức;
21409 X Long Phụng; 21421 X Mỏ Cày; 21433 X Lân Phong; 21439 P Đức Phổ;
21451 P Trà Câu; 21457 X Nguyễn Nghiêm; 21472 X Khánh Cường; 21478 P Sa Huỳnh;
21484 X Ba Tơ; 21490 X Ba Vinh; 21496 X Ba Động; 21499 X Ba Dinh;
21520 X Đặng Thuỳ Trâm; 21523 X Ba Tô; 21529 X Ba Vì; 21538 X Ba Xa;
21548 S Lý Sơn; 23284 P Đăk Cấm; 23302 P Đăk Bla; 23317 X Ngọk Bay;
23326 X Ia Chim; 23332 X Đăk Rơ Wa; 23341 X Đăk Pék; 23344 X Đăk Plô;
23356 X Xốp; 23365 X Ngọc Linh; 23368 X Đăk Long; 23374 X Đăk Môn;
23377 X Bờ Y; 23383 X Dục Nông; 23392 X Sa Loong; 23401 X Đăk Tô;
23416 X Đăk Sao; 23419 X Đăk Tờ Kan; 23425 X Tu Mơ Rông; 23428 X Ngọk Tụ;
23430 X Kon Đào; 23446 X Măng Ri; 23455 X Măng Bút; 23473 X Măng Đen;
23476 X Kon Plông; 23479 X Đăk Rve; 23485 X Đăk Kôi; 23497 X Kon Braih;
23500 X Đăk Hà; 23504 X Đăk Pxi; 23510 X Đăk Ui; 23512 X Đăk Mar;
23515 X Ngọk Réo; 23527 X Sa Thầy; 23530 X Rờ Kơi; 23534 X Sa Bình;
23535 X Ia Đal; 23536 X Mô Rai; 23538 X Ia Tơi; 23548 X Ya Ly
"""


def _parse(entry: str) -> Commune:
    code, kind, name = entry.strip().split(" ", 2)
    return Commune(code, _KINDS[kind], name)


COMMUNES: tuple[Commune, ...] = tuple(_parse(entry) for entry in _TEXT.split(";"))


def communes(count: int) -> tuple[Commune, ...]:
    """The first `count` communes; past the list come invented ones with codes from 90001 on."""
    invented = (Commune(f"{90000 + n}", CommuneKind.XA, f"Xã mô phỏng {n:03}") for n in range(1, count + 1))
    return (*COMMUNES[:count], *list(invented)[: max(0, count - len(COMMUNES))])
