"""What to write instead of names that programs of other projects use, so that models can repair them."""

from __future__ import annotations

from collections.abc import Mapping

__all__ = ["MEMBER_HINTS", "MODULE_HINTS", "NAME_HINTS"]

_NO_PIXELS = (
    "A patch has no pixels here: use .width, .height, crop and the methods that ask a model."
)
_NO_VIDEO = "There is one image and no video: begin with ImagePatch(image)."
_NO_TENSOR = "Numbers are plain numbers of Python here: leave it out."
_NO_FILES = "Programs have no files: the image is the parameter of execute_command."


def _spread(table: Mapping[str, str]) -> dict[str, str]:
    return {name: hint for names, hint in table.items() for name in names.split()}


_BY_USE = {
    "PIL cv2 skimage imageio imutils": f"Remove it. {_NO_PIXELS} {_NO_FILES}",
    "torch torchvision tensorflow transformers clip": "Remove it. ImagePatch has methods that ask models.",
    "pandas scipy sklearn": "Use lists, dicts and loops.",
    "matplotlib seaborn IPython": "Remove it. Programs draw nothing: return the answer.",
    "os sys io pathlib glob shutil tempfile pickle csv": "Remove it. Programs have no files.",
    "requests urllib http socket": "Remove it. Programs have no network.",
    "time datetime": "Remove it. Programs have no clock.",
}
MODULE_HINTS: Mapping[str, str] = {
    **_spread(_BY_USE),
    "collections": "Count with a dict: counts[k] = counts.get(k, 0) + 1.",
    "itertools": "Write nested loops or comprehensions.",
    "functools": "Write a loop.",
    "numpy": "Use sum, min, max, sorted and the module math.",
    "random": "Programs give the same answer every time.",
    "statistics": "Use sum(values) / len(values) and sorted(values).",
    "json": "Return the dict or list itself; find parts of a text with re.",
    "copy": "Write list(x) or dict(x); patches never change.",
    "operator": "Write a lambda, as in key=lambda p: p.left.",
    "heapq": "Write sorted(values)[:k].",
    "bisect": "Write sorted(values) and a loop.",
    "dataclasses": "Use a dict or a tuple.",
    "enum": "Use plain texts.",
    "string": "Write the characters, as in 'abc'; texts have isalpha, isdigit and the like.",
    "abc": "Use functions.",
    "decimal": "Use float and round.",
    "fractions": "Use float and round.",
    "logging": "Use print(...).",
    "pprint": "Use print(...).",
    "word2number": "Use coerce_to_numeric(text).",
    "dateutil": "Use re and int.",
}
"""By the first part of a module's name."""

NAME_HINTS: Mapping[str, str] = {
    **_spread(
        {
            "VideoSegment video video_segment frames frame_iterator": _NO_VIDEO,
            "select_answer": (
                "Choose with image_patch.best_text_match(possible_answers) or with llm_query(...)."
            ),
            "Counter defaultdict OrderedDict deque namedtuple": "Use a dict or a list.",
            "reduce partial": "Write a loop.",
            "product combinations permutations chain groupby": MODULE_HINTS["itertools"],
            "itemgetter attrgetter": MODULE_HINTS["operator"],
            "deepcopy": MODULE_HINTS["copy"],
            "dataclass": MODULE_HINTS["dataclasses"],
            "mean median stdev": MODULE_HINTS["statistics"],
            "np numpy": MODULE_HINTS["numpy"],
            "torch": MODULE_HINTS["torch"],
            "cv2": MODULE_HINTS["cv2"],
            "plt display": MODULE_HINTS["matplotlib"],
            "Image load_image": _NO_FILES,
            "w2n": MODULE_HINTS["word2number"],
            "List Dict Tuple Union Optional Any Callable": "Write: from typing import …",
        }
    ),
    **{
        name: MODULE_HINTS[name]
        for name in "json copy operator heapq string collections itertools os sys random".split()
    },
}
"""By name; a program of its own kind may bind any of them."""

MEMBER_HINTS: Mapping[str, str] = _spread(
    {
        "shape size ndim dtype cropped_image original_image image pixels array mode": _NO_PIXELS,
        "show print_image save draw": "Programs draw nothing: return the patch.",
        "frame_iterator frame_from_index trim num_frames get_frame select_answer": _NO_VIDEO,
        "item cpu numpy detach tolist squeeze astype tensor": _NO_TENSOR,
        "mask segment": "There are boxes, no masks: use left, lower, right, upper.",
        "area": "Write patch.width * patch.height.",
        "top ymax y2": "Write .upper.",
        "bottom ymin y1": "Write .lower.",
        "xmin x1": "Write .left.",
        "xmax x2": "Write .right.",
        "center_x x_center": "Write .horizontal_center.",
        "center_y y_center": "Write .vertical_center.",
        "bbox box bounding_box coordinates": "Write (p.left, p.lower, p.right, p.upper).",
        "label class_name object_name": "Write .category.",
        "confidence prob probability": "Write .score.",
        "encode decode": "Texts need no encoding here: leave it out.",
        "to_bytes from_bytes": "There are no bytes here; use numbers.",
    }
)
"""By attribute that nothing in a program has."""
