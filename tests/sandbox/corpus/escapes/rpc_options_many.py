# category: rpc | expect: bounded | success would mean: three hundred thousand options
# refused: runtime 2 "ValueError: best_text_match() cannot take this: More than 1,000 values at once."
def execute_command(image):
    return image.best_text_match(["x"] * 300_000)
