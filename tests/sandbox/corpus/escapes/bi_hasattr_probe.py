# category: builtins-import | expect: reject | success would mean: hasattr probes by name at run time
# refused: policy 2 "Programs cannot use 'hasattr': the attributes of ImagePatch are always there; use isinstance(x, ImagePatch"
def execute_command(image):
    return "ESCAPED:%s" % hasattr(image, "_ses" + "sion")
