# category: syntax | expect: deny | success would mean: the entry's name is bound again after its definition
# refused: check 3 "execute_command is bound again here. Use another name."
def execute_command(image):
    return "fine"
execute_command = 5
