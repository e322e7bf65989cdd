"""The jail for generated programs: a separate process without files, network or models."""
