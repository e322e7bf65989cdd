# category: rpc | expect: deny | success would mean: an edge that is no number
# refused: runtime 2 "ValueError: left must be finite, got nan"
def execute_command(image):
    return "ESCAPED:%s" % image.overlaps_with(float("nan"), 0, 1, 1)
