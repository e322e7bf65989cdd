"""The models that ship with Viper, and the renderer of the small world that they are trained on."""
