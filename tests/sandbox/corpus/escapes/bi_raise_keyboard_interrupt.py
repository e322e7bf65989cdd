# category: builtins-import | expect: reject | success would mean: an exception that the host's handlers may treat as the user's wish
# refused: policy 2 "Programs cannot use 'KeyboardInterrupt': catch Exception."
def execute_command(image):
    raise KeyboardInterrupt
