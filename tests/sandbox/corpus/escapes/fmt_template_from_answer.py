# category: format | expect: deny | success would mean: a template that a model's answer brought in
# refused: runtime 3 "ValueError: A field of format() must be a plain name or number, got '0.__init__.__globals__'. Use an f-string."
def execute_command(image):
    answer = "{0.__init__.__globals__}"
    return "ESCAPED:" + (answer + "").format(image)
