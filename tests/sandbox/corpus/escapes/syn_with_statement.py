# category: syntax | expect: reject | success would mean: __enter__ and __exit__ of any object
# refused: policy 2 "'with' is not part of programs: they have no files or locks. Remove it."
def execute_command(image):
    with image as x:
        return "ESCAPED"
