# category: builtins-import | expect: deny | success would mean: os._exit kills worker before its accounting
# refused: policy 3 "The attribute '_exit' is hidden from programs. Use the attributes and methods of the ImagePatch API."
# os: contained
def execute_command(image):
    import os
    os._exit(0)
