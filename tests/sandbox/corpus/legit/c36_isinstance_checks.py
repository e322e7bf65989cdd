# legit: what kind of value is it | must run
# value: ['number', 'number', 'text', 'bool', 'other', 'container', 'container', 'container', 'patch']
def execute_command(image):
    values = [1, 2.5, "x", True, None, [1], (1,), {"a": 1}, image]
    kinds = []
    for v in values:
        if isinstance(v, bool):
            kinds.append("bool")
        elif isinstance(v, (int, float)):
            kinds.append("number")
        elif isinstance(v, str):
            kinds.append("text")
        elif isinstance(v, (list, tuple, dict)):
            kinds.append("container")
        elif isinstance(v, ImagePatch):
            kinds.append("patch")
        else:
            kinds.append("other")
    return kinds
