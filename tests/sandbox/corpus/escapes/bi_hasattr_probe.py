# category: builtins-import | expect: reject | success would mean: hasattr probes by name at run time
# refused: policy 2 "'hasattr' is not part of programs: the attributes of ImagePatch are always there; use isinstance(x, ImagePatch"
def execute_command(image):
    return "ESCAPED:%s" % hasattr(image, "_ses" + "sion")
