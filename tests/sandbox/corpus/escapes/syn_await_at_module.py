# category: syntax | expect: reject | success would mean: top-level await
# refused: syntax 1 ""
await image
def execute_command(image):
    return "ESCAPED"
