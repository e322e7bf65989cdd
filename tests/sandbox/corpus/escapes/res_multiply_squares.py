# category: resource | expect: kill | success would mean: squaring in a loop
# refused: timeout - "The program "
def execute_command(image):
    n = 3
    while True:
        n *= n
