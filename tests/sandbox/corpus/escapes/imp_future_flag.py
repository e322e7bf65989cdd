# category: builtins-import | expect: reject | success would mean: from __future__ with a name that changes the grammar
# refused: syntax 3 ""
from __future__ import barry_as_FLUFL
def execute_command(image):
    return "ESCAPED" if 1 <> 2 else ""
