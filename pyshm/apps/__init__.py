"""The two desktop programs, ``pyshm-writer`` and ``pyshm-reader``.

``writing`` and ``reading`` are what the buttons do and know of no widgets; the modules named
``…_window`` are widgets and know of no shared memory.
"""
