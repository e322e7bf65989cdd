# category: proxies | expect: deny | success would mean: a box of infinity
# refused: runtime 3 "ValueError: left must be finite, got -inf"
def execute_command(image):
    inf = float("inf")
    return ImagePatch(image, -inf, -inf, inf, inf)
