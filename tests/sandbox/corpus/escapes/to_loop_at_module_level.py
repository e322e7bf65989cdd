# category: timeout-evasion | expect: kill | success would mean: a loop outside of every function
# refused: timeout - "The program "
while True:
    pass
def execute_command(image):
    return "ESCAPED"
