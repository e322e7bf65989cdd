# category: resource | expect: kill | success would mean: printing for ever fills no disk and no pipe
# refused: timeout - "The program "
def execute_command(image):
    while True:
        print("x" * 100_000)
