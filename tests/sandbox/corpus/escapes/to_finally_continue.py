# category: timeout-evasion | expect: kill | success would mean: continue in finally drops what is being raised
# refused: timeout - "The program "
def execute_command(image):
    while True:
        try:
            raise ValueError
        finally:
            continue
