# category: timeout-evasion | expect: kill | success would mean: handlers nested around an endless loop
# refused: timeout - "The program "
# os: timeout
def execute_command(image):
    while True:
        try:
            try:
                while True:
                    pass
            except Exception:
                continue
        except:
            continue
        finally:
            continue
