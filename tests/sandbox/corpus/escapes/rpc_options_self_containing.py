# category: rpc | expect: deny | success would mean: a list that contains itself as options
# refused: runtime 4 "TypeError: best_text_match() needs option_list as list[str], got list"
def execute_command(image):
    xs = []
    xs.append(xs)
    return "ESCAPED:" + image.best_text_match(xs)
