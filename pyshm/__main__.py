"""``python -m pyshm`` is the ``pyshm`` command."""

from __future__ import annotations

import sys

from .cli import main

sys.exit(main())
