# legit: cast and Any in a helper | must run
# value: 'dog'
from typing import Any, cast

def value(x: Any) -> str:
    return cast(str, x)

def execute_command(image):
    return value(ImagePatch(image).find("dog")[0].category)
