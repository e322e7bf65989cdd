# category: resource | expect: reject | success would mean: an integer beyond 64 bits
# refused: runtime - "The result of execute_command cannot be used: An integer on the wire must fit into 64 bits."
def execute_command(image):
    return 1 << 64
