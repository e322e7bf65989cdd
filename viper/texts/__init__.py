"""Texts of strangers: what may be shown of them, and what they may name.

    terminal   control characters are replaced, in JSON escaped
    secrets    keys, tokens and passwords are replaced, whatever message holds them
    hosts      the host of an address or of a Host header, parsed strictly
    toml       TOML files whose size and nesting are bounded before they are parsed
    json_input JSON files: every fault is one error, and lines have a bounded length

Every function takes time in proportion to the length of its text.
"""
