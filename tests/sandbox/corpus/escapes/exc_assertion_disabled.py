# category: exceptions | expect: deny | success would mean: assert removed by -O would let a program pass its own guard
# refused: runtime 2 "AssertionError: "
def execute_command(image):
    assert image.width < 0, "wide"
    return "ESCAPED"
