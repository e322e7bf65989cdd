# category: resource | expect: reject | success would mean: infinity in a nested value
# refused: runtime - "The result of execute_command cannot be used: A number on the wire must be finite, got inf or nan."
def execute_command(image):
    return {"x": [float("inf")]}
