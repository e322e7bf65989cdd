# category: builtins-import | expect: harmless | success would mean: an import that nobody reads imports something
# gives: 'plain'
import os
from sys import modules, path as where
def execute_command(image):
    import ctypes.util, subprocess
    return "plain"
