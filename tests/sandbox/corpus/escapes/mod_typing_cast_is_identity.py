# category: modules | expect: harmless | success would mean: cast returns its second argument and converts nothing
# gives: 5
from typing import cast
def execute_command(image):
    return cast("__import__('os')", 5)
