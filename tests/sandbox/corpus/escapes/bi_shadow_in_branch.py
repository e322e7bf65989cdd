# category: builtins-import | expect: deny | success would mean: a name that is bound in a branch never taken falls through to builtins
# refused: runtime 5 "NameError: "
def execute_command(image):
    if image.width < 0:
        global open
        open = 1
    return "ESCAPED:" + str(open)
