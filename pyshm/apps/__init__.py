"""The two desktop programs, ``pyshm-writer`` and ``pyshm-reader``.

The modules ``writing`` and ``reading`` do the work of the buttons and use no widgets. The modules
named ``…_window`` have the widgets and use no shared memory.
"""
