# category: resource | expect: reject | success would mean: a result of many megabytes for the host to decode
# refused: limit - "The result of execute_command cannot be used: The value needs 5,000,002 bytes; 1,000,000 are allowed."
def execute_command(image):
    return "x" * 5_000_000
