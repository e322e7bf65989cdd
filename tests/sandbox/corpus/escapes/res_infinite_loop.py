# category: resource | expect: kill | success would mean: wall-clock/CPU limit not enforced
# refused: timeout - "The program "
# os: timeout
def execute_command(image):
    while True:
        pass
