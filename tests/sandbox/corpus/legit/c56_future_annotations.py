# legit: from __future__ on the first line | must run
# value: 'cup'
from __future__ import annotations

def helper(p: Patch) -> Answer:
    return p.category

def execute_command(image):
    return helper(ImagePatch(image).find("cup")[0])
