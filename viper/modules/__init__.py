"""Modules: plugins that add methods to the API of programs.

A module consists of a stub, a function per method, and optionally its own role with a loader for the model:

    MODULE = Module(
        "reading",
        stub=files(__package__) / "api.pyi",
        methods={"ImagePatch.read_text": read_text},
        roles={"reader": load_reader},
    )

    def read_text(model, requests):            # one result per request, in the same order
        return [model.read(request.view.pixels()) for request in requests]

`docs/plugins.md` builds one in ten minutes.
"""

from viper.errors import ModelError
from viper.images.image import ImageRef, View
from viper.images.region import Patch
from viper.models.roles import Completion, Detection
from viper.modules.module import Module
from viper.scheduling.method_request import MethodRequest

__all__ = [
    "Completion",
    "Detection",
    "ImageRef",
    "MethodRequest",
    "ModelError",
    "Module",
    "Patch",
    "View",
]
