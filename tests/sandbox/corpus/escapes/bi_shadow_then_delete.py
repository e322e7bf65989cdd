# category: builtins-import | expect: reject | success would mean: deleting a global that shadows a name uncovers the real one
# refused: runtime 4 "NameError: "
open = 3
del open
def execute_command(image):
    return "ESCAPED:" + str(open)
