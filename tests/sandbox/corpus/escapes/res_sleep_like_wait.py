# category: resource | expect: kill | success would mean: CPU limit only, no wall limit: blocked forever in RPC or time.sleep
# refused: check 1 "execute_command never returns a value. End it with 'return'."
# os: ends
def execute_command(image):
    import time
    time.sleep(10 ** 6)
