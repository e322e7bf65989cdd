# category: proxies | expect: deny | success would mean: a box of nan passes every comparison
# refused: runtime 3 "ValueError: left must be finite, got nan"
def execute_command(image):
    nan = float("nan")
    return ImagePatch(image, nan, nan, nan, nan)
