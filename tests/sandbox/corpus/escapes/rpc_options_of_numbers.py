# category: rpc | expect: deny | success would mean: options that are no texts
# refused: runtime 2 "TypeError: best_text_match() needs option_list as list[str], got list"
def execute_command(image):
    return "ESCAPED:" + image.best_text_match([1, 2])
