# category: syntax | expect: reject | success would mean: an entry that cannot be called by position
# refused: check 1 "execute_command asks for the keyword-only parameter 'image'. Write def execute_command(image)."
def execute_command(*, image):
    return "ESCAPED"
