"""Every case, with every producer and every consumer, in a map that both hold."""

from __future__ import annotations

from pathlib import Path

from interop.cases.case import Case, picture_case
from interop.exchange.place import Place
from interop.exchange.run import run_case
from interop.plugin.hooks import Pair

GROUP = "picture"


def test_case(case: Case, pair: Pair, place: Place) -> None:
    run_case(case, pair.producer, pair.consumer, place, pair.worlds, pair.record)


def test_picture(picture: str, picture_file: str, pair: Pair, place: Place) -> None:
    content = Path(picture_file).read_bytes()
    case = picture_case(picture, picture_file, content)
    run_case(case, pair.producer, pair.consumer, place, pair.worlds, pair.record)
