"""What only tries a program out is cut off, and nothing else."""

import pytest

from viper_sandbox.extract import extract

PROGRAM = "def execute_command(image):\n    return 1\n"


@pytest.mark.parametrize(
    "before",
    [
        "from PIL import Image\nimage = Image.open('goats.jpg')\n",
        "from PIL import Image; image = Image.open('goats.jpg')\n",
        "import cv2\nimage = cv2.imread('goats.jpg')\nimage = cv2.cvtColor(image, cv2.COLOR_BGR2RGB)\n",
        "path = 'goats.jpg'\nimg = load(path)\nimg = resize(img)\n",
        "import sys\nsys.path.append('/home/me/viper')\n",
        "import os\nos.environ['DEVICE'] = '0'\n",
        "image: Image.Image = Image.open('goats.jpg')\n",
        "python\n",
    ],
)
@pytest.mark.parametrize("after", ["", "answer = execute_command(img)\nprint(answer)\n"])
def test_cuts_what_stands_before(before, after):
    if before.startswith("path") and not after:
        pytest.skip("without a call nothing tells that the image is for one")
    assert (
        extract(before + PROGRAM + after)
        .removeprefix("import cv2\n")
        .removeprefix("import sys\n")
        .removeprefix("import os\n")
        .removeprefix("from PIL import Image\n")
        == PROGRAM
    )


@pytest.mark.parametrize(
    "after",
    [
        "from PIL import Image\nimage = Image.open('goats.jpg')\nprint(execute_command(image))",
        "result = execute_command(image)\nif result:\n    print('yes', result)",
        "for path in ['a.jpg', 'b.jpg']:\n    print(path, execute_command(load(path)))",
        "with Image.open('a.jpg') as image:\n    print(execute_command(image))",
        "try:\n    print(execute_command(image))\nexcept Exception as error:\n    print(error)",
        "assert execute_command(image) == 1",
        "def main():\n    print(execute_command(image))\n\nmain()",
        "def load(path):\n    return Image.open(path)\n\nprint(execute_command(load('a.jpg')))",
        "if __name__ == '__main__':\n    print(execute_command(image))",
        "print(execute_command(image)); print('done', execute_command(image))",
        "execute_command",
    ],
)
def test_cuts_what_stands_after(after):
    assert extract(f"{PROGRAM}\n\n{after}\n") == PROGRAM


@pytest.mark.parametrize(
    "source",
    [
        "LIMIT = 3\ndef execute_command(image):\n    return LIMIT\n",
        "def helper(x):\n    return x\n\ndef execute_command(image):\n    return helper(1)\n",
        "A = 1\nB = A + 1\n\ndef execute_command(image):\n    return [B for _ in range(2)]\n",
        "names = []\nnames.append('a')\n\ndef execute_command(image):\n    return names\n",
        "image = 3\ndef helper():\n    return image\n\ndef execute_command(image):\n    return helper()\n",
        "query = 'x'\ndef execute_command(image):\n    return query\n",
        "def execute_command(image, depth=3):\n    return helper(depth)\n\n"
        "def helper(depth):\n    return execute_command(None, depth - 1) if depth else 1\n",
        "def execute_command(image):\n    return 1\nexecute_command = 5\n",
        "print('begin')\ndef execute_command(image):\n    return 1\n",
        "import random\nxs = [1]\nrandom.shuffle(xs)\n\ndef execute_command(image):\n    return xs\n",
    ],
)
def test_keeps_what_the_program_needs(source):
    assert extract(source) == source


def test_keeps_its_neighbours_on_a_line():
    program = "def execute_command(image):\n    return LIMIT, OTHER\n"
    source = f"LIMIT = 3; image = load('a.jpg'); OTHER = 'é'\n{program}"
    assert extract(source) == f"LIMIT = 3\nOTHER = 'é'\n{program}"


def test_a_decorated_function_goes_with_its_decorator():
    after = "@timed\ndef main():\n    print(execute_command(image))\nmain()"
    assert extract(f"{PROGRAM}\n{after}") == PROGRAM
