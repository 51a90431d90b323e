"""Sequences about named maps, in one process and in two."""

from __future__ import annotations

from .steps import (
    COPY,
    DELAY_ALLOCATE_PAGES,
    READ,
    READ_WRITE_EXECUTE,
    WRITE,
    Lifetime,
    Sequence,
    Step,
    dispose,
    get,
    named,
    read,
    view,
    write,
)

__all__ = ["LIFETIMES", "NAMED", "NAMESPACES", "RIGHTS"]


def _named() -> list[Sequence]:
    found = [
        Sequence(
            "named-life",
            [
                named("open-existing"), named("create-new"), named("create-new", "n"),
                named("open-existing", "n"), dispose("m"), named("create-new", "o"), dispose("n"),
                named("open-existing", "n"), named("create-or-open"), named("create-or-open", "n"),
            ],
        ),
        Sequence(
            "named-create-or-open-ignores-capacity",
            [
                named("create-new"), named("create-or-open", "n", capacity=5000),
                {**view(), "map": "n"}, get("capacity"),
            ],
        ),
        Sequence(
            "named-write-access",
            [
                named("create-new", access=WRITE), named("create-or-open", access=WRITE),
                named("create-new"), named("create-or-open", "n", access=WRITE),
                {**view(0, 0, access=WRITE), "map": "n"}, {**view(0, 0, access=READ), "map": "n"},
            ],
        ),
    ]  # fmt: skip
    for rights in (
        -1, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 12, 14, 0x10000, 0x20001, 0x20002, 0x20004, 0x20006,
        0xF000F, 0x1000000, 0x2000000,
    ):  # fmt: skip
        steps = [named("create-new", access=READ_WRITE_EXECUTE)]
        steps.append(named("open-existing", "n", rights=rights))
        for access in range(6):
            steps += [{**view(0, 0, access=access), "map": "n"}, get("can_write")]
        found.append(Sequence(f"named-rights-{rights}", steps))
    for name, text in (
        ("empty", ""), ("slash", "a/b"), ("backslash", "a\\b"), ("dots", ".."), ("dot", "."),
        ("nul", "a\0b"), ("hidden", ".x"), ("semaphore", "sem.x"), ("long", "x" * 256),
        ("long-wide", "ü" * 128), ("prefix-only", "Local\\"), ("up", "../x"), ("null", None),
    ):  # fmt: skip
        steps = [
            {"do": do, "as": "m", "name": text, "capacity": 10} if do != "open-existing"
            else {"do": do, "as": "m", "name": text}
            for do in ("create-new", "create-or-open", "open-existing")
            if not (do == "create-new" and text is None)
        ]  # fmt: skip
        found.append(Sequence(f"named-name-{name}", steps))
    found += [
        Sequence(f"named-{do}-capacity-{capacity}",
                 [named(do, capacity=capacity)])
        for do in ("create-new", "create-or-open")
        for capacity in (0, -1)
    ]  # fmt: skip
    found += [
        Sequence(f"named-access-{access}", [
            named("create-new", access=access), view(0, 0, access=READ), view(0, 0, access=WRITE),
            view(0, 0, access=COPY), view(0, 0, access=READ_WRITE_EXECUTE),
        ])
        for access in range(-1, 7)
    ]  # fmt: skip
    found.append(
        Sequence(
            "named-delayed",
            [named("create-new", options=DELAY_ALLOCATE_PAGES), view(), read("int32", 0)],
        )
    )
    return found


def _namespaces() -> list[Sequence]:
    names = {
        "unicode": "{name}-ü-日本-🛰",
        "local": "Local\\{name}",
        "global": "Global\\{name}",
        "trailing-space": "{name} ",
        "white": " \t{name}\r\n",
        # From here on a file can't have the name.
        "lower-case-local": "local\\{name}",
        "session": "Session\\1\\{name}",
        "session-that-does-not-exist": "Session\\99\\{name}",
        "session-by-name": "Session\\x\\{name}",
        "session-alone": "Session\\1\\",
        "local-global": "Local\\Global\\{name}",
        "local-session": "Local\\Session\\1\\{name}",
        "local-part": "Local\\x\\{name}",
        "local-slash": "Local\\/{name}",
        "local-backslash": "Local\\\\{name}",
        "global-part": "Global\\x\\{name}",
        "global-alone": "Global\\",
        "lower-case-local-slash": "local/{name}",
        "part": "x\\{name}",
        "up": "..\\{name}",
        "leading-backslash": "\\{name}",
        "trailing-backslash": "{name}\\",
        "backslash-alone": "\\",
        "nul": "{name}\0b",
        "nul-first": "\0{name}",
        "surrogate": "{name}\ud800",
        "very-long": "{name}" + "a" * 1000,
    }
    return [
        Sequence(
            f"namespace-{key}",
            [
                named("create-new", name=name),
                named("create-new", "n", name=name),
                named("open-existing", "o", name=name),
                named("create-or-open", "p", name=name),
                named("open-existing", "q"),
            ],
        )
        for key, name in names.items()
    ]


def _rights() -> list[Sequence]:
    found = [
        Sequence(
            "create-or-open-with-less-access",
            [
                named("create-new"), named("create-or-open", "n", access=READ),
                {**view(), "map": "n"}, {**view(0, 0, access=READ), "map": "n"},
            ],
        )
    ]  # fmt: skip
    for access in range(6):
        steps = [named("create-new", access=access)]
        for inner, rights in enumerate((6, 4, 2, 1, 12, 14)):
            steps += [
                named("create-or-open", "n", access=inner),
                {**view(0, 0, access=inner), "map": "n"},
                named("open-existing", "o", rights=rights),
                {**view(0, 0, access=inner), "map": "o"},
            ]
        found.append(Sequence(f"create-or-open-{access}", steps))
    return found


_CREATE: Step = {"do": "create-new", "as": "m", "name": "{name}", "capacity": 4096}
_OPEN: Step = {"do": "open-existing", "as": "m", "name": "{name}"}
_EITHER: Step = {"do": "create-or-open", "as": "m", "name": "{name}", "capacity": 4096}
_LOOK, _PUT, _CLOSE = read("int32", 0), write("int32", 0, 7), dispose("m")
LIFETIMES = [
    Lifetime(
        "open-before-create",
        [("B", _OPEN), ("A", _CREATE), ("B", _OPEN), ("B", _CREATE)],
    ),
    Lifetime(
        "the-creator-closes-while-another-holds",
        [
            ("A", _CREATE), ("A", view()), ("A", _PUT), ("B", _OPEN), ("B", view()),
            ("A", dispose("v")), ("A", _CLOSE), ("B", _LOOK), ("A", _OPEN), ("A", _CLOSE),
            ("B", _CLOSE), ("A", _OPEN), ("B", _LOOK),
        ],
    ),
    Lifetime(
        "the-last-holder-closes",
        [("A", _CREATE), ("A", _CLOSE), ("B", _OPEN), ("B", _CREATE)],
    ),
    Lifetime(
        "a-view-outlives-its-map",
        [("A", _CREATE), ("A", view()), ("A", _PUT), ("A", _CLOSE), ("A", _LOOK), ("B", _OPEN)],
    ),
    Lifetime(
        "the-writer-is-killed-while-another-holds",
        [
            ("A", _CREATE), ("A", view()), ("A", _PUT), ("B", _OPEN), ("B", view()),
            ("A", None), ("B", _LOOK), ("A", _OPEN), ("A", view()), ("A", _LOOK),
        ],
    ),
    Lifetime(
        "the-last-holder-is-killed",
        [
            ("A", _CREATE), ("A", view()), ("A", _PUT), ("A", None), ("B", _OPEN),
            ("B", _EITHER), ("B", view()), ("B", _LOOK),
        ],
    ),
]  # fmt: skip

NAMED = _named()
NAMESPACES = _namespaces()
RIGHTS = _rights()
