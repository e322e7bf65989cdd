"""Words of the visual world: attributes and object categories."""
