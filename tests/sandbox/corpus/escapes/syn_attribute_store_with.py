# category: syntax | expect: reject | success would mean: a with statement stores into an attribute
# refused: policy 2 "'with' is not part of programs: they have no files or locks. Remove it."
def execute_command(image):
    with image as image.find:
        return "ESCAPED"
