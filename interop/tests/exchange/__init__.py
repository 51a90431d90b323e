"""The exchange of one case, with peers that are wrong on purpose."""
