"""Named maps and file maps by the Windows kernel."""
