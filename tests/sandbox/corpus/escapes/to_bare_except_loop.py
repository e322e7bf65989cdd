# category: timeout-evasion | expect: kill | success would mean: in-process timeout exception swallowed by bare except
# refused: timeout - "The program "
# os: timeout
def execute_command(image):
    while True:
        try:
            while True:
                pass
        except:
            pass
