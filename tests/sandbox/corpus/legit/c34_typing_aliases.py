# legit: aliases of typing at module level | must run
# value: '(130, 160, 160, 190)'
from typing import Dict, Tuple, Union

Box = Tuple[float, float, float, float]
Answer = Union[str, int]

def box(p: "ImagePatch") -> Box:
    return (p.left, p.lower, p.right, p.upper)

def execute_command(image) -> Answer:
    boxes: Dict[str, Box] = {p.category: box(p) for p in ImagePatch(image).find("cat")}
    return str(boxes["cat"])
