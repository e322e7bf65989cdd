# category: exceptions | expect: reject | success would mean: except* calls methods of exception groups
# refused: policy 2 "'except*' is not part of programs. Write 'except'."
def execute_command(image):
    try:
        1 / 0
    except* ZeroDivisionError as group:
        print(group.exceptions)
    return "ESCAPED"
