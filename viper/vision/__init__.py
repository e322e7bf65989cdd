"""Everything that looks at pixels, from roles to backends."""
