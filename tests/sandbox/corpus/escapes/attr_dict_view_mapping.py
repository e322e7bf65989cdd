# category: attr-walk | expect: deny | success would mean: d.keys().mapping hands out the dict behind a view
# refused: check 2 "There is no attribute 'mapping' in programs. Did you mean 'append'?"
def execute_command(image):
    return "ESCAPED:" + repr({"a": 1}.keys().mapping)
