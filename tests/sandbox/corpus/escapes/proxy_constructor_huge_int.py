# category: proxies | expect: deny | success would mean: an edge too large for a float
# refused: runtime 2 "ValueError: right must be finite, got 1,329 bits"
def execute_command(image):
    return ImagePatch(image, 0, 0, 10 ** 400, 5)
