# category: builtins-import | expect: reject | success would mean: an exception that the host's handlers may treat as the user's wish
# refused: policy 2 "'KeyboardInterrupt' is not part of programs: catch Exception."
def execute_command(image):
    raise KeyboardInterrupt
