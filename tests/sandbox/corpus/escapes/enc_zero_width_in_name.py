# category: encoding | expect: reject | success would mean: a zero-width space inside a name
# refused: syntax 2 ""
def execute_command(image):
    return ev@ZW@al("1")
