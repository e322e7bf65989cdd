# category: resource | expect: kill | success would mean: 9**9**9 spends minutes in one C call, signals not checked
# refused: timeout - "The program "
# os: timeout
def execute_command(image):
    return "ESCAPED:%d" % ((9 ** 9 ** 9) % 7)
