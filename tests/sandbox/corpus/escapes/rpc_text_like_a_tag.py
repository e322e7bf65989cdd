# category: rpc | expect: harmless | success would mean: a text that looks like a tagged value stays a text
# gives: {'patch': '[7, 0, 0, 1, 1, "x", 1]', 'tuple': [1], 'set': {2}}
def execute_command(image):
    return {"patch": "[7, 0, 0, 1, 1, \"x\", 1]", "tuple": [1], "set": {2}}
