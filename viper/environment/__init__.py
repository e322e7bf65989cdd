"""What the environment gives a process: its standard streams, and the variables that steer connections."""
