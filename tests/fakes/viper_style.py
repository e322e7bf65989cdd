"""Programs in the style of ViperGPT's paper and documentation, written for this project.

`BODIES` are bodies of `execute_command`, with `{a}` and `{b}` for two kinds of things, `{p}` and `{q}` for
two properties. `programs()` fills in words and dresses each body as a model hands it over: bare, in a fence,
among prose, with imports, with the code that tries it out.
"""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import NamedTuple

WORDS = [
    ("dog", "bench", "brown", "sitting"),
    ("woman", "umbrella", "red", "smiling"),
    ("bus", "traffic light", "double-decker", "parked"),
    ("coffee mug", "laptop", "white", "ceramic"),
    ("sheep", "fence", "young", "grazing"),
]

BODIES = """
return bool_to_yesno(image_patch.exists("{a}"))
---
is_first = image_patch.exists("{a}")
is_second = image_patch.exists("{b}")
return bool_to_yesno(is_first and not is_second)
---
{A}_patches = image_patch.find("{a}")
# the question presupposes one
return bool_to_yesno({A}_patches[0].verify_property("{a}", "{p}"))
---
patches = image_patch.find("{a}")
if len(patches) == 0:
    return image_patch.simple_query("What color is the {a}?")
return patches[0].simple_query("What color is the {a}?")
---
patches = image_patch.find("{a}")
patches.sort(key=lambda patch: patch.horizontal_center)
return patches[1].simple_query("Is the {a} {q}?")
---
for patch in image_patch.find("{a}"):
    if not patch.verify_property("{a}", "{p}"):
        return patch.simple_query("Which kind of {a} is this?")
return "none"
---
return image_patch.find("{a}")[0].best_text_match(["{p}", "{q}"])
---
return image_patch.find("{a}")[0].best_text_match(["{p}", "{q}"], prefix="the {a} is")
---
{A}_patches, {B}_patches = image_patch.find("{a}"), image_patch.find("{b}")
if {A}_patches[0].horizontal_center < {B}_patches[0].horizontal_center:
    return "left"
else:
    return "right"
---
tables = image_patch.find("{b}")
on_top = []
for patch in image_patch.find("{a}"):
    for table in tables:
        if patch.overlaps_with(table.left, table.lower, table.right, table.upper):
            on_top.append(patch)
            break
return str(len(on_top))
---
{B}_patch = sorted(image_patch.find("{b}"), key=lambda x: x.left)[-1]
left_part = image_patch.crop(image_patch.left, image_patch.lower, {B}_patch.left, image_patch.upper)
return left_part.simple_query("What is left of the {b}?")
---
{B}_patch = image_patch.find("{b}")[1]
right_part = image_patch.crop({B}_patch.right, {B}_patch.lower, image_patch.width, {B}_patch.upper)
return bool_to_yesno(right_part.exists("{a}"))
---
patches = image_patch.find("{a}")
patches.sort(key=lambda patch: patch.compute_depth())
return patches[-1]
---
patches = image_patch.find("{a}")
return min(patches, key=lambda patch: patch.compute_depth())
---
{B}_patch = image_patch.find("{b}")[0]
patches = image_patch.find("{a}")
patches.sort(key=lambda patch: distance(patch, {B}_patch))
return patches[0]
---
nearest, gap = None, 1e9
{B}_patch = image_patch.find("{b}")[0]
for patch in image_patch.find("{a}"):
    if distance(patch, {B}_patch) < gap:
        nearest, gap = patch, distance(patch, {B}_patch)
return nearest
---
return best_image_match(image_patch.find("{a}"), ["{p} {a}", "{q} {a}"])
---
patches = image_patch.find("{a}")
index = best_image_match(patches, ["{p} {a}"], return_index=True)
return patches[index].simple_query("What is next to the {a}?")
---
name = image_patch.find("{b}")[0].simple_query("What is the name of the {b}?")
return image_patch.llm_query(f"Who invented the {{name}}?", long_answer=False)
---
name = image_patch.simple_query("What brand is the {b}?")
return llm_query(f"Which country does {{name}} come from?", long_answer=False)
---
guesses = []
patches = image_patch.find("{a}")
if len(patches) > 0:
    guesses.append(patches[0].simple_query("Why is the {a} {q}?"))
guesses.append(llm_query("Why would a {a} be {q}?", long_answer=False))
return process_guesses("Why is the {a} {q}?", guesses)
---
first = image_patch.simple_query("What is the {a} used for?")
second = image_patch.llm_query("What is a {a} used for? Answer briefly.", long_answer=False)
return process_guesses("What is the {a} used for?", [first, second])
---
first, second = image_patch.simple_query("What is this?"), None
return process_guesses("What is this?", first, second)
---
return str(len(image_patch.find("{a}")))
---
number = len([patch for patch in image_patch.find("{a}") if patch.verify_property("{a}", "{p}")])
return bool_to_yesno(number > len(image_patch.find("{b}")))
---
count = coerce_to_numeric(image_patch.simple_query("How many legs does the {a} have?"))
return bool_to_yesno(count > 2)
---
count = coerce_to_numeric(image_patch.simple_query("How many {a}s are there?"))
return int(count) * 2
---
return image_patch.find("{a}")
---
return [patch for patch in image_patch.find("{a}") if patch.verify_property("{a}", "{q}")]
---
return max(image_patch.find("{a}"), key=lambda patch: patch.width * patch.height)
---
def area(patch):
    return (patch.right - patch.left) * (patch.upper - patch.lower)
patches = sorted(image_patch.find("{a}"), key=area, reverse=True)
return patches[0].simple_query()
---
def is_wanted(patch: ImagePatch) -> bool:
    return patch.verify_property("{a}", "{p}") or patch.verify_property("{a}", "{q}")
return bool_to_yesno(any(is_wanted(patch) for patch in image_patch.find("{a}")))
---
colors = {{patch.simple_query("What color is the {a}?") for patch in image_patch.find("{a}")}}
return bool_to_yesno(len(colors) == 1)
---
counts = {{}}
for patch in image_patch.find("{a}"):
    kind = patch.simple_query("What kind of {a} is this?").lower().strip()
    counts[kind] = counts.get(kind, 0) + 1
return max(counts, key=counts.get)
---
if "yes" in image_patch.simple_query("Is the {a} {q}?").lower():
    return "yes"
return "no"
---
answer = image_patch.simple_query(question="Is this indoors or outdoors?")
options = ["indoors", "outdoors"]
return answer if answer in options else image_patch.best_text_match(options)
---
middle = image_patch.height // 2
upper_half = ImagePatch(image, image_patch.left, middle, image_patch.right, image_patch.upper)
return bool_to_yesno(upper_half.exists("{a}"))
---
left_half = image_patch.crop(0, 0, image_patch.width // 2, image_patch.height)
right_half = image_patch.crop(image_patch.width // 2, 0, image_patch.width, image_patch.height)
if len(left_half.find("{a}")) >= len(right_half.find("{a}")):
    return "left"
return "right"
---
patch = image_patch.find("{a}")[0]
side = "left" if patch.horizontal_center < image_patch.width / 2 else "right"
height = "top" if patch.vertical_center > image_patch.height / 2 else "bottom"
return f"{{height}} {{side}}"
---
{A}_patches = image_patch.find("{a}")
{B}_patches = image_patch.find("{b}")
if not {A}_patches or not {B}_patches:
    return "no"
return bool_to_yesno({A}_patches[0].vertical_center > {B}_patches[0].vertical_center)
---
patches = image_patch.find("{a}") + image_patch.find("{b}")
patches = sorted(patches, key=lambda p: p.upper, reverse=True)[:2]
return " and ".join(patch.simple_query("What is this?") for patch in patches)
---
try:
    return image_patch.find("{a}")[5].simple_query("What is the {a} doing?")
except IndexError:
    return image_patch.simple_query("What is the {a} doing?")
---
index = 0
patches = image_patch.find("{a}")
while index < len(patches):
    if patches[index].verify_property(object_name="{a}", visual_property="{p}"):
        return patches[index]
    index += 1
return patches[0]
---
for number, patch in enumerate(image_patch.find("{a}"), start=1):
    print(f"{a} {{number}}: {{patch.left}} {{patch.right}}")
return number
---
pairs = zip(image_patch.find("{a}"), image_patch.find("{b}"))
return bool_to_yesno(all(first.left < second.right for first, second in pairs))
---
options = ["{a}", "{b}", "neither"]
match = image_patch.best_text_match(option_list=options, prefix="a photo of a")
return match.split(" ")[0].capitalize()
---
p = image_patch.find("{a}")[0]
around = image_patch.crop(p.left - 20, p.lower - 20, p.right + 20, p.upper + 20)
return around.simple_query("What is the {a} {q} on?")
---
{A}_patch = image_patch.find("{a}")[0]
below = ImagePatch(image, {A}_patch.left, image_patch.lower, {A}_patch.right, {A}_patch.vertical_center)
return below.best_text_match(["grass", "sand", "{b}"])
---
depths = [patch.compute_depth() for patch in image_patch.find("{a}")]
mean_depth = sum(depths) / len(depths)
behind = [depth for depth in depths if depth > mean_depth]
return len(behind)
---
farther = image_patch.find("{a}")[0].compute_depth() > image_patch.find("{b}")[0].compute_depth()
return bool_to_yesno(farther)
---
sides = [patch.width > patch.height for patch in image_patch.find("{a}")]
return bool_to_yesno(sides.count(True) > sides.count(False))
---
middle = [p for p in image_patch.find("{a}") if abs(p.horizontal_center - image_patch.horizontal_center) < 60]
return middle[0] if middle else None or image_patch
---
answer_color = image_patch.find("{a}")[0].simple_query("What color is it?")
other_color = image_patch.find("{b}")[0].simple_query("What color is it?")
return bool_to_yesno(answer_color == other_color)
---
patches = list(filter(lambda p: p.verify_property("{a}", "{p}"), image_patch.find("{a}")))
names = list(map(lambda p: p.simple_query("What is this?"), patches))
return ", ".join(names)
---
left_most = image_patch.find("{a}")[0]
for patch in image_patch.find("{a}"):
    if patch.left < left_most.left and patch != left_most:
        left_most = patch
return left_most
---
objects = image_patch.find("object")
objects.sort(key=lambda o: (o.vertical_center, -o.horizontal_center))
return objects[0].simple_query("What is this object?")
---
best_score, best_patch = 0, None
for patch in image_patch.find("{a}"):
    score = sum([patch.verify_property("{a}", "{p}"), patch.verify_property("{a}", "{q}")])
    if score > best_score:
        best_score, best_patch = score, patch
if best_patch is None:
    best_patch = image_patch
return best_patch
---
year = image_patch.simple_query("In what year was the {b} made?")
try:
    age = 2023 - coerce_to_numeric(year)
except ValueError:
    return "unknown"
return f"{{age}} years"
---
scene = image_patch.simple_query("What is happening?")
who = [p.simple_query("Who is this?") for p in image_patch.find("{a}")]
info = {{"scene": scene, "who": who, "{b}": image_patch.exists("{b}")}}
return llm_query(f"What does this say about the {b}? {{info}}", long_answer=False)
---
spread = max(p.right for p in image_patch.find("{a}")) - min(p.left for p in image_patch.find("{a}"))
return "wide" if spread > 0.5 * image_patch.width else "narrow"
---
rows = [image_patch.crop(0, y, image_patch.width, y + 50) for y in range(0, image_patch.height, 50)]
return str(sum(row.exists("{a}") for row in rows))
---
if image_patch.exists("{a}") or image_patch.exists("{b}"): return "yes"
else: return "no"
"""

ANSWER_CHOICES = """
return image_patch.best_text_match(possible_answers)
---
if not image_patch.exists("{a}"):
    return possible_answers[0]
info = {{"What is the {a} doing?": image_patch.simple_query("What is the {a} doing?"), "asked": query}}
return llm_query(f"{{query}} {{info}} Choose one of {{possible_answers}}.", long_answer=False)
---
scores = []
for answer in possible_answers:
    scores.append(image_patch.verify_property("{a}", answer))
return possible_answers[scores.index(max(scores))]
"""


class Written(NamedTuple):
    """A program as it is handed over."""

    name: str
    text: str


def _whole(body: str) -> str:
    indented = textwrap.indent(f"image_patch = ImagePatch(image)\n{body}", "    ")
    return f"def execute_command(image):\n{indented}"


_OPENING = 'from PIL import Image\n\nimage = Image.open("photo.jpg").convert("RGB")\n\n'
_TRIED = 'from PIL import Image\nimage = Image.open("photo.jpg")\nprint(execute_command(image))'
_MAIN = (
    'def main(path):\n    image = load_image(path)\n    print("Answer:", execute_command(image))\n\n'
    'if __name__ == "__main__":\n    main("photo.jpg")'
)
_IMPORTS = (
    "import math\nimport numpy as np\nfrom typing import List\n"
    "from image_patch import ImagePatch, VideoSegment, best_image_match, bool_to_yesno\n\n"
)

_DRAFT = "def execute_command(image):\n    return 0  # or is it?\n"

DRESSES = {
    "plain": lambda body: _whole(body),
    "typed": lambda body: _whole(body).replace("(image):", "(image: Image.Image) -> List[ImagePatch]:", 1),
    "fenced": lambda body: f"```python\n{_whole(body)}\n```",
    "prose": lambda body: f"Here is the function:\n\n```python\n{_whole(body)}\n```\nIt looks first.",
    "unfenced prose": lambda body: f"Sure, here it is:\n\n{_whole(body)}\n\nLet me know if it helps!",
    "imports": lambda body: _IMPORTS + _whole(body),
    "opened before": lambda body: f"{_OPENING}{_whole(body)}\nanswer = execute_command(image)",
    "tried after": lambda body: f"{_whole(body)}\n\n# Example\n{_TRIED}",
    "main": lambda body: f"{_whole(body)}\n\n{_MAIN}",
    "body": lambda body: body,
    "indented body": lambda body: textwrap.indent(f"image_patch = ImagePatch(image)\n{body}", "    "),
    "example": lambda body: textwrap.indent(_whole(body), ">>> ", lambda line: True),
    "closing fence": lambda body: f"{_whole(body)}\n    ```",
    "leftover": lambda body: f"python\n{_whole(body)}",
    "draft": lambda body: f"{_DRAFT}</think>\n\n{_whole(body)}<|im_end|>",
}  # fmt: skip


def programs() -> Iterator[Written]:
    """Yield every body in every set of words, dressed in turn; no two are equal."""
    dresses = list(DRESSES.items())
    number = 0
    seen: set[str] = set()
    for words in WORDS:
        a, b, p, q = words
        names = {"a": a, "b": b, "p": p, "q": q, "A": a.replace(" ", "_"), "B": b.replace(" ", "_")}
        for kind, bodies in (("vqa", BODIES), ("choice", ANSWER_CHOICES)):
            for index, template in enumerate(bodies.strip().split("\n---\n")):
                body = template.format(**names)
                dress, hand_over = dresses[number % len(dresses)]
                number += 1
                text = hand_over(body)
                if kind == "choice":
                    plain, asking = (
                        "execute_command(image",
                        "execute_command(image, query, possible_answers",
                    )
                    text = text.replace(plain, asking)
                if text not in seen:  # some bodies have no words to fill in
                    seen.add(text)
                    yield Written(f"{kind}-{index:02}-{a}-{dress}".replace(" ", "_"), text)
